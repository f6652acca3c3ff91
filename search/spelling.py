"""A word that hardly any caption has, and the word of the captions that it may be."""

from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from ingest.vocabulary import LISTED_FIELDS, mentions
from search import other_words
from search.caption_words import LETTERS
from search.engines.base import Clause, Index, Scope
from search.understanding.chips import phrase_id
from search.understanding.noun_phrases import is_content
from search.understanding.state import Phrase, QueryState

SHORTEST = 4
# One slip in a short word, two in a longer one.
TWO_SLIPS_FROM = 7
# A word of so few captions may be a slip itself, where a neighbour is that much more frequent.
RARE = 2
TIMES_MORE_FREQUENT = 20


@dataclass(frozen=True)
class Respelt:
    """What a phrase would read, and the edits of the state that make it so."""

    text: str
    edits: tuple[dict[str, object], ...]


async def respelt(state: QueryState, index: Index, counts: Mapping[str, int]) -> list[Respelt]:
    """Each phrase with likely slips. `counts`: captions by word, in small letters."""
    found = []
    for phrase in state.phrases:
        text = phrase.text
        for word in dict.fromkeys(LETTERS.findall(text)):
            if better := await _better(word, index, counts):
                text = _replaced(text, word, better)
        if text != phrase.text:
            found.append(Respelt(text, _edits(phrase, text)))
    return found


async def _better(word: str, index: Index, counts: Mapping[str, int]) -> str | None:
    folded = word.casefold()
    if len(word) < SHORTEST or counts.get(folded, 0) > RARE or not is_content(word):
        return None
    if word.isupper() or other_words.table().known_in(word) or _is_term(word):
        return None
    # The engine knows all captions and all endings of a word; the counts may not.
    there = len(await index.lexical([Clause(word)], Scope(), RARE + 1))
    return None if there > RARE else nearest(folded, there, counts)


def nearest(word: str, captions: int, counts: Mapping[str, int]) -> str | None:
    """The most frequent of the nearest words, by letters added, left out, changed or swapped.

    One slip away, or two for a longer word that is in no caption at all.
    """
    slips = 2 if len(word) >= TWO_SLIPS_FROM and not captions else 1
    least = TIMES_MORE_FREQUENT * captions
    near = process.extract(
        word, counts.keys(), scorer=DamerauLevenshtein.distance, score_cutoff=slips, limit=None
    )
    likely = [
        (distance, other[:1] != word[:1], -counts[other], other)
        for other, distance, _ in near
        if other != word and len(other) >= SHORTEST and counts[other] >= least
    ]
    return min(likely)[-1] if likely else None


def _edits(phrase: Phrase, text: str) -> tuple[dict[str, object], ...]:
    """What names a value of a field becomes a filter, as if it had been spelt so at first."""
    chip = phrase_id(phrase)
    for field in LISTED_FIELDS:
        for mention in mentions(text, field):
            is_name = mention.names and mention.text == text
            if is_name and not (phrase.quoted or phrase.excluded):
                value: dict[str, object] = {"field": field, "value": mention.value}
                return {"op": "remove", "chip": chip}, {"op": "filter", **value}
    return ({"op": "rewrite", "chip": chip, "text": text},)


def _is_term(word: str) -> bool:
    return any(mentions(word, field, fold_case=True) for field in LISTED_FIELDS)


def _replaced(text: str, word: str, better: str) -> str:
    return LETTERS.sub(lambda found: better if found[0] == word else found[0], text)
