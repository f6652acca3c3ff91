"""How single fields are kept: attributes as codes, text as postings, embeddings as a matrix."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.vespa_stub.text import tokens

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
Occurrences = tuple[Rows, NDArray[np.float64]]
MISSING_NUMBER = -(2**63)


class Column:
    """An attribute: a code for each distinct value, and one code a row. Code 0 is no value."""

    def __init__(self, capacity: int, is_number: bool) -> None:
        self.is_number = is_number
        self.values: list[Any] = [None]
        self.codes = np.zeros(capacity, np.int32)
        self.numbers = np.full(capacity if is_number else 0, MISSING_NUMBER, np.float64)
        self._code_of: dict[Any, int] = {}
        self._folded: dict[Any, list[int]] = {}

    def grow(self, capacity: int) -> None:
        self.codes = _grown(self.codes, capacity, 0)
        if self.is_number:
            self.numbers = _grown(self.numbers, capacity, MISSING_NUMBER)

    def set(self, row: int, value: Any) -> None:
        self.codes[row] = 0 if value is None else self._code(value)
        if self.is_number:
            self.numbers[row] = MISSING_NUMBER if value is None else value

    def equal_to(self, values: Iterable[Any]) -> Mask:
        """Rows with any of the values; letters match whatever their case."""
        found = [code for value in values for code in self._folded.get(_fold(value), ())]
        if len(found) == 1:
            return np.asarray(self.codes == found[0])
        return np.isin(self.codes, found)

    def counts(self, rows: Rows) -> list[tuple[Any, int]]:
        """Distinct values of the rows with how often each stands there."""
        counted = np.bincount(self.codes[rows], minlength=1)
        return [(self.values[code], int(counted[code])) for code in np.flatnonzero(counted)]

    def sort_keys(self, rows: Rows) -> NDArray[np.float64]:
        """Numbers that stand in the order of the values; no value comes first."""
        if self.is_number:
            return self.numbers[rows]
        order = sorted(range(len(self.values)), key=lambda code: str(self.values[code] or ""))
        places = np.empty(len(order))
        places[order] = np.arange(len(order))
        found: NDArray[np.float64] = places[self.codes[rows]]
        return found

    def _code(self, value: Any) -> int:
        code = self._code_of.get(value)
        if code is None:
            code = self._code_of[value] = len(self.values)
            self.values.append(value)
            self._folded.setdefault(_fold(value), []).append(code)
        return code


class Words:
    """The inverted index of one text field, with positions."""

    def __init__(self, capacity: int) -> None:
        self.postings: dict[str, dict[int, tuple[int, ...]]] = {}
        self.lengths = np.zeros(capacity)
        self._total, self._filled = 0, 0
        self._stems: dict[int, tuple[str, ...]] = {}
        # What was asked for since the field last changed.
        self._counted: dict[tuple[str, ...], Occurrences] = {}

    def grow(self, capacity: int) -> None:
        self.lengths = _grown(self.lengths, capacity, 0)

    def occurrences(self, stems: tuple[str, ...]) -> Occurrences:
        """Rows where the word or the phrase stands, and how often in each."""
        if stems not in self._counted:
            places = phrase_places([self.postings.get(stem, {}) for stem in stems])
            self._counted[stems] = _arrays(places)
        return self._counted[stems]

    def documents(self, stems: tuple[str, ...]) -> int:
        """In how many documents the rarest of the words stands."""
        return min(len(self.postings.get(stem, ())) for stem in stems)

    @property
    def average_length(self) -> float:
        return self._total / self._filled if self._filled else 1.0

    def set(self, row: int, text: str | None) -> None:
        self._counted.clear()
        self._clear(row)
        positions: dict[str, list[int]] = {}
        found = tokens(text or "")
        for at, word in enumerate(found):
            positions.setdefault(word, []).append(at)
        for word, places in positions.items():
            self.postings.setdefault(word, {})[row] = tuple(places)
        if found:
            self._stems[row] = tuple(positions)
            self._count(row, len(found), 1)

    def _clear(self, row: int) -> None:
        stems = self._stems.pop(row, ())
        for word in stems:
            posting = self.postings[word]
            del posting[row]
            if not posting:
                del self.postings[word]
        if stems:
            self._count(row, -int(self.lengths[row]), -1)

    def _count(self, row: int, length: int, documents: int) -> None:
        self.lengths[row] = max(length, 0)
        self._total += length
        self._filled += documents


class Embeddings:
    """One vector a row, rounded as bfloat16 rounds it."""

    def __init__(self, capacity: int, size: int) -> None:
        self.filled = np.zeros(capacity, np.bool_)
        self.matrix = np.zeros((capacity, size), np.float32)

    def grow(self, capacity: int) -> None:
        self.filled = _grown(self.filled, capacity, False)
        rows = np.zeros((capacity, self.matrix.shape[1]), np.float32)
        rows[: len(self.matrix)] = self.matrix
        self.matrix = rows

    def set(self, row: int, vector: NDArray[np.float32] | None) -> None:
        self.filled[row] = vector is not None
        self.matrix[row] = 0.0 if vector is None else vector


def phrase_places(postings: Sequence[dict[int, tuple[int, ...]]]) -> dict[int, int]:
    """How often the words stand one after another, by row; rows where they never do are out."""
    first, *others = postings
    if not others:
        return {row: len(places) for row, places in first.items()}
    found = {}
    for row in first.keys() & set.intersection(*(set(posting) for posting in others)):
        starts = set(first[row])
        for offset, posting in enumerate(others, start=1):
            starts &= {place - offset for place in posting[row]}
        if starts:
            found[row] = len(starts)
    return found


def _arrays(places: dict[int, int]) -> Occurrences:
    count = len(places)
    rows = np.fromiter(places, np.int64, count)
    return rows, np.fromiter(places.values(), np.float64, count)


def bfloat16(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded to the nearest value whose lower 16 bits are zero, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    return (rounded << np.uint32(16)).view(np.float32)


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _grown(values: NDArray[Any], capacity: int, fill: Any) -> NDArray[Any]:
    rows = np.full(capacity, fill, values.dtype)
    rows[: len(values)] = values
    return rows
