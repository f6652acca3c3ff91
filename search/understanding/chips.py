"""The state as chips: everything that constrains or ranks, each with an id of its content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from search.understanding.state import (
    Expansion,
    Filter,
    ImageReference,
    Phrase,
    QueryState,
    Region,
)
from search.understanding.values import value_label

Kind = Literal["phrase", "exclusion", "filter", "image", "synonym", "denied"]

DENIED = "denied"


@dataclass(frozen=True)
class Chip:
    id: str
    kind: Kind
    label: str
    field: str | None = None
    value: str | None = None
    weight: float = 1.0
    inferred: bool = True
    editable: bool = False
    weighable: bool = False
    image_id: int | None = None
    upload: str = ""
    region: Region | None = None
    thumbnail_url: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def chips(state: QueryState) -> tuple[Chip, ...]:
    """In the order said, images last. Removing every chip leaves the empty state."""
    placed = [
        (p.position, chip)
        for p in state.phrases
        for chip in (_of_phrase(p), *_others(state, p.text, excluded=p.excluded))
    ]
    placed += [
        (row.position, chip)
        for row in state.filters
        for chip in (*_of_filter(row), *_others(state, row.words, excluded=False))
    ]
    said = [chip for _, chip in sorted(placed, key=lambda place: place[0])]
    own = [image for image in state.images if image.upload]
    for image in state.images:
        number = f" {own.index(image) + 1}" if image in own and len(own) > 1 else ""
        said.append(_of_image(image, f"your picture{number}" if image.upload else ""))
    if state.denied:
        said.append(Chip(DENIED, "denied", "also where captions deny it", inferred=False))
    return tuple({chip.id: chip for chip in reversed(said)}.values())[::-1]


def phrase_id(phrase: Phrase) -> str:
    kind = "quoted" if phrase.quoted else "phrase"
    return f"{'exclude:' if phrase.excluded else ''}{kind}:{phrase.text.casefold()}"


def value_id(field: str, value: str, *, excluded: bool = False) -> str:
    return f"{'exclude' if excluded else 'filter'}:{field}:{value}"


def expansion_id(expansion: Expansion) -> str:
    kind = "exclude:synonym" if expansion.excluded else "synonym"
    return f"{kind}:{expansion.text.casefold()}"


def image_chip_id(image: ImageReference) -> str:
    return image.upload or f"image:{image.image_id}"


def _of_phrase(phrase: Phrase) -> Chip:
    return Chip(
        id=phrase_id(phrase),
        kind="exclusion" if phrase.excluded else "phrase",
        label=_phrase_label(phrase),
        value=phrase.text,
        weight=phrase.weight,
        inferred=phrase.inferred,
        editable=True,
        weighable=can_weigh(phrase),
    )


def can_weigh(phrase: Phrase) -> bool:
    """What must, or must not, stand in the caption has no more or less."""
    return not (phrase.excluded or phrase.quoted)


def _phrase_label(phrase: Phrase) -> str:
    if phrase.quoted:
        return f"“{phrase.text}”"
    return f"away from {phrase.text}" if phrase.weight < 0 else phrase.text


def _others(state: QueryState, text: str, *, excluded: bool) -> Iterator[Chip]:
    for other in state.expansions:
        if (other.of.casefold(), other.excluded) == (text.casefold(), excluded):
            yield Chip(
                id=expansion_id(other),
                kind="exclusion" if other.excluded else "synonym",
                label=other.text,
                value=other.text,
            )


def _of_filter(row: Filter) -> Iterator[Chip]:
    for excluded, values in ((False, row.included), (True, row.excluded)):
        for value in values:
            yield Chip(
                id=value_id(row.field, value, excluded=excluded),
                kind="exclusion" if excluded else "filter",
                label=value_label(row.field, value),
                field=row.field,
                value=value,
                inferred=row.inferred,
            )


def _of_image(image: ImageReference, own: str) -> Chip:
    verb = "Unlike" if image.weight < 0 else "Like"
    part = "part of " if image.region else ""
    return Chip(
        id=image_chip_id(image),
        kind="image",
        label=f"{verb} {part}{own or f'image {image.image_id}'}",
        weight=image.weight,
        inferred=False,
        weighable=True,
        upload=image.upload,
        image_id=image.image_id,
        region=image.region,
    )
