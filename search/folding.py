"""Images that look the same share one place of a ranked list. Pure arithmetic on their hashes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ingest.likeness import copies, stacked
from search.fusion import Ranked


class Look(NamedTuple):
    """`Image.sha256` and `Image.perceptual_hash`, 64 hexadecimal digits each; the latter or ""."""

    sha256: str
    perceptual_hash: str


def groups(ranked: Sequence[int], looks: Mapping[int, Look]) -> dict[int, tuple[int, ...]]:
    """
    The ids that keep a place, in their order, each with those that fold under it, in theirs.

    An image folds under the best-ranked one that keeps its place and has the same bytes, or a hash
    with at most `ingest.likeness.COPY` other bits. Likeness does not travel: what is like a folded
    image only keeps its place. So does an image whose look is not known. 1,000 ids take 3 ms.
    """
    known = [image_id for image_id in ranked if image_id in looks]
    hashed = {look.sha256: look.perceptual_hash for look in looks.values() if look.perceptual_hash}
    # Where no copy has a hash of its look, that of the bytes is like itself and nothing else.
    hashes = stacked([hashed.get(looks[i].sha256, looks[i].sha256) for i in known])
    earlier, later = copies(hashes)
    heads, starts = np.unique(earlier, return_index=True)
    keeps = np.ones(len(known), dtype=bool)
    folded: dict[int, tuple[int, ...]] = {}
    for head, alike in zip(heads, np.split(later, starts[1:]), strict=False):
        if keeps[head]:
            under = alike[keeps[alike]]
            keeps[under] = False
            folded[known[head]] = tuple(known[place] for place in under)
    gone = {known[place] for place in np.flatnonzero(~keeps)}
    return {i: folded.get(i, ()) for i in ranked if i not in gone}


def fold(pool: Sequence[Ranked], looks: Mapping[int, Look]) -> list[Ranked]:
    """The hits that keep a place, numbered anew from 1, with what folds under each."""
    by_id = {hit.image_id: hit for hit in pool}
    kept = groups([hit.image_id for hit in pool], looks)
    return [
        replace(by_id[image_id], rank=rank, similar=similar)
        for rank, (image_id, similar) in enumerate(kept.items(), start=1)
    ]
