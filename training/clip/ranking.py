"""Exact ranks by cosine, of every query against all candidates, without an n x n anything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Numbers = NDArray[np.float64]
Integers = NDArray[np.int64]

# So many relevant candidates of a query are placed: what nDCG@10 can see.
PLACES = 10
# Equal vectors at different places of a matrix product differ in their last bits.
TIE = 1e-6
# Rows of a tile: what is counted down a column then fits a byte. It is 16 times as wide.
TILE_ROWS = 255
WIDER = 16


def ranks(
    queries: Vectors, candidates: Vectors, labels: Integers, *, chunk: int = TILE_ROWS
) -> Numbers:
    """
    (n, 10): ranks of the ten best relevant candidates, best first, inf where there are fewer.

    Query i and candidate j are relevant to each other where labels[i] == labels[j]. A relevant
    candidate is outranked by better relevant ones, by irrelevant ones above it, and by half of
    the irrelevant ones level with it. A cosine that is not a number outranks everything, so that
    a model that diverged cannot look perfect.
    """
    race = _Race(queries, candidates, labels, chunk)
    for tile, row, column in _tiles(queries, candidates, chunk):
        race.count(tile, row, column)
    return race.ranks()


def ranks_both_ways(
    rows: Vectors, columns: Vectors, labellings: Sequence[Integers], *, chunk: int = TILE_ROWS
) -> list[tuple[Numbers, Numbers]]:
    """
    For each labelling, `ranks` of the columns for each row and of the rows for each column, all
    of one matrix product: its transpose is the other direction.
    """
    there = [_Race(rows, columns, labels, chunk) for labels in labellings]
    back = [_Race(columns, rows, labels, chunk) for labels in labellings]
    for tile, row, column in _tiles(rows, columns, chunk):
        for race in there:
            race.count(tile, row, column)
        for race in back:
            race.count_down(tile, row, column)
    return [(a.ranks(), b.ranks()) for a, b in zip(there, back, strict=True)]


def ranks_in_batches(queries: Vectors, candidates: Vectors, size: int) -> Numbers:
    """(n,): rank of each query's own candidate among those of its batch; the last may be short."""
    whole = len(queries) // size * size
    parts = [(0, whole, size), (whole, len(queries), len(queries) - whole)]
    found = [
        _ranks_in_equal_batches(queries[start:end], candidates[start:end], length)
        for start, end, length in parts
        if end > start
    ]
    return np.concatenate(found) if found else np.zeros(0)


