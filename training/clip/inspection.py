"""Where a model is good and where it is not: slices of the queries, the worst of them, a batch."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.clip.bootstrap import Numbers, Resamples, Table
from training.clip.evaluate import SEED_BATCH_SIZE

Vectors = NDArray[np.float32]

FEWEST_QUERIES = 5
OTHER = "other"
# Slices of captions, and how many words the longest of each but the last has.
LENGTHS = ("1–10 words", "11–20 words", "21–40 words", "41 words or more")
LONGEST = (10, 20, 40)
AT_ONCE = 50


@dataclass(frozen=True)
class Slice:
    """`interval` is the 95 % bootstrap interval over the groups of its queries."""

    name: str
    queries: int
    mean: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Miss:
    """A caption whose own image stands far down. `found`: the rows and cosines of the best
    other images."""

    row: int
    rank: float
    cosine: float
    found: list[tuple[int, float]]


def slices(
    values: Numbers, names: Sequence[str], groups: Sequence[str], order: Sequence[str] = ()
) -> list[Slice]:
    """The mean over the queries of each name, in `order` if given, else most queries first.

    Names of fewer than five queries are joined in 'other', the last, however few that makes.
    """
    sizes = Counter(names)
    kept = np.array([name if sizes[name] >= FEWEST_QUERIES else OTHER for name in names])
    places = {name: place for place, name in enumerate(order)}
    shown = sorted(set(kept.tolist()), key=lambda n: (n == OTHER, places.get(n, 0), -sizes[n], n))
    return [_slice(name, np.flatnonzero(kept == name), values, groups) for name in shown]


def _slice(name: str, rows: NDArray[np.int64], values: Numbers, groups: Sequence[str]) -> Slice:
    table: Table = {name: values[rows]}
    interval = Resamples([groups[row] for row in rows]).intervals(table)[name]
    return Slice(name, len(rows), float(values[rows].mean()), interval)


def length_slice(caption: str) -> str:
    """The number of words, as one of LENGTHS."""
    return LENGTHS[bisect_left(LONGEST, len(caption.split()))]


def worst_queries(
    queries: Vectors, candidates: Vectors, own_ranks: Numbers, *, most: int = 50, found: int = 5
) -> list[Miss]:
    """Query i looks for candidate i. The worst rank first; what is found at once is left out."""
    worst = np.argsort(-own_ranks, kind="stable")[:most]
    worst = worst[own_ranks[worst] > 1]
    misses = []
    for start in range(0, len(worst), AT_ONCE):
        rows = worst[start : start + AT_ONCE]
        cosines = queries[rows] @ candidates.T
        misses += [
            _miss(int(row), own_ranks[row], own, found)
            for row, own in zip(rows, cosines, strict=True)
        ]
    return misses


def _miss(row: int, rank: float, cosines: Vectors, found: int) -> Miss:
    best = [int(other) for other in np.argsort(-cosines, kind="stable")[: found + 1]]
    instead = [(other, float(cosines[other])) for other in best if other != row][:found]
    return Miss(row, float(rank), float(cosines[row]), instead)


def batch_cosines(image_vectors: Vectors, text_vectors: Vectors) -> Vectors:
    """(64, 64) or fewer: the images of the first batch by its captions, in the order given."""
    cosines: Vectors = image_vectors[:SEED_BATCH_SIZE] @ text_vectors[:SEED_BATCH_SIZE].T
    return cosines
