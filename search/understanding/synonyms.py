"""Other words for what is looked for: lay and Latin, British and American, abbreviations, kinds.

The table, `synonyms.psv`, is plain text to be read and corrected: a row holds the commonest term,
forms that mean the same, kinds of the thing, and where the equality comes from. A form with `!`
before it is an abbreviation and is taken only in capitals. Tables of the same form that a site adds
come after it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from search.understanding.state import Expansion, Phrase, QueryState

logger = logging.getLogger(__name__)

TABLE = Path(__file__).with_name("synonyms.psv")
# Half, so that a caption with the words as said comes first: measured in docs/benchmarks.md.
SAME_WEIGHT, NARROWER_WEIGHT = 0.5, 0.25
# Enough to find what is called otherwise, few enough to be read as labels.
MOST_OF_A_PHRASE = 5
MOST = 12

# Words of a form; longer ones are never found.
LONGEST = 6
_WORD = re.compile(r"[^\W_]+")


class Thesaurus:
    """Rows by the words of their forms. A form that stands in several has the others of each.

    A row stays one line until it is asked for, so that 200,000 forms are read at once and take
    little memory: measured in docs/benchmarks.md.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._rows: dict[str, tuple[str, ...]] = {}
        self._rows_in_capitals: dict[str, tuple[str, ...]] = {}
        for line in lines:
            if line.strip() and not line.startswith("#"):
                self._add(line)

    def __len__(self) -> int:
        return len(self._rows.keys() | self._rows_in_capitals.keys())

    def _add(self, line: str) -> None:
        row = (line,)
        for form in _equals(line):
            rows = self._rows_in_capitals if form.startswith("!") else self._rows
            key = key_of(form)
            known = rows.setdefault(key, row)
            if line not in known:
                rows[key] = known + row

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
            longest = min(LONGEST, len(words) - at)
            spans = (" ".join(words[at : at + n]) for n in range(longest, 0, -1))
            taken = next((span for span in spans if self._rows_of(span)), "")
            if taken:
                found.append(taken)
            at += len(taken.split()) or 1
        return found

    def others_than(self, form: str) -> list[tuple[str, float]]:
        """The other forms of its rows with their weights, those of the first row first."""
        others: list[tuple[str, float]] = []
        known = {key_of(form)}
        for line in self._rows_of(form):
            new = [other for other in _others(line) if key_of(other[0]) not in known]
            known |= {key_of(text) for text, _ in new}
            others += new
        return others

    def _rows_of(self, form: str) -> tuple[str, ...]:
        key = key_of(form)
        rows = self._rows.get(key, ())
        if key in self._rows_in_capitals and all(word.isupper() for word in _WORD.findall(form)):
            rows += self._rows_in_capitals[key]
        return rows


@cache
def thesaurus(*added: Path) -> Thesaurus:
    """The packaged table, and after it those of the added ones that are there.

    Read once in the life of a process: what is written there later is known after a restart.
    """
    tables = [TABLE, *(path for path in added if path.exists())]
    return Thesaurus(line for table in tables for line in _lines(table))


def _lines(table: Path) -> list[str]:
    lines = table.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("#") or line.count("|") == 3]
    if odd := sum(map(bool, lines)) - len(rows):
        logger.warning("Lines that are no rows of four fields are left out of %s: %d", table, odd)
    return rows


def expanded(
    state: QueryState, before: QueryState | None = None, table: Thesaurus | None = None
) -> QueryState:
    """The state with other words for its phrases and techniques that are new since `before`.

    The packaged table gives them where no other is named.

    What was taken away from an older phrase stays away, and other words go with their phrase.
    """
    known = {_place(p) for p in (*before.phrases, *_techniques(before))} if before else set()
    kept = list(pruned(state).expansions)
    if table is None:
        table = thesaurus()
    for phrase in sorted(state.phrases, key=lambda p: not p.excluded):
        if not phrase.quoted and phrase.weight > 0 and _place(phrase) not in known:
            kept += table.expansions(phrase)
    for technique in _techniques(state):
        if _place(technique) not in known:
            found = table.expansions(technique)
            kept += [replace(e, weight=e.weight / 2) for e in found if e.weight == SAME_WEIGHT]
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
    """Without the other words of phrases and techniques that are gone."""
    there = {_place(p) for p in (*state.phrases, *_techniques(state)) if not p.quoted}
    kept = tuple(e for e in state.expansions if (e.of.casefold(), e.excluded) in there)
    return state if kept == state.expansions else replace(state, expansions=kept)


def _techniques(state: QueryState) -> list[Phrase]:
    """The words a technique was said in: a caption of "diffusion-weighted MRI" may have "DWI".

    They count half, as the words behind a filter do. Kinds of it, which the filter lets pass
    anyway, would cost more than they find: measured in docs/benchmarks.md.
    """
    rows = (row for row in state.filters if row.field == "modality" and row.included)
    return [Phrase(row.words) for row in rows if row.words]


def _place(phrase: Phrase) -> tuple[str, bool]:
    return phrase.text.casefold(), phrase.excluded


def _equals(line: str) -> list[str]:
    term, same, _ = line.split("|", 2)
    return [term.strip(), *_forms(same)]


def _others(line: str) -> list[tuple[str, float]]:
    others = [(form.lstrip("!"), SAME_WEIGHT) for form in _equals(line)]
    return others + [(form.lstrip("!"), NARROWER_WEIGHT) for form in _forms(line.split("|")[2])]


def _forms(field: str) -> list[str]:
    return [form for form in (part.strip() for part in field.split(";")) if form]


def key_of(form: str) -> str:
    """Its words in small letters, without an s at their end: forms with one key are one form."""
    return " ".join([word.removesuffix("s") for word in _WORD.findall(form.casefold())])
