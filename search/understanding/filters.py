"""Rows of filters with some of their values taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ingest.vocabulary import mentions
from search.understanding.state import Filter


def without_values(
    rows: tuple[Filter, ...], goes: Callable[[Filter, str, bool], bool]
) -> tuple[Filter, ...]:
    """
    The rows less the values that `goes` names (a row, one of its values, whether it is excluded);
    the words that named only such a value go with it, and a row without values goes whole.
    """
    kept = []
    for row in rows:
        included = tuple(value for value in row.included if not goes(row, value, False))
        excluded = tuple(value for value in row.excluded if not goes(row, value, True))
        gone = {*row.included, *row.excluded} - {*included, *excluded}
        if included or excluded:
            words = _words_without(row, gone) if gone else row.words
            kept.append(replace(row, included=included, excluded=excluded, words=words))
    return tuple(kept)


def _words_without(row: Filter, values: set[str]) -> str:
    words = row.words
    for mention in reversed(mentions(words, row.field, fold_case=True)):
        if mention.value in values:
            words = words[: mention.start] + words[mention.end :]
    return " ".join(words.split())
