"""Which documents a query finds, and the query's words and vectors for ranking them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.vespa_stub.columns import Mask, Rows
from tests.vespa_stub.errors import BadQuery
from tests.vespa_stub.store import Store
from tests.vespa_stub.text import is_only_words, tokens
from tests.vespa_stub.yql import (
    All,
    And,
    Condition,
    Contains,
    Nearest,
    Not,
    OneOf,
    Or,
    Rank,
    UserInput,
)

Vector = NDArray[np.float32]
UNIT_TOLERANCE = 1e-3
# Column values of a whole number that Vespa can hold.
_LARGEST = 2**63


@dataclass(frozen=True)
class Term:
    """One word, or several that make a phrase, and the fields where it is looked for."""

    fields: tuple[str, ...]
    stems: tuple[str, ...]


class Matcher:
    """One query on one state of the documents."""

    def __init__(self, store: Store, where: Condition, vectors: Mapping[str, Vector]) -> None:
        self._store = store
        self._where = where
        self._vectors = vectors
        self._dots: dict[str, NDArray[np.float32]] = {}
        self.count = len(store.ids)
        self.nearest = {node.field: node.tensor for node in _all_nearest(where)}
        for field, tensor in self.nearest.items():
            self._check_nearest(field, tensor)
        self.terms = Counter(self._ranked_terms(where))

    def rows(self) -> Rows:
        return np.flatnonzero(self._match(self._where, self._store.alive[: self.count]))

    def dots(self, field: str) -> NDArray[np.float32]:
        """The product of the query's vector with that of every row."""
        if field not in self._dots:
            matrix = self._store.embeddings[field].matrix[: self.count]
            self._dots[field] = matrix @ self._vectors[self.nearest[field]]
        return self._dots[field]

    def _match(self, node: Condition, within: Mask) -> Mask:
        match node:
            case All():
                return within
            case And(parts):
                return self._match_and(parts, within)
            case Or(parts):
                found = [self._match(part, within) for part in parts]
                return np.asarray(np.logical_or.reduce(found))
            case Rank(parts):
                return self._match(parts[0], within)
            case OneOf(field, values):
                return within & self._one_of(field, values)
            case Contains() | UserInput():
                return within & self._match_words(node)
            case Nearest():
                return self._match_nearest(node, within)
        raise AssertionError(node)

    def _match_and(self, parts: tuple[Condition, ...], within: Mask) -> Mask:
        """Neighbours are looked for among what all the rest leaves over."""
        last = [part for part in parts if any(_all_nearest(part))]
        for part in parts:
            if isinstance(part, Not):
                within = within & ~self._match(part.part, within)
            elif part not in last:
                within = self._match(part, within)
        found = [self._match(part, within) for part in last]
        return np.asarray(np.logical_and.reduce([within, *found]))

    def _one_of(self, field: str, values: tuple[Any, ...]) -> Mask:
        column = self._store.columns.get(field)
        if column is None:
            raise BadQuery(f"Field '{field}' is no attribute of this schema", 3)
        kind: type = int if column.is_number else str
        for value in values:
            if not isinstance(value, kind) or (isinstance(value, int) and abs(value) >= _LARGEST):
                raise BadQuery(f"'{value}' is no value of field '{field}'", 3)
        return column.equal_to(values)[: self.count]

    def _match_words(self, node: Contains | UserInput) -> Mask:
        if isinstance(node, Contains) and node.field in self._store.columns:
            if not node.value:
                raise BadQuery(f"{node.field} contains nothing", 3)
            return self._one_of(node.field, (node.value,))
        found = np.zeros(self.count, np.bool_)
        for term in self._terms_of(node):
            for field in term.fields:
                found[self._store.words[field].occurrences(term.stems)[0]] = True
        return found

    def _match_nearest(self, node: Nearest, within: Mask) -> Mask:
        rows = np.flatnonzero(within & self._store.embeddings[node.field].filled[: self.count])
        if len(rows) > node.target:
            far = -self.dots(node.field)[rows]
            rows = rows[np.argpartition(far, node.target - 1)[: node.target]]
        found = np.zeros(self.count, np.bool_)
        found[rows] = True
        return found

    def _terms_of(self, node: Contains | UserInput) -> list[Term]:
        """Words of a weakAnd count one by one, all others as a phrase."""
        name, text = (
            (node.index, node.text) if isinstance(node, UserInput) else (node.field, node.value)
        )
        fields = self._store.schema.searched(name)
        if not fields or not all(field in self._store.words for field in fields):
            raise BadQuery(f"Field '{name}' is not indexed as text", 3)
        if isinstance(node, UserInput) and not is_only_words(text):
            raise BadQuery("userInput would read operators in a text that is not only words", 3)
        stems = tuple(tokens(text))
        if not stems:
            raise BadQuery(f"Parsing '{text}' only resulted in NullItem", 3)
        if isinstance(node, UserInput) and node.grammar == "weakAnd":
            return [Term(fields, (stem,)) for stem in stems]
        return [Term(fields, stems)]

    def _ranked_terms(self, node: Condition) -> Iterator[Term]:
        match node:
            case And(parts) | Or(parts) | Rank(parts):
                for part in parts:
                    yield from self._ranked_terms(part)
            case Not(part):
                # Terms under it do not rank, but have to be right.
                list(self._ranked_terms(part))
            case Contains(field) if field in self._store.columns:
                return
            case Contains() | UserInput():
                terms = self._terms_of(node)
                if isinstance(node, Contains) or node.ranked:
                    yield from terms

    def _check_nearest(self, field: str, tensor: str) -> None:
        if field not in self._store.embeddings or not self._store.schema.fields[field].hnsw:
            raise BadQuery(f"nearestNeighbor: '{field}' is no tensor attribute with an index", 3)
        vector = self._vectors.get(tensor)
        if vector is None:
            raise BadQuery(f"nearestNeighbor: 'query({tensor})' is not a tensor of this query", 3)
        size = self._store.schema.fields[field].size
        if vector.shape != (size,):
            raise BadQuery(f"nearestNeighbor: {field} holds {size} cells, not {len(vector)}", 3)
        if abs(float(np.linalg.norm(vector)) - 1.0) > UNIT_TOLERANCE:
            raise BadQuery(f"nearestNeighbor: query({tensor}) does not have length 1", 3)


def _all_nearest(node: Condition) -> Iterator[Nearest]:
    match node:
        case Nearest():
            yield node
        case And(parts) | Or(parts) | Rank(parts):
            for part in parts:
                yield from _all_nearest(part)
        case Not(part):
            yield from _all_nearest(part)
