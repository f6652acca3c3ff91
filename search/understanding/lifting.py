"""The steps of understanding: each lifts what it knows out of the utterance and blanks it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingest.vocabulary import Mention, mentions
from search.understanding import words
from search.understanding.noun_phrases import LIFTED, Span, is_content
from search.understanding.state import FILTER_FIELDS, Filter, Phrase
from search.understanding.values import NOT_STATED, value_of
from search.understanding.years import one_span, said_years

SPOKEN_FIELDS = ("modality", "anatomy", "sex")
"""Fields that plain words may filter; a side ("left") stays a phrase."""
_FIELD_ALIASES = {"license": "licence", "side": "laterality", "region": "anatomy"}


def _any_of(alternatives: tuple[str, ...]) -> str:
    return rf"(?<![\w-])(?:{'|'.join(alternatives)})(?![\w-])"


_QUOTED = re.compile(r'(?P<minus>(?<!\S)-)?"(?P<text>[^"\n]*)"')
_FIELD_VALUE = re.compile(
    r'(?<![\w:])(?P<minus>-?)(?P<field>[A-Za-z]{2,12}):(?P<value>"[^"\n]+"|[^\s,;"]+(?:,[^\s,;"]+)*)'
)
_CAPTIONED = {
    "no": re.compile(
        r"\b(?:(?:un-?|not )captioned|(?:without|no|lacking|missing|that (?:have|has) no)"
        r"(?: an?| any)? captions?)\b(?! (?:that|which|saying|with|of|about))",
        re.IGNORECASE,
    ),
    "yes": re.compile(
        r"(?<!un)(?<!un-)(?<!not )\b(?:captioned|with (?:a )?captions?)\b"
        r"(?! (?:that|which|saying|of|about))",
        re.IGNORECASE,
    ),
}
_MINUS_WORD = re.compile(r"(?<!\S)-(?P<text>[^\W_][\w/'-]*)")
_ASKING = re.compile(_any_of(words.ASKING_PHRASES), re.IGNORECASE)
_LEADING = rf"(?: +(?:{'|'.join(words.LEADS_INTO_A_NEGATED_THING)})\b(?!-))*"
_NEGATION_BEFORE = re.compile(rf"{_any_of(words.NEGATIONS)}{_LEADING} *$", re.IGNORECASE)
_NEGATED = re.compile(
    rf"(?P<cue>{_any_of(words.NEGATIONS)}){_LEADING} +(?P<scope>[^\s,.;:!?()\n]"
    rf"(?:(?!\s(?:{'|'.join(words.ENDS_A_NEGATION)})\b(?!-))[^,;:!?()\n.]|\.(?=\w))*)",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    rf"(?P<relation>{_any_of(words.RELATIONS)}) +(?:(?:the|an?) +)?$", re.IGNORECASE
)
_AND = re.compile(r"\s+(?:and|&)\s+.*", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"\s+(?:or|nor|and|&)\s+", re.IGNORECASE)


@dataclass
class Findings:
    """What has been lifted so far. `rest` is as long as the utterance; lifted places are blank.

    `regions` are values of anatomy that the search names already, before the utterance.
    """

    rest: str
    regions: frozenset[str] = frozenset()
    phrases: list[Phrase] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def lift(self, start: int, end: int) -> None:
        self.rest = self.rest[:start] + LIFTED * (end - start) + self.rest[end:]


def lift_field_values(found: Findings) -> None:
    """`modality:ct,mri`, `-sex:male`, `collection:"My set"`; unknown fields stay text."""
    for match in list(_FIELD_VALUE.finditer(found.rest)):
        name = _FIELD_ALIASES.get(match["field"].lower(), match["field"].lower())
        if name not in FILTER_FIELDS:
            continue
        quoted = match["value"].startswith('"')
        parts = [match["value"].strip('"')] if quoted else match["value"].split(",")
        known = tuple(dict.fromkeys(value_of(name, part) for part in parts))
        if not all(known):
            found.notices.append(f"“{match[0]}” names no known {name}, so it is searched as words.")
            continue
        negation = _NEGATION_BEFORE.search(found.rest[: match.start()])
        excluded = bool(match["minus"] or negation)
        found.filters.append(_set_by_hand(name, known, match, excluded))
        found.lift((negation or match).start(), match.end())


def _set_by_hand(name: str, known: tuple[str, ...], match: re.Match[str], excluded: bool) -> Filter:
    silent = excluded or name not in SPOKEN_FIELDS or NOT_STATED in known
    spoken = "" if silent else match["value"].replace(",", " ")
    return Filter(
        field=name,
        included=() if excluded else known,
        excluded=known if excluded else (),
        words=spoken.strip('"'),
        inferred=False,
        position=match.start(),
    )


def lift_quotes(found: Findings) -> None:
    for match in list(_QUOTED.finditer(found.rest)):
        start = match.start()
        negation = _NEGATION_BEFORE.search(found.rest[:start])
        text = " ".join(match["text"].split())
        if any(character.isalnum() for character in text):
            excluded = bool(match["minus"] or negation)
            found.phrases.append(
                Phrase(text, excluded=excluded, quoted=True, position=match.start("text"))
            )
            start = negation.start() if negation else start
        found.lift(start, match.end())


def lift_years(found: Findings) -> None:
    """As "after 2015", "2010 to 2015"; "after 2010 and before 2015" is one span."""
    said = list(said_years(found.rest))
    for start, end, _ in said:
        found.lift(start, end)
    if said:
        spans = one_span([span for _, _, span in said])
        place = min(start for start, _, _ in said)
        found.filters.append(Filter("year", included=spans, position=place))


def lift_captions(found: Findings) -> None:
    """Whether images have a caption at all."""
    for value, pattern in _CAPTIONED.items():
        if match := pattern.search(found.rest):
            found.filters.append(Filter("captioned", included=(value,), position=match.start()))
            found.lift(*match.span())


def lift_minus_words(found: Findings) -> None:
    for match in list(_MINUS_WORD.finditer(found.rest)):
        _exclude(found, match["text"], match.start("text"))
        found.lift(match.start(), match.end())


def drop_asking(found: Findings) -> None:
    for match in list(_ASKING.finditer(found.rest)):
        found.lift(match.start(), match.end())


def lift_negations(found: Findings) -> None:
    at = 0
    while match := _NEGATED.search(found.rest, at):
        scope = match["scope"]
        if match["cue"].split()[-1].lower() not in words.REACHING_OVER_AND:
            scope = _AND.sub("", scope)
        end = match.start("scope") + len(scope)
        for item in _split(scope, match.start("scope")):
            _exclude(found, found.rest[item.start : item.end], item.start)
        found.lift(match.start(), end)
        at = end


def _split(scope: str, offset: int) -> Iterator[Span]:
    start = 0
    for joint in _ALTERNATIVES.finditer(scope):
        yield Span(offset + start, offset + joint.start())
        start = joint.end()
    yield Span(offset + start, offset + len(scope))


def _exclude(found: Findings, said: str, position: int) -> None:
    """A lone modality, region or sex becomes an excluded value, all else an excluded phrase."""
    kept = _without_empty_edges(said)
    if not kept:
        return
    for name in SPOKEN_FIELDS:
        named = [m for m in mentions(kept, name, fold_case=True) if m.names]
        if len(named) == 1 and (named[0].start, named[0].end) == (0, len(kept)):
            found.filters.append(
                Filter(name, excluded=(named[0].value,), words=kept, position=position)
            )
            return
    found.phrases.append(Phrase(kept, excluded=True, position=position))


def _without_empty_edges(said: str) -> str:
    kept = said.split()
    while kept and not is_content(kept[0].strip(".,'")):
        kept.pop(0)
    while kept and not is_content(kept[-1].strip(".,'")):
        kept.pop()
    return " ".join(kept).strip(".,'\" ")


def lift_named_values(found: Findings) -> None:
    """Words that name a modality, a region or a sex become filters that keep the words."""
    named = {name: _named(found.rest, name) for name in SPOKEN_FIELDS}
    named["anatomy"] = _regions(found, named)
    worded: set[int] = set()
    for name, places in named.items():
        if not places:
            continue
        fresh = [m for m in places if m.start not in worded]
        worded.update(m.start for m in fresh)
        found.filters.append(
            Filter(
                field=name,
                included=tuple(dict.fromkeys(m.value for m in places)),
                words=" ".join(dict.fromkeys(m.text for m in fresh)),
                position=places[0].start,
            )
        )
    for places in named.values():
        for mention in places:
            found.lift(mention.start, mention.end)


def _regions(found: Findings, named: dict[str, list[Mention]]) -> list[Mention]:
    """
    The mentions of a region to look in. Where another region is named, some only say more of what
    is looked for there, and stay words: "next to the spine", and "enlarged heart" in a chest.
    """
    kept = []
    elsewhere = found.regions | {mention.value for mention in named["anatomy"]}
    rest = found.rest
    for mention in (mention for places in named.values() for mention in places):
        rest = rest[: mention.start] + LIFTED * len(mention.text) + rest[mention.end :]
    says_more = any(is_content(word.strip(".,;:!?")) for word in rest.split())
    for mention in named["anatomy"]:
        beside = _BESIDE.search(found.rest[: mention.start])
        if beside and elsewhere - {mention.value}:
            found.lift(beside.start("relation"), beside.end("relation"))
        elif not (says_more and words.LIES_IN.get(mention.value) in elsewhere):
            kept.append(mention)
    return kept


def _named(text: str, name: str) -> list[Mention]:
    return [mention for mention in mentions(text, name, fold_case=True) if mention.names]


STEPS: tuple[Callable[[Findings], None], ...] = (
    lift_field_values,
    lift_quotes,
    lift_minus_words,
    lift_years,
    lift_captions,
    drop_asking,
    lift_negations,
    lift_named_values,
)
