"""A state from outside (a socket, a stored turn) is checked here before anything runs it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TypeVar, get_args

from search.understanding.state import (
    FILTER_FIELDS,
    MAX_PARTS,
    MAX_TEXT,
    Expansion,
    Filter,
    Fusion,
    ImageReference,
    InvalidState,
    Mode,
    Phrase,
    QueryState,
    Region,
    Sort,
)

UPLOAD = re.compile(r"upload:[0-9a-f]{32}")
HEAVIEST = 2.0
# Of a part of a picture: less than this is no picture to compare with.
SMALLEST_SIDE = 0.05
# NUL, and halves of pairs that UTF-16 writes a character as.
_NOT_KEPT = re.compile("[\x00\ud800-\udfff]")

Part = TypeVar("Part", Phrase, Filter, ImageReference, Expansion)


def state_from_json(data: object) -> QueryState:
    """The state that `QueryState.as_json` wrote. Raises InvalidState, naming the place."""
    given = _object(data, QueryState, "The state")
    state = QueryState(
        utterance=read_text(given.get("utterance", ""), "utterance"),
        phrases=_parts(given.get("phrases", ()), "phrases", _phrase),
        filters=_parts(given.get("filters", ()), "filters", _filter),
        images=_parts(given.get("images", ()), "images", _image),
        expansions=_parts(given.get("expansions", ()), "expansions", _expansion),
        mode=read_mode(given.get("mode", "hybrid")),
        alpha=read_alpha(given.get("alpha", 0.5)),
        fusion=read_fusion(given.get("fusion", "linear")),
        sort=read_sort(given.get("sort", "relevance")),
        denied=read_flag(given.get("denied", False), "denied"),
    )
    if count_parts(state) > MAX_PARTS:
        raise InvalidState(f"A search has at most {MAX_PARTS} parts.")
    return state


def count_parts(state: QueryState) -> int:
    """Phrases, images and single filter values: as many as there are chips that were asked for."""
    in_filters = sum(len(f.included) + len(f.excluded) for f in state.filters)
    return len(state.phrases) + len(state.images) + in_filters


def read_text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InvalidState(f"{where} must be text.")
    if len(value) > MAX_TEXT:
        raise InvalidState(f"{where} is longer than {MAX_TEXT} characters.")
    check_characters(value, where)
    return value


def check_characters(text: str, where: str) -> None:
    """Raises InvalidState for what JSON can spell and no database keeps."""
    if _NOT_KEPT.search(text):
        raise InvalidState(f"{where} has a character that is not text.")


def read_mode(value: object) -> Mode:
    modes: tuple[Mode, ...] = get_args(Mode)
    for mode in modes:
        if mode == value:
            return mode
    raise InvalidState(f"mode must be one of {', '.join(modes)}.")


def read_fusion(value: object) -> Fusion:
    fusions: tuple[Fusion, ...] = get_args(Fusion)
    for fusion in fusions:
        if fusion == value:
            return fusion
    raise InvalidState(f"fusion must be one of {', '.join(fusions)}.")


def read_sort(value: object) -> Sort:
    sorts: tuple[Sort, ...] = get_args(Sort)
    for sort in sorts:
        if sort == value:
            return sort
    raise InvalidState(f"sort must be one of {', '.join(sorts)}.")


def read_alpha(value: object) -> float:
    alpha = _number(value, "alpha")
    if not 0 <= alpha <= 1:
        raise InvalidState("alpha must be between 0 and 1.")
    return alpha


def read_image_id(value: object, where: str = "image_id") -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise InvalidState(f"{where} must be a positive whole number.")
    return value


def read_upload(value: object, where: str = "upload") -> str:
    if not isinstance(value, str) or not UPLOAD.fullmatch(value):
        raise InvalidState(f"{where} must be what adding a picture gave, “upload:…”.")
    return value


def read_region(value: object, where: str = "region") -> Region | None:
    """None for the whole picture."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise InvalidState(f"{where} must be left, top, width and height, as shares from 0 to 1.")
    left, top, width, height = (round(_number(share, where), 4) for share in value)
    if min(width, height) < SMALLEST_SIDE:
        raise InvalidState(f"{where} must be at least {SMALLEST_SIDE:.0%} wide and high.")
    if min(left, top) < 0 or max(left + width, top + height) > 1.001:
        raise InvalidState(f"{where} must lie within the picture, with its width and height.")
    width, height = min(width, 1.0), min(height, 1.0)
    # Moved, not cut: what is read again must not have become too small.
    return (min(left, round(1 - width, 4)), min(top, round(1 - height, 4)), width, height)


