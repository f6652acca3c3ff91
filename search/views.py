"""The pages. Each works without JavaScript; the modules then take over."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ingest.models import Image
from ingest.pictures import without_metadata
from search import asking, links, provenance, query_images, watching, wire
from search.context import corpus
from search.engines.base import EngineError
from search.exporting import FORMS, MOST_RANKED
from search.heat_drawing import layer, scale
from search.heat_maps import NoHeatMap, Place, read_phrase
from search.heat_maps import heat_map as heat_map_of
from search.models import (
    Conversation,
    Ended,
    LiveIndex,
    NameTaken,
    SavedSearch,
    Share,
    Tag,
    Turn,
)
from search.models.conversations import LONGEST_NAME, LONGEST_NOTES
from search.models.shares import DAYS
from search.plain import as_said, asked_by, row_number
from search.problems import ENGINE_DOWN
from search.query import wanted
from search.retrieval import NOTHING_INDEXED, NothingIndexed
from search.share_pages import ended
from search.suggestions import suggestions
from search.tag_pages import tags_of
from search.understanding.state import InvalidState, QueryState

RECENT = 20
MOST_COMPARED = 4
MOST_PAST = 50
WARMEST: dict[Place, Any] = {
    "even": gettext_lazy("Even: no part stands out."),
    "upper left": gettext_lazy("Warmest at the upper left of the picture."),
    "top": gettext_lazy("Warmest at the top of the picture."),
    "upper right": gettext_lazy("Warmest at the upper right of the picture."),
    "left": gettext_lazy("Warmest on the left of the picture."),
    "middle": gettext_lazy("Warmest in the middle of the picture."),
    "right": gettext_lazy("Warmest on the right of the picture."),
    "lower left": gettext_lazy("Warmest at the lower left of the picture."),
    "bottom": gettext_lazy("Warmest at the bottom of the picture."),
    "lower right": gettext_lazy("Warmest at the lower right of the picture."),
}


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "search/page.html", _frame_of_page(request))


@require_safe
@login_required
def results(request: HttpRequest) -> HttpResponse:
    """The answer in the page itself, for any address that a person keeps or shares."""
    context = _frame_of_page(request)
    try:
        understood = asked_by(request.user, request.GET)
        offset = _offset(request)
        response = async_to_sync(wire.answer)(
            understood.state, LiveIndex.current(), owner=request.user.pk, offset=offset
        )
    except InvalidState as exc:
        return render(request, "search/page.html", {**context, "error": str(exc)}, status=400)
    except Ended as exc:
        return ended(request, exc)
    except (NothingIndexed, EngineError) as exc:
        return render(request, "search/page.html", {**context, "error": _sentence(exc)}, status=503)
    told = [*_tagged(request), *understood.notices, *_new_here(request)]
    response["notices"] = [*told, *response["notices"]]
    answered = {
        "response": response,
        "said": as_said(request.GET),
        "page_url_next": _next_page(request, response),
        "export_query": _without(request, "tagged").urlencode(),
        "origin": _origin(request, understood.state),
    }
    return render(request, "search/page.html", {**context, **answered})


@require_safe
@login_required
def conversation(request: HttpRequest, pk: int) -> HttpResponse:
    mine = Conversation.objects.filter(user=request.user.pk)
    current = get_object_or_404(mine.select_related("branched_from__conversation", "saved"), pk=pk)
    turns = list(current.turns.select_related("build__checkpoint"))
    context = {
        **_frame_of_page(request),
        "conversation": current,
        "turns": [
            {
                "id": turn.pk,
                "utterance": turn.utterance,
                "chips": wire.chips_json(turn.query_state, request.user.pk),
                "total": turn.total,
            }
            for turn in turns
        ],
    }
    if turns:
        last = turns[-1]
        context["last_turn"] = last.pk
        context["saved_as"] = wire.saved_json(last)
        try:
            response = async_to_sync(wire.answer_turn)(last)
            response["notices"] = [*_tagged(request), *response["notices"]]
            context["response"] = response
        except (NothingIndexed, EngineError) as exc:
            context["error"] = _sentence(exc)
    return render(request, "search/page.html", context)


@require_POST
@login_required
def branch(request: HttpRequest) -> HttpResponse:
    """A conversation of its own, from a turn of one's own or from the state of a plain address."""
    try:
        if (number := row_number(request.POST.get("turn", ""))) is not None:
            mine = Turn.objects.filter(conversation__user=request.user.pk)
            turn = asking.branch(request.user, get_object_or_404(mine, pk=number))
        elif (saved_as := row_number(request.POST.get("saved", ""))) is not None:
            kept = SavedSearch.objects.filter(user=request.user.pk)
            turn = asking.open_saved(request.user, get_object_or_404(kept, pk=saved_as))
        else:
            state = links.decode(request.POST.get("state", ""))
            title = state.utterance or _("A search from a link")
            turn = asking.open_state(request.user, state, title)
    except InvalidState as exc:
        context = {**_frame_of_page(request), "error": str(exc)}
        return render(request, "search/page.html", context, status=400)
    return redirect("search:conversation", turn.conversation_id)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    mine = Conversation.objects.filter(user=request.user.pk)
    renamed = get_object_or_404(mine, pk=pk)
    context = {"conversation": renamed, "title": renamed.title}
    if request.method != "POST":
        return render(request, "search/rename.html", context)
    title = request.POST.get("title", "").strip()
    if not 0 < len(title) <= LONGEST_NAME:
        context |= {"title": title, "error": _("A name has 1 to 120 characters.")}
        return render(request, "search/rename.html", context, status=400)
    renamed.rename(title)
    return redirect("search:conversation", pk)


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """All conversations of one's own, searched by their titles and by what was said."""
    words = " ".join(request.GET.get("q", "").split())[:LONGEST_NAME]
    found = Conversation.of(request.user, words).annotate(size=Count("turns"))
    found = found.order_by("-pinned", "-updated_at")  # a count puts the model's own order aside
    page = Paginator(found, MOST_PAST).get_page(request.GET.get("page"))
    days = round(settings.CONVERSATION_DAYS)
    return render(request, "search/history.html", {"page": page, "q": words, "days": days})


