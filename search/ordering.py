"""The ranked list in another order than by score: by year or by source. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from search.fusion import Ranked
from search.understanding.state import Sort


class Origin(NamedTuple):
    """`year` is None where it is not known; `source` has an article's figures side by side."""

    year: int | None
    source: str


UNKNOWN = Origin(None, "")


def ordered(
    hits: Sequence[Ranked], sort: Sort, origins: Mapping[int, Origin], strong: int
) -> list[Ranked]:
    """
    Hits numbered anew from 1. The first `strong` stay before the others, so that no weak match
    comes first for being new. What is not known comes last; equals stay in order of their score.
    """
    place = _PLACES[sort]
    known = {hit.image_id: origins.get(hit.image_id, UNKNOWN) for hit in hits}
    sides = (hits[:strong], hits[strong:])
    in_order = [h for side in sides for h in sorted(side, key=lambda h: place(known[h.image_id]))]
    return [replace(hit, rank=rank) for rank, hit in enumerate(in_order, start=1)]


_PLACES: Mapping[Sort, Callable[[Origin], tuple[bool, float | str]]] = {
    "relevance": lambda origin: (False, 0),
    "newest": lambda origin: (origin.year is None, -(origin.year or 0)),
    "oldest": lambda origin: (origin.year is None, origin.year or 0),
    "source": lambda origin: (not origin.source, origin.source),
}
