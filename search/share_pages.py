"""Links that end: made with a form, opened by whoever signs in, ended by their maker."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from search.links import without_own
from search.models import Ended, Share
from search.models.shares import DAYS
from search.plain import row_number
from search.plain import shared as share_of
from search.tag_pages import mine, search_of, shown
from search.understanding.state import InvalidState


@require_POST
@login_required
def share(request: HttpRequest) -> HttpResponse:
    """A link to a search or to a tag of one's own, for so many `days`; shown with all that work."""
    told = {}
    try:
        days = row_number(request.POST.get("days", ""))
        if days not in DAYS:
            raise InvalidState(_("A link works for 1, 7 or 30 days."))
        if number := request.POST.get("tag", ""):
            made = Share.images(mine(request, row_number(number)), days)
        else:
            state, _build, turn = search_of(request)
            name = turn.conversation.title if turn is not None else state.utterance
            made = Share.search(request.user, name, state, days)
            told = {"left_out": 1} if without_own(state) != state else {}
    except (InvalidState, Ended) as exc:
        context = {"title": _("No link was made"), "sentence": str(exc)}
        return render(request, "search/ended.html", context, status=400)
    query = urlencode({"new": made.pk, **told})
    return redirect(f"{reverse('search:saved')}?{query}#shared")


@require_safe
@login_required
def shared(request: HttpRequest, key: str) -> HttpResponse:
    """The search like one that is saved, or the images of the tag, to read."""
    try:
        share = share_of(key)
    except Ended as exc:
        return ended(request, exc)
    if share.tag is None:
        return redirect(f"{reverse('search:results')}?{urlencode({'shared': key})}")
    context = shown(request, share.tag) | {"share": share}
    return render(request, "search/tag.html", context)


@require_POST
@login_required
def end(request: HttpRequest, key: str) -> HttpResponse:
    """One's own."""
    get_object_or_404(Share, made_by=request.user.pk, key=key).end()
    return redirect("search:saved")


def ended(request: HttpRequest, exc: Ended) -> HttpResponse:
    context = {"title": _("This link has ended"), "sentence": str(exc)}
    return render(request, "search/ended.html", context, status=410)
