"""The words of the field: canonical values, their labels, and the forms that mention them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

UNKNOWN = ""
LISTED_FIELDS = ("modality", "anatomy", "sex", "age", "laterality", "captioned", "split")
"""Fields with a closed list of values; the others (year, licence, collection) are open."""

_TOKEN = re.compile(r"[^\W_]+|&")
_JOINT = re.compile(r"[\s\-‐-―/]{0,3}")
_YEAR = re.compile(r"(?:^|\D)((?:1[89]|20)\d\d)(?:\D|$)")


@dataclass(frozen=True)
class Mention:
    """One place in a text that speaks of a value; `names` tells naming it from implying it."""

    field: str
    value: str
    text: str
    start: int
    end: int
    names: bool


@dataclass(frozen=True)
class _Form:
    """A surface form. `spelling` holds its tokens where capitals matter, else it is empty."""

    value: str
    names: bool
    spelling: tuple[str, ...]


@dataclass(frozen=True)
class _Token:
    text: str
    folded: str
    start: int
    end: int


def values(field: str) -> tuple[str, ...]:
    """The canonical values of a field, in the order of the table; empty for an open field."""
    return tuple(_table().get(field, {})) if field in LISTED_FIELDS else ()


def names(field: str, value: str) -> tuple[str, ...]:
    """What a value of a listed field is called, "" having no name."""
    return tuple(form for v, form, is_name in _written(field) if is_name and v == value)


def label_of(field: str, value: str) -> str:
    if value == UNKNOWN:
        return "Unknown"
    entry = _table().get(field, {}).get(value) if field in LISTED_FIELDS else None
    return str(entry["label"]) if entry else value


def canonical(field: str, text: str) -> str:
    """The canonical value that given metadata stands for, or "" where it names none."""
    text = text.strip()
    if field == "year":
        found = _YEAR.search(text)
        return found[1] if found else UNKNOWN
    if field not in LISTED_FIELDS:
        return text
    key = tuple(token.folded for token in _tokens(text))
    known = _given(field).get(key)
    if known is not None:
        return known
    named = {m.value for m in mentions(text, field, fold_case=True) if m.names}
    return named.pop() if len(named) == 1 else UNKNOWN


def mentions(text: str, field: str, *, fold_case: bool = False) -> tuple[Mention, ...]:
    """The mentions of a listed field from left to right; the longest form wins.

    Forms written with capitals ("US", "PET", "MR") need them unless `fold_case`.
    """
    forms, longest = _forms(field)
    tokens = _tokens(text)
    joined = [_JOINT.fullmatch(text, a.end, b.start) is not None for a, b in pairwise(tokens)]
    found: list[Mention] = []
    at = 0
    while at < len(tokens):
        reach = _reach(joined, at, longest.get(tokens[at].folded, 0))
        size, form = _longest_form(forms, tokens, at, reach, fold_case)
        if form is not None and form.value:
            start, end = tokens[at].start, tokens[at + size - 1].end
            found.append(Mention(field, form.value, text[start:end], start, end, form.names))
        at += max(size, 1)
    return tuple(found)


def _tokens(text: str) -> list[_Token]:
    return [_Token(t[0], t[0].casefold(), t.start(), t.end()) for t in _TOKEN.finditer(text)]


def _reach(joined: list[bool], at: int, limit: int) -> int:
    """How many tokens from `at` on stand together, up to `limit`."""
    size = min(1, limit)
    while size < limit and at + size - 1 < len(joined) and joined[at + size - 1]:
        size += 1
    return size


def _longest_form(
    forms: Mapping[tuple[str, ...], tuple[_Form, ...]],
    tokens: list[_Token],
    at: int,
    reach: int,
    fold_case: bool,
) -> tuple[int, _Form | None]:
    for size in range(reach, 0, -1):
        span = tokens[at : at + size]
        key = tuple(token.folded for token in span)
        for form in forms.get(key, ()):
            if fold_case or not form.spelling or form.spelling == tuple(t.text for t in span):
                return size, form
    return 0, None


@cache
def _table() -> dict[str, Any]:
    with Path(__file__).with_name("vocabulary.toml").open("rb") as file:
        return tomllib.load(file)


def _written(field: str) -> Iterator[tuple[str, str, bool]]:
    """(value, form, whether it names the value) for a field; ignored forms have the value ""."""
    for form in _table()["ignored"].get(field, ()):
        yield UNKNOWN, form, False
    for value, entry in _table()[field].items():
        for form in entry["names"]:
            yield value, form, True
        for form in entry.get("implies", ()):
            yield value, form, False


@cache
def _forms(field: str) -> tuple[dict[tuple[str, ...], tuple[_Form, ...]], dict[str, int]]:
    """Forms by their folded tokens, and the length of the longest form by first token."""
    forms: dict[tuple[str, ...], tuple[_Form, ...]] = {}
    longest: dict[str, int] = {}
    for value, written, names in _written(field):
        spelling = tuple(token.text for token in _tokens(written))
        folded = tuple(word.casefold() for word in spelling)
        exact = written != written.lower()
        for key in (folded,) if exact else _with_plural(folded):
            form = _Form(value, names, spelling if exact else ())
            forms[key] = (*forms.get(key, ()), form)
            longest[key[0]] = max(longest.get(key[0], 0), len(key))
    return forms, longest


def _with_plural(folded: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield folded
    if len(folded[-1]) > 1 and not folded[-1].endswith("s"):
        yield (*folded[:-1], folded[-1] + "s")


@cache
def _given(field: str) -> dict[tuple[str, ...], str]:
    """What may stand in a metadata column, by folded tokens."""
    column: dict[tuple[str, ...], str] = {}
    for value, entry in _table()[field].items():
        for written in (value, entry["label"], *entry.get("given", ()), *entry["names"]):
            column.setdefault(tuple(token.folded for token in _tokens(written)), value)
    return column
