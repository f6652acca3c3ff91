"""Which parts of a search some words mean, and a state with parts taken away or exchanged."""

from __future__ import annotations

from dataclasses import replace

from ingest.vocabulary import LISTED_FIELDS, Mention, mentions
from search.understanding.filters import without_values
from search.understanding.noun_phrases import is_content
from search.understanding.state import Filter, Phrase, QueryState
from search.understanding.talk import part_names
from search.understanding.years import one_span

GROUPS = frozenset({"side", "plane", "age"})


def without(state: QueryState, said: str) -> QueryState:
    """The state without what was meant; the same state where nothing is meant by it."""
    what = _plain(said)
    if what in part_names.PARTS:
        return _without_named(state, part_names.PARTS[what])
    meant = stems(what)
    if not meant:
        return state
    phrases = tuple(p for p in state.phrases if not is_meant(meant, p))
    if phrases != state.phrases:
        return replace(state, phrases=phrases)
    return replace(
        state,
        filters=without_values(state.filters, lambda row, value, _: _names(row, value, what)),
    )


def regions(state: QueryState) -> frozenset[str]:
    rows = (row for row in state.filters if row.field == "anatomy")
    return frozenset(value for row in rows for value in row.included)


def stems(text: str) -> frozenset[str]:
    """Content words without their endings, for telling that two texts speak of the same."""
    words = (word.strip(".,;:!?\"'()").casefold() for word in text.split())
    return frozenset(_stem(word) for word in words if word and is_content(word))


def is_meant(meant: frozenset[str], phrase: Phrase) -> bool:
    """Whether all that was said is in the phrase, or the whole phrase in what was said."""
    own = stems(phrase.text)
    return bool(own) and (meant <= own or own <= meant)


def without_group(state: QueryState, group: str, but: str = "") -> QueryState:
    """Words of a group ("left", "axial") leave the phrases that are looked for, `but` one."""
    phrases = []
    going = part_names.RIVALS[group] - {but}
    for phrase in state.phrases:
        kept = " ".join(word for word in phrase.text.split() if word.casefold() not in going)
        if phrase.excluded or phrase.quoted or kept == phrase.text:
            phrases.append(phrase)
        elif kept:
            phrases.append(replace(phrase, text=kept))
    return replace(state, phrases=tuple(phrases))


def with_side(state: QueryState, side: str) -> QueryState | None:
    """Each phrase of the other side becomes one of this side; None where there is none."""
    other = part_names.OTHER_SIDE.get(side, "")
    changed = tuple(
        replace(p, text=_swapped(p.text, other, side)) if not (p.quoted or p.excluded) else p
        for p in state.phrases
    )
    return None if changed == state.phrases else replace(state, phrases=changed)


def rivals_of(text: str) -> str:
    """The group of words that a text belongs to as a whole, or ""."""
    folded = text.casefold()
    return next((name for name, words in part_names.RIVALS.items() if folded in words), "")


def are_rivals(old: str, new: str) -> bool:
    group, other = (rivals_of(tidied(said).strip().removeprefix("the ")) for said in (old, new))
    return group == other != "" or (group == "side" and bool(part_names.THE_OTHER.fullmatch(new)))


def other_side(state: QueryState) -> str:
    words = {word.casefold() for p in state.phrases for word in p.text.split()}
    return next(
        (other for side, other in part_names.OTHER_SIDE.items() if side in words), "other side"
    )


def with_rival(state: QueryState, phrase: Phrase) -> QueryState | None:
    """Left for right, sagittal for axial; None where the phrase has no such rivals there."""
    group = rivals_of(phrase.text)
    if not group:
        return None
    own = phrase.text.casefold()
    if group == "side" and (sided := with_side(state, own)):
        return sided
    return with_phrase(without_group(state, group, own), phrase)


def without_the_only_finding(state: QueryState) -> QueryState:
    """As "pneumothorax instead" asks: one finding makes way for another, several are kept."""
    wanted = [p for p in state.phrases if not (p.excluded or rivals_of(p.text))]
    if len(wanted) != 1:
        return state
    return replace(state, phrases=tuple(p for p in state.phrases if p is not wanted[0]))


def with_filter(state: QueryState, row: Filter, *, alone: bool) -> QueryState:
    """`alone`: other values of the field go, else any of them will do."""
    if row.field == "year" and alone:
        row = replace(row, included=_with_the_other_end(state, row.included))
    named = {*row.included, *row.excluded}
    rows = without_values(
        state.filters,
        lambda r, value, _: r.field == row.field and (
            value in named or (alone and bool(row.included) and value in r.included)
        ),
    )  # fmt: skip
    for number, there in enumerate(rows):
        same = there.field == row.field and bool(there.included) == bool(row.included)
        if same:
            joined = replace(
                there,
                included=(*there.included, *row.included),
                excluded=(*there.excluded, *row.excluded),
                words=" ".join(filter(None, (there.words, row.words))),
                inferred=there.inferred and row.inferred,
            )
            return replace(state, filters=(*rows[:number], joined, *rows[number + 1 :]))
    return replace(state, filters=(*rows, replace(row, position=_end(state))))


def _with_the_other_end(state: QueryState, said: tuple[str, ...]) -> tuple[str, ...]:
    """So "before 2015" said to "after 2010" bounds it; any other span takes its place."""
    there = [value for row in state.filters if row.field == "year" for value in row.included]
    joined = one_span([*there, *said])
    return joined if len(joined) == 1 else said


def with_phrase(state: QueryState, phrase: Phrase) -> QueryState:
    """What is excluded is not also wanted, and what is wanted no longer excluded."""
    own = stems(phrase.text)
    others = tuple(
        p for p in state.phrases
        if p.text.casefold() != phrase.text.casefold()
        and not (p.excluded != phrase.excluded and stems(p.text) == own)
    )  # fmt: skip
    return replace(state, phrases=(*others, replace(phrase, position=_end(state))))


def tidied(said: str) -> str:
    """Words in short: "left-sided" is left, "axial slices" are axial, "male patients" are male."""
    for pattern in (part_names.SIDE_NOUN, part_names.PLANE_NOUN, part_names.PEOPLE_NOUN):
        said = pattern.sub(r"\1", said)
    return said


def _end(state: QueryState) -> int:
    """Behind everything that was said before."""
    places = [p.position for p in state.phrases] + [row.position for row in state.filters]
    return max(places, default=-1) + 1


def _swapped(text: str, old: str, new: str) -> str:
    return " ".join(new if word.casefold() == old else word for word in text.split())


def _plain(said: str) -> str:
    what = said.strip(" .,!?\"'").casefold()
    for article in ("the ", "any ", "that ", "this ", "all ", "about "):
        what = what.removeprefix(article)
    return what if what in part_names.PARTS else part_names.PART_WORDS.sub("", what)


def _without_named(state: QueryState, part: str) -> QueryState:
    if part == "image":
        return replace(state, images=())
    if part in GROUPS:
        state = without_group(state, part)
        part = {"side": "laterality"}.get(part, part)
    return replace(state, filters=tuple(row for row in state.filters if row.field != part))


def _names(row: Filter, value: str, what: str) -> bool:
    named = {m.value for m in _mentions(what, row.field) if m.names}
    return value in named or what == value.casefold()


def _mentions(text: str, field: str) -> tuple[Mention, ...]:
    """None of a field whose values are not listed (year, licence)."""
    return mentions(text, field, fold_case=True) if field in LISTED_FIELDS else ()


def _stem(word: str) -> str:
    for ending in ("ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) > 3 and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word
