"""A state as one parameter of an address, which opens the same search for whoever is signed in."""

import base64
import binascii
import json
import zlib
from dataclasses import fields, replace
from typing import Any, TypedDict
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from search.understanding.state import InvalidState, QueryState
from search.understanding.wire import state_from_json

# A state of the most parts, each of the longest text, is smaller.
LARGEST = 256 * 1024


class Link(TypedDict):
    """The path that opens a state, and a sentence where it does not hold all of it."""

    path: str
    notice: str


def encode(state: QueryState) -> str:
    """Pictures of one's own serve nobody else and are left out."""
    text = json.dumps(_brief(without_own(state)), separators=(",", ":"), ensure_ascii=False)
    packed = zlib.compress(text.encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(text: str) -> QueryState:
    """Raises InvalidState with one sentence for what `encode` did not write."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(packed, LARGEST)
        if not unpacking.eof:
            raise ValueError("cut off, or too large")
        return without_own(state_from_json(json.loads(data)))
    except (ValueError, RecursionError, binascii.Error, zlib.error) as exc:
        raise InvalidState(_("This link is broken. Ask for it again, or start a search.")) from exc


def link_of(state: QueryState) -> Link:
    notice = _("Your own pictures are not part of the link.") if without_own(state) != state else ""
    path = f"{reverse('search:results')}?{urlencode({'state': encode(state)})}"
    return Link(path=path, notice=notice)


def without_own(state: QueryState) -> QueryState:
    """What of a state serves others too: pictures that somebody brought are left out."""
    return replace(state, images=tuple(image for image in state.images if not image.upload))


def _brief(part: Any) -> Any:
    """As JSON without what is as by default."""
    if isinstance(part, tuple):
        return [_brief(one) for one in part]
    if not hasattr(part, "__dataclass_fields__"):
        return part
    kept = {field.name: getattr(part, field.name) for field in fields(part)}
    defaults = {field.name: field.default for field in fields(part)}
    return {name: _brief(value) for name, value in kept.items() if value != defaults[name]}
