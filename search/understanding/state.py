"""What one turn asks for: the immutable state that is shown as chips and executed as shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Mode = Literal["hybrid", "lexical", "semantic"]
Fusion = Literal["linear", "rrf"]
Sort = Literal["relevance", "newest", "oldest", "source"]
# Left, top, width and height of a part of a picture, as shares of its width and height.
Region = tuple[float, float, float, float]

FILTER_FIELDS = (
    "modality",
    "anatomy",
    "sex",
    "age",
    "laterality",
    "year",
    "licence",
    "collection",
    "captioned",
    "split",
)

MAX_TEXT = 500
MAX_PARTS = 40


class InvalidState(ValueError):
    """A state or an edit that came from outside does not have the agreed form; says where."""


@dataclass(frozen=True)
class Phrase:
    """Words to look for. `position` is where they stood in the utterance, in characters.

    A weight set by hand may be negative: that pushes away from what the words mean, and unlike an
    exclusion removes nothing.
    """

    text: str
    weight: float = 1.0
    excluded: bool = False
    quoted: bool = False
    inferred: bool = True
    position: int = 0

    @property
    def is_weighed(self) -> bool:
        return not (self.inferred or self.excluded or self.quoted or self.weight == 1.0)


@dataclass(frozen=True)
class Filter:
    """Values one field must have (any of `included`) and must not have.

    `words` are the words of the utterance that said so. They still count for ranking, at half
    weight, and go to the encoder, because the filter itself cannot order what it lets through.
    """

    field: str
    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    words: str = ""
    inferred: bool = True
    position: int = 0


@dataclass(frozen=True)
class ImageReference:
    """An image as part of the query; a negative weight pushes away from it.

    Either one of the corpus, by `image_id`, or one that its owner added for a while, by `upload`.
    With a `region` only that part of it counts.
    """

    image_id: int | None = None
    weight: float = 1.0
    with_caption: bool = False
    upload: str = ""
    region: Region | None = None


@dataclass(frozen=True)
class Expansion:
    """Other words for a phrase of the query or for a technique, `of`, that captions may use.

    They count in BM25, or with a phrase that is excluded must not stand there; the encoder never
    reads them.
    """

    text: str
    of: str
    weight: float = 1.0
    excluded: bool = False


@dataclass(frozen=True)
class QueryState:
    """`sort` only orders what is found. `denied`: what a caption denies counts in full."""

    utterance: str = ""
    phrases: tuple[Phrase, ...] = ()
    filters: tuple[Filter, ...] = ()
    images: tuple[ImageReference, ...] = ()
    expansions: tuple[Expansion, ...] = ()
    mode: Mode = "hybrid"
    alpha: float = 0.5
    fusion: Fusion = "linear"
    sort: Sort = "relevance"
    denied: bool = False

    @property
    def can_rank(self) -> bool:
        """Whether anything orders what passes the filters."""
        return bool(self.encoder_text or self.weighed or any(i.weight for i in self.images))

    @property
    def is_empty(self) -> bool:
        return not (self.phrases or self.filters or self.images)

    @property
    def encoder_text(self) -> str:
        """The wanted words in the order they were said: what the text tower reads as one text."""
        said = [(p.position, p.text) for p in self.phrases if not (p.excluded or p.is_weighed)]
        said += [(f.position, f.words) for f in self.filters if f.words and not f.excluded]
        return " ".join(text for _, text in sorted(said))

    @property
    def weighed(self) -> tuple[Phrase, ...]:
        """Words with a weight set by hand: each goes to the text tower by itself."""
        return tuple(p for p in self.phrases if p.is_weighed and p.weight)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