@require_POST
@login_required
def pin(request: HttpRequest, pk: int) -> HttpResponse:
    mine = get_object_or_404(Conversation.objects.filter(user=request.user.pk), pk=pk)
    mine.pin(request.POST.get("pinned") == "1")
    words = request.POST.get("q", "")
    return redirect(f"{reverse('search:history')}?{urlencode({'q': words})}")


@require_safe
@login_required
def image(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(_visible_images(), pk=pk)
    context = {"picture": wire.picture_json(shown), **_about(request, shown)}
    return render(request, "search/image.html", context)


@require_safe
@login_required
def about(request: HttpRequest, pk: int) -> HttpResponse:
    """What the panel of a hit shows beyond the hit."""
    shown = get_object_or_404(_visible_images(), pk=pk)
    return render(request, "search/_about.html", _about(request, shown))


@require_safe
@login_required
def heat_map(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the image is like a phrase: a page, or with `part` what the panel unfolds."""
    shown = get_object_or_404(_visible_images(), pk=pk)
    template = "search/_heat_map.html" if "part" in request.GET else "search/heat_map.html"
    context: dict[str, Any] = {"image": shown, "phrase": request.GET.get("phrase", "")}
    try:
        context["phrase"] = phrase = read_phrase(context["phrase"])
        build = LiveIndex.current()
        if build is None:
            raise NoHeatMap(NOTHING_INDEXED)
        heat = heat_map_of(build, shown, phrase)
    except (InvalidState, NoHeatMap) as exc:
        status = 400 if isinstance(exc, InvalidState) else 503
        return render(request, template, {**context, "error": str(exc)}, status=status)
    drawn = {"layer": layer(heat.values), "scale": scale(), "where": WARMEST[heat.where]}
    return render(request, template, {**context, "heat": heat, **drawn})


@require_safe
@login_required
def compare(request: HttpRequest) -> HttpResponse:
    """Two to four images in columns, in the order of the address."""
    try:
        shown = _named(request.GET.get("ids", ""))
    except InvalidState as exc:
        return render(request, "search/compare.html", {"error": str(exc)}, status=400)
    context = {"columns": provenance.columns(shown)}
    return render(request, "search/compare.html", context)


@require_safe
@login_required
def saved(request: HttpRequest) -> HttpResponse:
    searches = list(SavedSearch.objects.filter(user=request.user.pk))
    new = watching.new_images(searches)
    rows = [(search, new.get(search.pk, 0)) for search in searches]
    own_links = [(share, _address(request, share)) for share in Share.of(request.user)]
    context = {"saved_searches": rows, "shares": own_links, "new": request.GET.get("new", "")}
    context["left_out"] = "left_out" in request.GET
    return render(request, "search/saved.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def describe(request: HttpRequest, pk: int) -> HttpResponse:
    """Name and notes of a saved search."""
    kept = get_object_or_404(SavedSearch.objects.filter(user=request.user.pk), pk=pk)
    context = {"saved": kept, "name": kept.name, "notes": kept.notes}
    if request.method != "POST":
        return render(request, "search/describe.html", context)
    name = " ".join(request.POST.get("name", "").split())
    notes = request.POST.get("notes", "").replace("\r\n", "\n").strip()
    context |= {"name": name, "notes": notes}
    try:
        if not 0 < len(name) <= LONGEST_NAME or len(notes) > LONGEST_NOTES:
            raise ValueError(_("A name has 1 to 120 characters, notes at most 2,000."))
        kept.describe(name, notes)
    except (NameTaken, ValueError) as exc:
        context["error"] = str(exc)
        return render(request, "search/describe.html", context, status=400)
    return redirect("search:saved")


@require_safe
@login_required
@cache_control(private=True, max_age=86_400)
def file(request: HttpRequest, pk: int) -> HttpResponse:
    data, media_type = without_metadata(Path(get_object_or_404(Image, pk=pk).file.path))
    return HttpResponse(data, content_type=media_type)


@require_safe
@login_required
@cache_control(private=True, max_age=86_400, immutable=True)
def thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """A page asks for dozens at once: a few kilobytes are read whole rather than streamed."""
    row = get_object_or_404(Image.objects.only("thumbnail"), pk=pk)
    return HttpResponse(Path(row.thumbnail.path).read_bytes(), content_type="image/webp")


@require_safe
@login_required
@cache_control(private=True, no_store=True)
def query_image(request: HttpRequest, upload: str) -> HttpResponse:
    """The small preview of a picture of one's own."""
    picture = query_images.find(request.user.pk, upload)
    if picture is None:
        raise Http404
    return HttpResponse(picture.preview, content_type="image/webp")


def _address(request: HttpRequest, share: Share) -> str:
    return request.build_absolute_uri(reverse("search:shared", args=[share.key]))


def _visible_images() -> QuerySet[Image]:
    """Whoever has logged in may see every image."""
    return Image.objects.select_related("collection")


def _named(ids: str) -> list[Image]:
    names = list(dict.fromkeys(ids.split(",")))
    if not 2 <= len(names) <= MOST_COMPARED or not all(map(_is_number, names)):
        raise InvalidState(_("Name two to four images by their numbers: /compare?ids=12,34."))
    found = _visible_images().in_bulk([int(name) for name in names])
    missing = [name for name in names if int(name) not in found]
    if missing:
        raise InvalidState(_("There is no image %s. Take it out of ids.") % missing[0])
    return [found[int(name)] for name in names]


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= 9


def _similar(request: HttpRequest) -> list[Image]:
    """Those that a search folded under the image, as the address names them."""
    names = request.GET.get("similar", "").split(",")[:MOST_RANKED]
    ids = [int(name) for name in dict.fromkeys(names) if _is_number(name)]
    found = _visible_images().in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _asked_of(request: HttpRequest) -> dict[str, Any]:
    """The turn of one's own that the address names, and what it looks for."""
    number = request.GET.get("turn", "")
    if not number:
        return {"turn": "", "phrases": []}
    if not _is_number(number):
        raise Http404
    mine = Turn.objects.filter(conversation__user=request.user.pk)
    turn = get_object_or_404(mine, pk=int(number))
    return {"turn": turn.pk, "phrases": wanted(turn.query_state)}


def _about(request: HttpRequest, shown: Image) -> dict[str, Any]:
    similar = _similar(request)
    figures = provenance.figures(shown, _visible_images())
    ids = ",".join(str(figure.pk) for figure in figures.shown)
    alike = ",".join(str(one.pk) for one in [shown, *similar])
    return {
        **_asked_of(request),
        "similar": similar,
        "similar_compared": alike if 1 <= len(similar) < MOST_COMPARED else "",
        **tags_of(request.user, shown),
        "facts": provenance.facts(shown),
        "attribution": provenance.attribution(shown),
        "denied": provenance.denied(shown),
        "figures": figures,
        "compared": ids if 2 <= figures.total <= MOST_COMPARED else "",
    }


def _frame_of_page(request: HttpRequest) -> dict[str, Any]:
    """What every state of the search page shows around the answer."""
    user = request.user.pk
    return {
        **corpus(request),
        "conversation": None,
        "conversations": Conversation.objects.filter(user=user)[:RECENT],
        "saved_searches": SavedSearch.objects.filter(user=user)[:RECENT],
        "suggestions": suggestions(),
        "own_tags": Tag.objects.filter(owner=user),
        "q": request.GET.get("q", ""),
        "response": None,
        "export_forms": FORMS,
        "share_days": DAYS,
        "query_image_minutes": round(settings.QUERY_IMAGE_MINUTES),
        "settings": {
            "mode": request.GET.get("mode", "hybrid"),
            "alpha": request.GET.get("alpha", "0.5"),
            "fusion": request.GET.get("fusion", "linear"),
        },
    }


def _origin(request: HttpRequest, state: QueryState) -> tuple[str, str]:
    """The parameter that names this search to `branch`; a link has no pictures of one's own."""
    saved_as = row_number(request.GET.get("saved", ""))
    if saved_as is not None and not request.GET.get("state"):
        return "saved", str(saved_as)
    return "state", links.encode(state)


def _new_here(request: HttpRequest) -> list[str]:
    """Told once: a saved search that is opened has been looked at."""
    saved_as = row_number(request.GET.get("saved", ""))
    if request.GET.get("state") or saved_as is None:
        return []
    mine = SavedSearch.objects.filter(user=request.user.pk, pk=saved_as)
    new = sum(watching.new_images(mine).values())
    for search in mine:
        watching.look(search)
    if not new:
        return []
    sentence = ngettext("{new} new since you last looked.", "{new} new since you last looked.", new)
    return [sentence.format(new=new)]


def _tagged(request: HttpRequest) -> list[str]:
    """Told where all results were tagged just now."""
    number = row_number(request.GET.get("tagged", ""))
    if number is None:
        return []
    return [tag.told() for tag in Tag.objects.filter(owner=request.user.pk, pk=number)]


def _without(request: HttpRequest, name: str) -> QueryDict:
    parameters = request.GET.copy()
    parameters.pop(name, None)
    return parameters


def _sentence(exc: NothingIndexed | EngineError) -> str:
    return str(exc) if isinstance(exc, NothingIndexed) else str(ENGINE_DOWN)


def _offset(request: HttpRequest) -> int:
    text = request.GET.get("offset", "0")
    if not _is_number(text):
        raise InvalidState(_("offset must be a whole number."))
    return int(text)


def _next_page(request: HttpRequest, response: wire.SearchResponse) -> str:
    after = response["offset"] + response["limit"]
    if after >= response["ranked"]:
        return ""
    parameters = _without(request, "tagged")
    parameters["offset"] = str(after)
    return f"?{parameters.urlencode()}"
