"""The search engine boundary: what any engine takes and gives. Knows nothing of Django."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
# One row a document.
Vectors = NDArray[np.float32]

FACET_FIELDS = (
    "modality", "anatomy", "sex", "age", "laterality", "year", "licence", "collection", "captioned",
)  # fmt: skip
FILTER_FIELDS = (*FACET_FIELDS, "split")

# What a word counts that the caption denies ("no pneumothorax"): found, but far below.
NEGATED_WEIGHT = 0.1
# Stored vectors may be rounded, but must have unit length, or a dot product is no cosine.
UNIT_TOLERANCE = 1e-3


class EngineError(Exception):
    """Any failure of an engine, told in one sentence."""


class Unavailable(EngineError):
    """The engine or this generation cannot be reached."""


class Timeout(EngineError):
    """It did not answer in time."""


class BadQuery(EngineError):
    """The question itself was wrong: an unknown field, a vector of another size."""


class FeedError(EngineError):
    """Documents could not be taken in."""


class Full(FeedError):
    """No disk or memory left; feeding again helps only after somebody made room."""


@dataclass(frozen=True)
class Generation:
    """The documents of one build. `slot` says where an engine with fixed places keeps it."""

    number: int
    slot: str = ""


@dataclass(frozen=True)
class Document:
    """One image as the engine keeps it, but for its vector.

    `caption` is what the caption asserts, `negated` what it denies, `picture` the SHA-256 of the
    image file that the vector was made of.
    """

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
    negated: str = ""
    picture: str = ""
    age: str = ""
    captioned: str = ""

    @property
    def picture_digest(self) -> str:
        return self.picture[:16]

    @property
    def words_digest(self) -> str:
        """Of everything but the picture."""
        words = {**asdict(self), "picture": ""}
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def digest(self) -> str:
        return f"{self.picture_digest}-{self.words_digest}"


@dataclass(frozen=True)
class Rejected:
    """A document that was not taken in, and why, in one sentence."""

    image_id: int
    reason: str


@dataclass(frozen=True)
class Clause:
    """Words of which any may match (BM25); several together also earn a bonus as a phrase.

    Words that mean something only `together` ("renal calculus") match as a phrase or not at all.
    What the caption denies counts NEGATED_WEIGHT of that, and earns no bonus; with `denied`, which
    all clauses of a question have or none, it counts like the rest.
    """

    text: str
    weight: float = 1.0
    together: bool = False
    denied: bool = False


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


@dataclass(frozen=True)
class Blend:
    """How the legs make one score: formulae in docs/search.md."""

    kind: Literal["linear", "rrf"] = "linear"
    alpha: float = 0.5


@dataclass(frozen=True)
class Candidate:
    """One image of the pool with its true values, whichever leg found it.

    `score` is the engine's own blend of the two, for an engine that ranks the pool itself.
    """

    image_id: int
    bm25: float
    cosine: float
    score: float | None = None


@dataclass(frozen=True)
class Counts:
    """`total` documents lie in the scope; `values` says how many have each value of each field,
    all filters applied but the field's own.
    """

    total: int
    values: dict[str, dict[str, int]]


class Index(Protocol):
    """One generation, as one search or one build uses it. Matches come best first, ties by id."""

    # The smallest share of the documents that any answer so far was drawn from.
    coverage: float

    async def feed(self, documents: Sequence[Document], vectors: Vectors) -> list[Rejected]:
        """Put or replace, keyed by image id; all but the rejected are durable when it returns.

        Raises Full, or FeedError when the engine stays away for longer than it is waited for.
        """

    async def settle(self) -> None:
        """Bring the text index up to date with all that was fed."""

    async def update(self, documents: Sequence[Document]) -> list[Rejected]:
        """Change words and facets and leave the vectors alone."""

    async def remove(self, image_ids: Sequence[int]) -> None: ...

    async def lexical(self, clauses: Sequence[Clause], scope: Scope, limit: int) -> list[Match]: ...

    async def semantic(
        self, vector: Vector, scope: Scope, limit: int, *, exact: bool = False
    ) -> list[Match]:
        """By cosine; `exact` compares with every vector instead of walking a graph."""

    async def candidates(
        self, image_ids: Sequence[int], clauses: Sequence[Clause], vector: Vector, blend: Blend
    ) -> list[Candidate]:
        """The true BM25 and cosine of these documents. BM25 is 0 where no word matches."""

    async def browse(
        self, scope: Scope, limit: int, *, by: str = "", descending: bool = False
    ) -> list[int]:
        """
        Image ids within the scope: what a search without words shows. In order of a filter field,
        `by`, as text, and then of id.
        """

    async def embeddings(self, image_ids: Sequence[int]) -> dict[int, Vector]: ...

    async def count(self, scope: Scope) -> int: ...

    async def facets(self, fields: Sequence[str], scope: Scope) -> Counts: ...

    async def digests(self) -> dict[int, str]:
        """Every document with its `Document.digest` as it was fed, its words as updated since."""


class Engine(Protocol):
    # The name that builds remember.
    name: str
    # The places for generations, or none where there may be any number of them.
    slots: tuple[str, ...]

    async def create(self, generation: Generation, dimension: int) -> Index:
        """A new empty generation, or this one as far as it was fed."""

    async def open(self, generation: Generation) -> Index:
        """Raises Unavailable if there is none."""

    async def drop(self, generation: Generation) -> None: ...

    async def health(self) -> str:
        """One sentence; raises Unavailable."""

    def close(self) -> None:
        """Let go of connections; the process ends."""


def check_fields(fields: Sequence[str] | Mapping[str, object]) -> None:
    for field in fields:
        if field not in FILTER_FIELDS:
            raise BadQuery(f"There is no filter {field}.")


def fields_by_scope(fields: Sequence[str], scope: Scope) -> list[tuple[list[str], Scope]]:
    """Which facets can be counted over the same documents: each ignores its own choice only.

    The first are counted over the scope as it is, even if there are none.
    """
    chosen = {r.field for r in scope.restrictions if r.any_of}
    together = [field for field in fields if field not in chosen]
    alone = [([field], scope.ignoring(field)) for field in fields if field in chosen]
    return [(together, scope), *alone]


def split_by_length(
    documents: Sequence[Document], vectors: Vectors, dimension: int
) -> tuple[list[tuple[Document, Vector]], list[Rejected]]:
    """The pairs whose vector may be stored, and the rest with the reason."""
    good: list[tuple[Document, Vector]] = []
    bad: list[Rejected] = []
    for document, vector in zip(documents, vectors, strict=True):
        right_size = vector.shape == (dimension,)
        length = float(np.linalg.norm(vector)) if right_size else float("nan")
        if abs(length - 1.0) < UNIT_TOLERANCE:
            good.append((document, vector))
        else:
            reason = f"The vector must have {dimension} numbers and length 1."
            bad.append(Rejected(document.image_id, reason))
    return good, bad


def best_first(matches: Sequence[Match]) -> list[Match]:
    return sorted(matches, key=lambda match: (-match.score, match.image_id))