def read_weight(value: object, where: str = "weight") -> float:
    weight = _number(value, where)
    if abs(weight) > HEAVIEST:
        raise InvalidState(f"{where} must be between -{HEAVIEST:g} and {HEAVIEST:g}.")
    return weight


def read_field(value: object, where: str = "field") -> str:
    if value not in FILTER_FIELDS:
        raise InvalidState(f"{where} must be one of {', '.join(FILTER_FIELDS)}.")
    return str(value)


def read_flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidState(f"{where} must be true or false.")
    return value


def _object(data: object, form: type, where: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise InvalidState(f"{where} must be an object.")
    unknown = [key for key in data if key not in {field.name for field in fields(form)}]
    if unknown:
        raise InvalidState(f"{where} has an unknown key {str(unknown[0])[:40]!r}.")
    return data


def _parts(data: object, where: str, read: Callable[[object, str], Part]) -> tuple[Part, ...]:
    return tuple(read(item, f"{where}[{i}]") for i, item in enumerate(_list(data, where)))


def _list(data: object, where: str) -> list[object] | tuple[object, ...]:
    if not isinstance(data, list | tuple):
        raise InvalidState(f"{where} must be a list.")
    if len(data) > MAX_PARTS:
        raise InvalidState(f"A search has at most {MAX_PARTS} parts.")
    return data


def _phrase(data: object, where: str) -> Phrase:
    given = _object(data, Phrase, where)
    text = read_text(given.get("text"), f"{where}.text")
    if not text.strip():
        raise InvalidState(f"{where}.text must not be blank.")
    return Phrase(
        text=text,
        weight=_number(given.get("weight", 1.0), f"{where}.weight"),
        excluded=read_flag(given.get("excluded", False), f"{where}.excluded"),
        quoted=read_flag(given.get("quoted", False), f"{where}.quoted"),
        inferred=read_flag(given.get("inferred", True), f"{where}.inferred"),
        position=_position(given.get("position", 0), f"{where}.position"),
    )


def _filter(data: object, where: str) -> Filter:
    given = _object(data, Filter, where)
    row = Filter(
        field=read_field(given.get("field"), f"{where}.field"),
        included=_values(given.get("included", ()), f"{where}.included"),
        excluded=_values(given.get("excluded", ()), f"{where}.excluded"),
        words=read_text(given.get("words", ""), f"{where}.words"),
        inferred=read_flag(given.get("inferred", True), f"{where}.inferred"),
        position=_position(given.get("position", 0), f"{where}.position"),
    )
    if not (row.included or row.excluded):
        raise InvalidState(f"{where} neither includes nor excludes a value.")
    return row


def _image(data: object, where: str) -> ImageReference:
    given = _object(data, ImageReference, where)
    upload = given.get("upload", "")
    if upload and given.get("image_id") is not None:
        raise InvalidState(f"{where} has either an image_id or an upload.")
    if upload and given.get("region") is not None:
        raise InvalidState(f"{where} has a region, but a picture of one's own is cut when added.")
    return ImageReference(
        image_id=None if upload else read_image_id(given.get("image_id"), f"{where}.image_id"),
        upload=read_upload(upload, f"{where}.upload") if upload else "",
        weight=_number(given.get("weight", 1.0), f"{where}.weight"),
        with_caption=read_flag(given.get("with_caption", False), f"{where}.with_caption"),
        region=read_region(given.get("region"), f"{where}.region"),
    )


def _expansion(data: object, where: str) -> Expansion:
    given = _object(data, Expansion, where)
    text, of = (read_text(given.get(name), f"{where}.{name}") for name in ("text", "of"))
    if not text.strip():
        raise InvalidState(f"{where}.text must not be blank.")
    return Expansion(
        text=text,
        of=of,
        weight=_number(given.get("weight", 1.0), f"{where}.weight"),
        excluded=read_flag(given.get("excluded", False), f"{where}.excluded"),
    )


def _values(data: object, where: str) -> tuple[str, ...]:
    values = tuple(read_text(value, where) for value in _list(data, where))
    if not all(value.strip() for value in values):
        raise InvalidState(f"{where} must not hold a blank value.")
    return values


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidState(f"{where} must be a number.")
    # Compared before it is converted: not every whole number has a float.
    if not abs(value) <= sys.float_info.max:
        raise InvalidState(f"{where} must be a number.")
    return float(value)


def _position(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise InvalidState(f"{where} must be a whole number from 0.")
    return value
