"""Other words for what is looked for: lay and Latin, British and American, abbreviations, kinds.

The table, `synonyms.psv`, is plain text to be read and corrected: a row holds the commonest term,
forms that mean the same, kinds of the thing, and where the equality comes from. A form with `!`
before it is an abbreviation and is taken only in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from search.understanding.state import Expansion, Phrase, QueryState

TABLE = Path(__file__).with_name("synonyms.psv")
# Half, so that a caption with the words as said comes first: measured in docs/benchmarks.md.
SAME_WEIGHT, NARROWER_WEIGHT = 0.5, 0.25
# Enough to find what is called otherwise, few enough to be read as labels.
MOST_OF_A_PHRASE = 5
MOST = 12

_WORD = re.compile(r"[^\W_]+")
_Key = tuple[str, ...]
_LONGEST = 6


class Thesaurus:
    """Forms by their words; each with the others of its row and their weights."""

    def __init__(self, lines: Iterator[str] | list[str]) -> None:
        self._others: dict[_Key, tuple[tuple[str, float], ...]] = {}
        self._capitals: set[_Key] = set()
        for line in lines:
            if line.strip() and not line.startswith("#"):
                self._add(line)

    def __len__(self) -> int:
        return len(self._others)

    def _add(self, line: str) -> None:
        term, same, narrower, _ = (field.strip() for field in line.split("|"))
        equals = [term, *_forms(same)]
        others = [(form.lstrip("!"), SAME_WEIGHT) for form in equals]
        others += [(form.lstrip("!"), NARROWER_WEIGHT) for form in _forms(narrower)]
        for form in equals:
            key = _key(form)
            self._others.setdefault(key, tuple(others))
            if form.startswith("!"):
                self._capitals.add(key)

    def expansions(self, phrase: Phrase) -> list[Expansion]:
        """For the longest known forms in the phrase, from its front, without repeating them."""
        found = [
            Expansion(text, of=phrase.text, weight=weight, excluded=phrase.excluded)
            for said in self.known_in(phrase.text)
            for text, weight in self.others_than(said)
        ]
        return found[:MOST_OF_A_PHRASE]

    def known_in(self, text: str) -> list[str]:
        """The longest forms of the table that stand in the text, from its front."""
        words = _WORD.findall(text)
        found = []
        at = 0
        while at < len(words):
            taken = next((n for n in range(_LONGEST, 0, -1) if self._has(words[at : at + n], n)), 0)
            if taken:
                found.append(" ".join(words[at : at + taken]))
            at += taken or 1
        return found

    def others_than(self, form: str) -> list[tuple[str, float]]:
        """The other forms of its row with their weights."""
        said = _key(form)
        return [other for other in self._others.get(said, ()) if _key(other[0]) != said]

    def _has(self, words: list[str], count: int) -> bool:
        key = _key(" ".join(words))
        in_capitals = all(word.isupper() for word in words)
        return len(words) == count and key in self._others and (
            key not in self._capitals or in_capitals
        )  # fmt: skip


@cache
def thesaurus() -> Thesaurus:
    return Thesaurus(TABLE.read_text(encoding="utf-8").splitlines())


def expanded(state: QueryState, before: QueryState | None = None) -> QueryState:
    """The state with other words for its phrases that are new since `before`.

    What was taken away from an older phrase stays away, and other words go with their phrase.
    """
    known = {_place(p) for p in before.phrases} if before else set()
    kept = list(pruned(state).expansions)
    for phrase in sorted(state.phrases, key=lambda p: not p.excluded):
        if not phrase.quoted and phrase.weight > 0 and _place(phrase) not in known:
            kept += thesaurus().expansions(phrase)
    unwanted = {p.text.casefold() for p in state.phrases if p.excluded}
    unwanted |= {e.text.casefold() for e in kept if e.excluded}
    said = {(p.text.casefold(), p.excluded) for p in state.phrases}
    distinct = {
        (e.text.casefold(), e.excluded): e
        for e in reversed(kept)
        if e.excluded or e.text.casefold() not in unwanted
    }
    chosen = [e for place, e in reversed(distinct.items()) if place not in said]
    return replace(state, expansions=tuple(chosen[:MOST]))


def pruned(state: QueryState) -> QueryState:
    """Without the other words of phrases that are gone."""
    there = {_place(p) for p in state.phrases if not p.quoted}
    kept = tuple(e for e in state.expansions if (e.of.casefold(), e.excluded) in there)
    return state if kept == state.expansions else replace(state, expansions=kept)


def _place(phrase: Phrase) -> tuple[str, bool]:
    return phrase.text.casefold(), phrase.excluded


def _forms(field: str) -> list[str]:
    return [form for form in (part.strip() for part in field.split(";")) if form]


def _key(form: str) -> _Key:
    return tuple(word.casefold().removesuffix("s") for word in _WORD.findall(form))
