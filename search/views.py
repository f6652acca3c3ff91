"""The page of the search. It works without JavaScript; the modules then take over."""

from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from search import asking, links, watching, wire
from search.context import corpus
from search.engines.base import EngineError
from search.exporting import FORMS
from search.models import Conversation, Ended, LiveIndex, SavedSearch, Tag, Turn
from search.models.shares import DAYS
from search.plain import as_said, asked_by, row_number
from search.problems import ENGINE_DOWN
from search.retrieval import NothingIndexed
from search.share_pages import ended
from search.suggestions import suggestions
from search.understanding.state import InvalidState, QueryState

RECENT = 20

SORTS = {
    "relevance": gettext_lazy("Best match first"),
    "newest": gettext_lazy("Newest first"),
    "oldest": gettext_lazy("Oldest first"),
    "source": gettext_lazy("By source"),
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
        "settings": understood.state,
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
        context["settings"] = last.query_state
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
        "sorts": SORTS.items(),
        "share_days": DAYS,
        "query_image_minutes": round(settings.QUERY_IMAGE_MINUTES),
        "settings": QueryState(),
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
    offset = row_number(request.GET.get("offset", "0"))
    if offset is None:
        raise InvalidState(_("offset must be a whole number."))
    return offset


def _next_page(request: HttpRequest, response: wire.SearchResponse) -> str:
    after = response["offset"] + response["limit"]
    if after >= response["ranked"]:
        return ""
    parameters = _without(request, "tagged")
    parameters["offset"] = str(after)
    return f"?{parameters.urlencode()}"
