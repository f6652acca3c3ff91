"""What one turn asks for: the immutable state that is shown as chips and executed as shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Mode = Literal["hybrid", "lexical", "semantic"]
Fusion = Literal["linear", "rrf"]

FILTER_FIELDS = (
    "modality",
    "anatomy",
    "sex",
    "laterality",
    "year",
    "licence",
    "collection",
    "split",
)

MAX_TEXT = 500
MAX_PARTS = 40


class InvalidState(ValueError):
    """A state or an edit that came from outside does not have the agreed form; says where."""


@dataclass(frozen=True)
class Phrase:
    """Words to look for. `position` is where they stood in the utterance, in characters."""

    text: str
    weight: float = 1.0
    excluded: bool = False
    quoted: bool = False
    inferred: bool = True
    position: int = 0


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
    """An image of the corpus as part of the query; a negative weight pushes away from it."""

    image_id: int
    weight: float = 1.0
    with_caption: bool = False


@dataclass(frozen=True)
class QueryState:
    utterance: str = ""
    phrases: tuple[Phrase, ...] = ()
    filters: tuple[Filter, ...] = ()
    images: tuple[ImageReference, ...] = ()
    mode: Mode = "hybrid"
    alpha: float = 0.5
    fusion: Fusion = "linear"

    @property
    def is_empty(self) -> bool:
        return not (self.phrases or self.filters or self.images)

    @property
    def encoder_text(self) -> str:
        """The wanted words in the order they were said: what the text tower reads."""
        said = [(p.position, p.text) for p in self.phrases if not p.excluded]
        said += [(f.position, f.words) for f in self.filters if f.words and not f.excluded]
        return " ".join(text for _, text in sorted(said))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
