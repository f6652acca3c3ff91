"""The pages of tags, and the forms that tag: all of them work without JavaScript."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from ingest.models import Image
from search.engines.base import EngineError
from search.exporting import FORMS, all_ranked
from search.models import Ended, IndexBuild, LiveIndex, NameTaken, NotTagged, Tag, Turn
from search.models.shares import DAYS
from search.plain import asked_by, row_number
from search.problems import ENGINE_DOWN
from search.retrieval import NothingIndexed
from search.understanding.state import InvalidState, QueryState

PAGE = 48


@require_safe
@login_required
def tags(request: HttpRequest) -> HttpResponse:
    return render(request, "search/tags.html", {"tags": Tag.of(request.user)})


@require_safe
@login_required
def tag(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "search/tag.html", shown(request, mine(request, pk)))


@require_POST
@login_required
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    renamed = mine(request, pk)
    try:
        renamed.rename(request.POST.get("name", ""))
    except (NameTaken, InvalidState) as exc:
        told = {"error": str(exc), "name": request.POST.get("name", "")}
        return render(request, "search/tag.html", shown(request, renamed) | told, status=400)
    return redirect("search:tag", pk)


@require_POST
@login_required
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    mine(request, pk).delete()
    return redirect("search:tags")


@require_POST
@login_required
def remove(request: HttpRequest, pk: int, image: int) -> HttpResponse:
    mine(request, pk).remove(image)
    page = urlencode({"page": request.POST.get("page", "1")})
    return redirect(f"{reverse('search:tag', args=[pk])}?{page}")


@require_POST
@login_required
def tag_all(request: HttpRequest) -> HttpResponse:
    """Tag all that a search ranks; the reader stays where the search is."""
    try:
        state, build, turn = search_of(request)
        found = all_ranked(state, build, turn, request.user.pk)
        tagged = Tag.named(request.user, request.POST.get("name", ""))[0]
        tagged.add(hit["image_id"] for hit in found["hits"])
    except (NotTagged, InvalidState, Ended, NothingIndexed, EngineError) as exc:
        sentence = str(ENGINE_DOWN if isinstance(exc, EngineError) else exc)
        return _refused(request, "search/_tag_all.html", _form(request) | {"error": sentence})
    if "stays" in request.POST:
        return render(request, "search/_tag_all.html", _form(request) | {"told": tagged.told()})
    here = reverse("search:results")
    if turn is not None:
        here = reverse("search:conversation", args=[turn.conversation_id])
    query = request.GET.copy()
    query["tagged"] = str(tagged.pk)
    return redirect(f"{here}?{query.urlencode()}")


@require_POST
@login_required
def tag_image(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one image a tag of one's own by its `name`, or take one away: `remove`, its number."""
    image = get_object_or_404(Image, pk=pk)
    try:
        if number := request.POST.get("remove", ""):
            mine(request, row_number(number)).remove(pk)
        else:
            Tag.named(request.user, request.POST.get("name", ""))[0].add([pk])
    except (NotTagged, InvalidState) as exc:
        context = tags_of(request.user, image) | {"error": str(exc)}
        return _refused(request, "search/_tags.html", context)
    if "stays" in request.POST:
        return render(request, "search/_tags.html", tags_of(request.user, image))
    return redirect("search:image", pk)


def search_of(request: HttpRequest) -> tuple[QueryState, IndexBuild | None, Turn | None]:
    """What a form asks for: the turn of one's own that it names, or the search of its address."""
    number = request.POST.get("turn_id", "")
    if not number:
        return asked_by(request.user, request.GET).state, LiveIndex.current(), None
    turns = Turn.objects.filter(conversation__user=request.user.pk)
    turns = turns.select_related("conversation", "build__checkpoint")
    turn = get_object_or_404(turns, pk=row_number(number))
    return turn.query_state, turn.answering_build(), turn


def tags_of(user: Any, image: Image) -> dict[str, Any]:
    """For the labels of an image, and the form that adds another."""
    own = Tag.objects.filter(owner=user.pk)
    return {"image": image, "image_tags": own.filter(images=image), "own_tags": own}


def mine(request: HttpRequest, pk: int | None) -> Tag:
    return get_object_or_404(Tag, owner=request.user.pk, pk=pk)


def shown(request: HttpRequest, tag: Tag) -> dict[str, Any]:
    """A page of a tag's images. Whoever has logged in may see every image."""
    page = Paginator(tag.in_order(), PAGE).get_page(request.GET.get("page"))
    forms = {"export_forms": FORMS, "share_days": DAYS}
    return {"tag": tag, "name": tag.name, "page": page, **forms}


def _form(request: HttpRequest) -> dict[str, Any]:
    return {
        "last_turn": request.POST.get("turn_id", ""),
        "name": request.POST.get("name", ""),
        "export_query": request.GET.urlencode(),
        "own_tags": Tag.objects.filter(owner=request.user.pk),
    }


def _refused(request: HttpRequest, fragment: str, context: dict[str, Any]) -> HttpResponse:
    """In the form that stays, which then says what is wrong, or on the page of all tags."""
    if "stays" in request.POST:
        return render(request, fragment, context)
    told = {"tags": Tag.of(request.user), "error": context["error"]}
    return render(request, "search/tags.html", told, status=400)
