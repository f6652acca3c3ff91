"""A part of a picture in an address or a form: left, top, width and height in percent."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from search.understanding.state import InvalidState, Region
from search.understanding.wire import read_region

SIDES = ("left", "top", "width", "height")


def region_in(parameters: Mapping[str, str]) -> Region | None:
    """None where no side is given. Raises InvalidState with one sentence."""
    if not any(parameters.get(side) for side in SIDES):
        return None
    return read_region([_share(parameters.get(side, ""), side) for side in SIDES], _("The part"))


def parameters_of(region: Region) -> str:
    """What `region_in` reads, as the end of an address."""
    percent = (f"{share:.2%}".rstrip("%") for share in region)
    return urlencode(dict(zip(SIDES, percent, strict=True)))


def _share(text: str, side: str) -> float:
    try:
        return float(text) / 100
    except ValueError:
        raise InvalidState(_("%s must be a number, in percent.") % side) from None
