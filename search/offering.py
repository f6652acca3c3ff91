"""What may be asked next: labels that narrow, ways out of nothing, words spelt otherwise.

None leads to nothing: each is counted before it is offered, with the count that it will show.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice
from math import log
from typing import Any, Literal, TypedDict

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ingest.models import Image
from ingest.vocabulary import mentions, names
from search import other_words
from search.caption_words import MOST_CAPTIONS, frequent_phrases, phrases_in, word_counts, words_in
from search.engine import engine
from search.engines.base import EngineError, Index
from search.fusion import Ranked
from search.links import link_of
from search.models import IndexBuild
from search.query import scope_of
from search.spelling import respelt
from search.understanding.chips import Chip, chips
from search.understanding.edits import apply
from search.understanding.state import MAX_PARTS, QueryState
from search.understanding.values import CAN_BE_UNSTATED, NOT_STATED, value_label
from search.understanding.wire import count_parts

Kind = Literal["narrow", "widen", "way", "spelling"]

MOST_OF_A_SORT = 3
MOST_WAYS = 5
MOST_COUNTED = 20
# What the best of the pool have in common, but not all of them, divides it.
BEST = 48
LEAST_SHARE, MOST_SHARE = 0.08, 0.8
LEAST_CAPTIONS = 3
LEAST_LIFT = 2.0
DIRECTIONS = frozenset(
    {"left", "right", "bilateral", "upper", "lower", "superior", "inferior", "anterior",
     "posterior", "lateral", "medial"}
)  # fmt: skip
NARROWING_FIELDS = ("modality", "anatomy", "sex", "laterality")


class Offer(TypedDict):
    """`edits` make the state that `path` opens as a plain page; `count` images pass there."""

    kind: Kind
    label: str
    count: int | None
    edits: list[dict[str, Any]]
    path: str


async def offers(
    state: QueryState,
    build: IndexBuild | None,
    hits: Sequence[Ranked],
    counts: Mapping[str, Mapping[str, int]],
    total: int,
) -> list[Offer]:
    """For an answer of `total` images, ranked as `hits`, with the facet `counts`.

    An engine that cannot count just now leaves them out.
    """
    if build is None:
        return []
    try:
        index = await engine().open(build.generation)
        found = [await _spelt(state, index, build)]
        if hits and count_parts(state) < MAX_PARTS:
            best = await _rows([hit.image_id for hit in hits[:BEST]])
            found.append(_by_values(state, best, counts, total))
            found.append(await _by_phrases(state, index, build, best, total))
            found.append(_unstated_too(state, counts, total))
            found.append(await _denied_too(state, index))
        elif total and not hits:
            found.append(_by_pictures_too(state, total))
        elif not hits:
            found.append(await _less(state, index))
    except EngineError:
        return []
    return [offer for one in found for offer in one]


async def _spelt(state: QueryState, index: Index, build: IndexBuild) -> list[Offer]:
    """All slips mended at once."""
    counts = await asyncio.to_thread(word_counts, build.pk, build.documents)
    mended = await respelt(state, index, counts)
    if not mended:
        return []
    edits = [edit for one in mended for edit in one.edits]
    return [_offer("spelling", ", ".join(one.text for one in mended), state, edits)]


def _by_values(
    state: QueryState,
    best: Sequence[Mapping[str, Any]],
    counts: Mapping[str, Mapping[str, int]],
    total: int,
) -> list[Offer]:
    """Values of fields that are still open, those first that divide the best most evenly."""
    chosen = {row.field for row in state.filters if row.included}
    found = []
    for field in NARROWING_FIELDS:
        if field in chosen:
            continue
        for value, often in Counter(row[field] for row in best if row[field]).items():
            share, count = often / len(best), counts.get(field, {}).get(value, 0)
            if 0 < count < total and LEAST_SHARE <= share <= MOST_SHARE:
                found.append((share * (share - 1), field, value, count))
    return [
        _offer("narrow", value_label(field, value), state, [_filter(field, value)], count)
        for _, field, value, count in sorted(found)[:MOST_OF_A_SORT]
    ]


def _filter(field: str, value: str) -> dict[str, Any]:
    return {"op": "filter", "field": field, "value": value}


async def _by_phrases(
    state: QueryState,
    index: Index,
    build: IndexBuild,
    best: Sequence[Mapping[str, Any]],
    total: int,
) -> list[Offer]:
    """What the captions of the best say more often than the corpus, and nobody has asked for."""
    frequent = await asyncio.to_thread(frequent_phrases, build.pk, build.documents)
    said = Counter(p for row in best for p in phrases_in(row["caption_clean"]) if p in frequent)
    asked = _singular(" ".join((*(c.label for c in chips(state)), *_names(state))))
    sample = min(build.documents, MOST_CAPTIONS)
    telling = {}
    for phrase, often in said.items():
        share, lift = often / len(best), often / len(best) * sample / frequent[phrase]
        if often >= LEAST_CAPTIONS and share <= MOST_SHARE and lift >= LEAST_LIFT:
            telling[phrase] = often * log(lift) * len(phrase.split())
    offered: list[Offer] = []
    for phrase in sorted(telling, key=lambda phrase: (-telling[phrase], phrase)):
        words = _singular(phrase)
        if words & asked or _names_a_value(phrase) or not _says_something(phrase):
            continue
        edits = [{"op": "require", "text": phrase}]
        count = await index.count(scope_of(_edited(state, edits)))
        if 0 < count < total:
            offered.append(_offer("narrow", f"“{phrase}”", state, edits, count))
            asked |= words
        if len(offered) == MOST_OF_A_SORT:
            break
    return offered


def _names(state: QueryState) -> Iterator[str]:
    """All that the values which are asked for are called: "tomography" says no more than CT."""
    for row in state.filters:
        if row.field in NARROWING_FIELDS:
            for value in row.included:
                yield from names(row.field, value)


def _singular(text: str) -> set[str]:
    return {word.removesuffix("s") for word in words_in(text)}


def _says_something(phrase: str) -> bool:
    """Several words that end in a thing, or one that medicine knows; not "left lower"."""
    *before, last = phrase.split()
    if before:
        return last not in DIRECTIONS
    known = (mention for field in NARROWING_FIELDS for mention in mentions(phrase, field))
    return bool(other_words.table().known_in(phrase)) or any(known)


def _names_a_value(phrase: str) -> bool:
    """A filter says it better."""
    found = (mention for field in NARROWING_FIELDS for mention in mentions(phrase, field))
    return any(mention.names and mention.text == phrase for mention in found)


def _unstated_too(
    state: QueryState, counts: Mapping[str, Mapping[str, int]], total: int
) -> list[Offer]:
    """A technique that was read from words hides every image whose caption names none."""
    found = []
    for field in CAN_BE_UNSTATED:
        asked = {value for row in state.filters if row.field == field for value in row.included}
        more = counts.get(field, {}).get(NOT_STATED, 0)
        if asked and more and NOT_STATED not in asked:
            edits, label = [_filter(field, NOT_STATED)], value_label(field, NOT_STATED)
            found.append(_offer("widen", label, state, edits, total + more))
    return found


async def _denied_too(state: QueryState, index: Index) -> list[Offer]:
    """How many captions deny what is looked for, and so stand far below."""
    wanted = [p.text for p in state.phrases if not (p.excluded or p.quoted) and p.weight > 0]
    if state.denied or state.mode == "semantic":
        return []
    scope = scope_of(state)
    scopes = [
        replace(scope, phrases=(*scope.phrases, text), without=(*scope.without, text))
        for text in wanted[:MOST_OF_A_SORT]
    ]
    counts = await asyncio.gather(*(index.count(one) for one in scopes))
    if not any(counts):
        return []
    most = max(counts)
    label = ngettext(
        "%(count)d caption that denies “%(what)s”", "%(count)d captions that deny “%(what)s”", most
    ) % {"count": most, "what": wanted[counts.index(most)]}
    return [_offer("widen", label, state, [{"op": "set", "denied": True}])]


def _by_pictures_too(state: QueryState, total: int) -> list[Offer]:
    if state.mode != "lexical":
        return []
    edits = [{"op": "set", "mode": "hybrid"}]
    return [_offer("way", _("Search the pictures too"), state, edits, total)]


async def _less(state: QueryState, index: Index) -> list[Offer]:
    """Without as few as possible of the labels that leave nothing."""
    shut = [chip for chip in chips(state) if _shuts_out(chip)]
    for size in range(1, len(shut)):
        ways = list(islice(combinations(shut, size), MOST_COUNTED))
        if found := await _counted(state, index, ways):
            return found[:MOST_WAYS]
    return await _counted(state, index, [shut])


def _shuts_out(chip: Chip) -> bool:
    """Other words of an exclusion go with it."""
    if "synonym:" in chip.id:
        return False
    return chip.kind in ("filter", "exclusion") or chip.id.startswith("quoted:")


async def _counted(state: QueryState, index: Index, ways: Sequence[Sequence[Chip]]) -> list[Offer]:
    edits = [[{"op": "remove", "chip": chip.id} for chip in way] for way in ways]
    scopes = [scope_of(_edited(state, one)) for one in edits]
    counts = await asyncio.gather(*(index.count(scope) for scope in scopes))
    return [
        _offer("way", _without(way), state, one, count)
        for way, one, count in zip(ways, edits, counts, strict=True)
        if count
    ]


def _without(way: Sequence[Chip]) -> str:
    return _("Without %s") % ", ".join(f"“{chip.label.strip('“”')}”" for chip in way)


async def _rows(image_ids: Sequence[int]) -> list[dict[str, Any]]:
    rows = Image.objects.filter(pk__in=image_ids).values("caption_clean", *NARROWING_FIELDS)
    return [row async for row in rows]


def _offer(
    kind: Kind, label: str, state: QueryState, edits: list[dict[str, Any]], count: int | None = None
) -> Offer:
    path = link_of(_edited(state, edits))["path"]
    return Offer(kind=kind, label=label, count=count, edits=edits, path=path)


def _edited(state: QueryState, edits: Sequence[Mapping[str, Any]]) -> QueryState:
    for edit in edits:
        state = other_words.expanded(apply(state, edit), state)
    return replace(state, utterance="")
