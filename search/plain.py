"""A search as a plain address: what `GET /search` and `GET /api/v1/search` understand."""

from typing import Any

from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from search import links
from search.asking import read, with_examples, with_settings
from search.engines.base import FACET_FIELDS
from search.models import SavedSearch, Share
from search.understanding.edits import apply
from search.understanding.state import FILTER_FIELDS, InvalidState
from search.understanding.understand import Understanding
from search.understanding.wire import state_from_json

SWITCHES = ("mode", "fusion", "alpha")


def state_of(parameters: QueryDict) -> Understanding:
    """`q`, `mode`, `alpha`, `fusion`, `like`, `with_caption`, and any filter field, repeatable.

    Raises InvalidState with one sentence.
    """
    understood = read(parameters.get("q", ""))
    controls: dict[str, str | float] = {}
    for name in SWITCHES:
        if value := parameters.get(name, ""):
            controls[name] = _number(value) if name == "alpha" else value
    state = with_settings(understood.state, controls)
    likes = [_image_id(text) for text in parameters.getlist("like") if text]
    with_caption = parameters.get("with_caption", "") in ("1", "true", "on")
    state = with_examples(state, likes, captions=with_caption)
    for field in FILTER_FIELDS:
        for value in parameters.getlist(field):
            if value:
                state = apply(state, {"op": "filter", "field": field, "value": value})
    # Examples and filters without words are a question too.
    asks = bool(parameters.get("q")) or state.is_empty
    return Understanding(state, understood.notices if asks else ())


def asked_by(user: Any, parameters: QueryDict) -> Understanding:
    """
    A state from a link (`state`), a saved search of the user's own (`saved`), one that was shared
    (`shared`), or words and filters: the first that is there. Raises InvalidState, Http404, and
    Ended for what is shared no more.
    """
    if state := parameters.get("state", ""):
        return Understanding(links.decode(state))
    if (saved_as := row_number(parameters.get("saved", ""))) is not None:
        mine = SavedSearch.objects.filter(user=user.pk)
        return Understanding(state_from_json(get_object_or_404(mine, pk=saved_as).state))
    if key := parameters.get("shared", ""):
        share = shared(key)
        if share.tag is not None:
            raise Http404
        return Understanding(share.query_state, (share.told(),))
    return state_of(parameters)


def row_number(text: str) -> int | None:
    """Of a row, as an address or a form names it; None for what cannot be one."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def shared(key: str) -> Share:
    """What a key opens; raises Http404 where there is none, Ended where it works no more."""
    try:
        return Share.opened(key)
    except Share.DoesNotExist:
        raise Http404 from None


def as_said(parameters: QueryDict) -> str:
    """The search of an address in words that ask for the same; empty where words cannot.

    They hold words and filters. The switches of the ranking stand beside them on the page.
    """
    said = parameters.get("q", "").split()
    for name, values in parameters.lists():
        if name in FACET_FIELDS:
            said += [f'{name}:"{value}"' for value in values if value]
        elif any(values) and name not in ("q", *SWITCHES, "offset"):
            return ""
    return " ".join(said)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidState(_("alpha must be a number from 0 to 1.")) from None


def _image_id(text: str) -> int:
    number = row_number(text)
    if number is None:
        raise InvalidState(_("like must be the number of an image."))
    return number
