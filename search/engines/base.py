"""The search engine boundary: what any engine takes and gives. Knows nothing of Django."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

FACET_FIELDS = ("modality", "anatomy", "sex", "laterality", "year", "licence", "collection")


class EngineError(Exception):
    """Any failure of an engine, told in one sentence."""


class Unavailable(EngineError):
    """The engine or this generation cannot be reached."""


class Timeout(EngineError):
    """It did not answer in time."""


class BadQuery(EngineError):
    """The question itself was wrong: an unknown field, a vector of another size."""


class FeedError(EngineError):
    """A document could not be taken in."""


@dataclass(frozen=True)
class Document:
    """One image as the engine keeps it. `embedding` has unit length."""

    image_id: int
    caption: str
    collection: str
    modality: str
    anatomy: str
    sex: str
    laterality: str
    year: str
    licence: str
    split: str
    embedding: Vector


@dataclass(frozen=True)
class Clause:
    """Words of which any may match (BM25); several together also earn a bonus as a phrase."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Restriction:
    """Keep documents whose field is one of `any_of` (if given) and none of `none_of`."""

    field: str
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scope:
    """Which documents may be found at all.

    `phrases` must each stand in the caption, `without` must not, `without_ids` are left out.
    """

    restrictions: tuple[Restriction, ...] = ()
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    without_ids: tuple[int, ...] = ()

    def ignoring(self, field: str) -> "Scope":
        """The same scope without the included values of one field: for its facet's counts."""
        kept = tuple(
            Restriction(r.field, (), r.none_of) if r.field == field else r
            for r in self.restrictions
        )
        return Scope(kept, self.phrases, self.without, self.without_ids)


@dataclass(frozen=True)
class Match:
    """`score` is the raw BM25 or the raw cosine, by the leg that found it."""

    image_id: int
    score: float


class Index(Protocol):
    """One generation. Matches come best first, ties by image id."""

    async def feed(self, documents: Sequence[Document]) -> None:
        """Put or replace, keyed by image id; all are durable when it returns."""

    async def settle(self) -> None:
        """Bring the text index up to date with all that was fed."""

    async def update(self, image_id: int, values: Mapping[str, str]) -> None:
        """Change caption or facet fields and leave the vector alone."""

    async def remove(self, image_ids: Sequence[int]) -> None: ...

    async def lexical(self, clauses: Sequence[Clause], scope: Scope, limit: int) -> list[Match]: ...

    async def semantic(self, vector: Vector, scope: Scope, limit: int) -> list[Match]: ...

    async def browse(self, scope: Scope, limit: int) -> list[int]:
        """Image ids within the scope, in order of id: what a search without words shows."""

    async def bm25(self, clauses: Sequence[Clause], image_ids: Sequence[int]) -> dict[int, float]:
        """True BM25 of these documents; one that no word matches is left out."""

    async def embeddings(self, image_ids: Sequence[int]) -> dict[int, Vector]: ...

    async def count(self, scope: Scope) -> int: ...

    async def facet(self, field: str, scope: Scope) -> dict[str, int]:
        """How many documents of the scope have each value; empty values are left out."""

    async def image_ids(self) -> set[int]:
        """Every document of the generation, for resuming and for reconciliation."""


class Engine(Protocol):
    async def create(self, generation: str, dimension: int) -> Index:
        """A new empty generation, or the one of this name as far as it was fed."""

    async def open(self, generation: str) -> Index:
        """Raises Unavailable if there is none."""

    async def drop(self, generation: str) -> None: ...

    async def health(self) -> str:
        """One sentence; raises Unavailable."""