def _ranks_in_equal_batches(queries: Vectors, candidates: Vectors, size: int) -> Numbers:
    batches = (len(queries) // size, size, queries.shape[1])
    cosines = queries.reshape(batches) @ candidates.reshape(batches).transpose(0, 2, 1)
    own = np.diagonal(cosines, axis1=1, axis2=2)[:, :, None]
    above = size - (cosines <= own + TIE).sum(axis=2)
    from_level = size - (cosines < own - TIE).sum(axis=2) - 1
    found: Numbers = 1 + (above + from_level).reshape(-1) / 2
    return found


def _tiles(
    rows: Vectors, columns: Vectors, chunk: int
) -> Iterator[tuple[Vectors, tuple[int, int], tuple[int, int]]]:
    """Every cosine once, as (tile, its rows, its columns). A tile is written over by the next."""
    height, width = min(chunk, TILE_ROWS), WIDER * min(chunk, TILE_ROWS)
    room = np.empty(height * width, np.float32)
    for row in _spans(len(rows), height):
        for column in _spans(len(columns), width):
            shape = (row[1] - row[0], column[1] - column[0])
            tile = room[: shape[0] * shape[1]].reshape(shape)
            np.matmul(rows[slice(*row)], columns[slice(*column)].T, out=tile)
            yield tile, row, column


class _Race:
    """One direction with one notion of relevance: what is counted on the way to its ranks."""

    def __init__(self, queries: Vectors, candidates: Vectors, labels: Integers, chunk: int) -> None:
        self._candidates = len(candidates)
        self._relevant = _best_relevant(queries, candidates, labels, chunk)
        self._tallies = [_Tally(levels) for levels in self._relevant.levels.T]

    def count(self, tile: Vectors, row: tuple[int, int], column: tuple[int, int]) -> None:
        """The queries are the rows of the tile."""
        for tally in self._tallies:
            tally.add_rows(tile, *row)

    def count_down(self, tile: Vectors, row: tuple[int, int], column: tuple[int, int]) -> None:
        """The queries are its columns."""
        for tally in self._tallies:
            tally.add_columns(tile, *column)

    def ranks(self) -> Numbers:
        shape = (len(self._relevant.levels), PLACES)
        found = np.full(shape, np.inf)
        for place, tally in enumerate(self._tallies):
            there = tally.queries
            above = self._candidates - tally.up_to - self._relevant.above[there, place]
            from_level = self._candidates - tally.below - self._relevant.from_level[there, place]
            found[there, place] = 1 + place + (above + from_level) / 2
        return found


class _Tally:
    """Of all candidates, how many score up to a query's level and how many stay below it."""

    def __init__(self, levels: Vectors) -> None:
        """-inf where the query has no relevant candidate for this place: it is left out."""
        self.queries = np.flatnonzero(~np.isneginf(levels))
        self._high, self._low = levels[self.queries] + TIE, levels[self.queries] - TIE
        self.up_to = np.zeros(len(self.queries), np.int64)
        self.below = np.zeros(len(self.queries), np.int64)

    def add_rows(self, tile: Vectors, start: int, end: int) -> None:
        here, mine = self._within(start, end)
        # A tile all of whose rows are asked for is not copied.
        seen = tile if len(mine) == len(tile) else tile[mine]
        self.up_to[here] += _count_by_row(seen <= self._high[here, None])
        self.below[here] += _count_by_row(seen < self._low[here, None])

    def add_columns(self, tile: Vectors, start: int, end: int) -> None:
        here, mine = self._within(start, end)
        seen = tile if len(mine) == tile.shape[1] else tile[:, mine]
        self.up_to[here] += _count_by_column(seen <= self._high[here])
        self.below[here] += _count_by_column(seen < self._low[here])

    def _within(self, start: int, end: int) -> tuple[slice, Integers]:
        """Which of its queries stand there: where in the tally, and where in the tile."""
        first, last = np.searchsorted(self.queries, [start, end])
        return slice(int(first), int(last)), self.queries[first:last] - start


def _count_by_row(is_so: NDArray[np.bool_]) -> Integers:
    """One call a row is several times faster than a sum along the axis."""
    return np.array([np.count_nonzero(row) for row in is_so], np.int64)


def _count_by_column(is_so: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """In bytes, which is fastest; a tile has no more rows than a byte can count."""
    counts: NDArray[np.uint8] = np.add.reduce(is_so.view(np.uint8), axis=0, dtype=np.uint8)
    return counts


@dataclass(frozen=True)
class _Relevant:
    """(n, places): cosines of the best relevant candidates of each query, -inf where fewer; and
    how many of all its relevant ones stand above each, and level with it or above."""

    levels: Vectors
    above: Integers
    from_level: Integers


def _best_relevant(
    queries: Vectors, candidates: Vectors, labels: Integers, chunk: int
) -> _Relevant:
    sizes = np.bincount(labels, minlength=1)
    places = min(PLACES, max(int(sizes.max()), 1))
    shape = (len(queries), places)
    found = _Relevant(
        np.full(shape, -np.inf, np.float32), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    )
    alone = np.flatnonzero(sizes[labels] == 1)
    for start, end in _spans(len(alone), TILE_ROWS * WIDER):
        one = alone[start:end]
        own: Vectors = np.einsum("qd,qd->q", queries[one], candidates[one])
        _place(found, one, own[:, None])
    for members in _groups_of_several(labels, sizes):
        for start, end in _spans(len(members), chunk):
            some = members[start:end]
            _place(found, some, queries[some] @ candidates[members].T)
    return found


def _place(found: _Relevant, queries: Integers, cosines: Vectors) -> None:
    """Note what these queries score with all that is relevant to them, (queries, relevant)."""
    best = _largest(cosines, min(PLACES, cosines.shape[1]))
    for place in range(best.shape[1]):
        level = best[:, place, None]
        found.levels[queries, place] = level[:, 0]
        found.above[queries, place] = cosines.shape[1] - (cosines <= level + TIE).sum(axis=1)
        found.from_level[queries, place] = cosines.shape[1] - (cosines < level - TIE).sum(axis=1)


def _groups_of_several(labels: Integers, sizes: Integers) -> list[Integers]:
    """The rows of each label that more than one row has."""
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.cumsum(sizes)[:-1])
    return [group for group in groups if len(group) > 1]


def _largest(values: Vectors, count: int) -> Vectors:
    """(rows, count), in falling order; what is not a number comes first."""
    top: Vectors = np.partition(values, values.shape[1] - count, axis=1)[:, -count:]
    return np.sort(top, axis=1)[:, ::-1]


def _spans(total: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, total, size):
        yield start, min(start + size, total)
