"""The words and phrases of the corpus, counted over its captions."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from ingest.models import Image
from search.models import LiveIndex
from search.understanding.noun_phrases import is_content
from search.understanding.words import SAYS_LITTLE

# The phrases of more captions than these hardly differ from theirs.
MOST_CAPTIONS = 5000
MOST_PHRASES = 5000
MOST_WORDS = 4
LEAST_CAPTIONS = 2

CLAUSE = re.compile(r"[^.,;:()\[\]/]+")
WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
LETTERS = re.compile(r"[^\W\d_]+")
JOINING = frozenset({"of", "the", "in"})
# Of more captions than these, words are as frequent as of these.
MOST_SPELT = 50_000


def warm_up() -> None:
    """Count before somebody waits for it."""
    if build := LiveIndex.current():
        for size in {build.documents, Image.objects.count()}:
            frequent_phrases(build.pk, size)
        word_counts(build.pk, build.documents)


@lru_cache(maxsize=4)
def word_counts(build: int, images: int) -> dict[str, int]:
    """In how many of the newest captions each word stands, in small letters."""
    counts: Counter[str] = Counter()
    for caption in _newest(MOST_SPELT):
        counts.update(words_in(caption))
    return dict(counts)


def words_in(text: str) -> set[str]:
    return {word.casefold() for word in LETTERS.findall(text)}


@lru_cache(maxsize=4)
def frequent_phrases(build: int, images: int) -> dict[str, int]:
    """In how many of the newest captions each stands, the most telling first.

    `build` and `images` say when to count anew.
    """
    counts: Counter[str] = Counter()
    for caption in _newest(MOST_CAPTIONS):
        counts.update(phrases_in(caption))
    frequent = {phrase: n for phrase, n in counts.items() if n >= LEAST_CAPTIONS}
    # "pleural" says nothing that "pleural effusion" does not, where one hardly stands alone.
    shorter = {phrase: phrase.rpartition(" ")[0] for phrase in frequent}
    covered = {s for phrase, s in shorter.items() if 0.8 * counts[s] <= frequent[phrase]}
    said = [p for p in frequent.keys() - covered if " " in p or p.casefold() not in SAYS_LITTLE]
    # Longer ones are rarer and say more.
    said.sort(key=lambda phrase: (-frequent[phrase] * len(phrase.split()), phrase))
    return {phrase: frequent[phrase] for phrase in said[:MOST_PHRASES]}


def phrases_in(caption: str) -> set[str]:
    return set(_phrases(caption))


def _phrases(caption: str) -> Iterator[str]:
    """Runs of words that begin and end with one that says something, and lie in one clause."""
    for clause in CLAUSE.findall(caption):
        words = [_as_written(word) for word in WORD.findall(clause)]
        for start, first in enumerate(words):
            if not is_content(first) or first[0].isdigit():
                continue
            for end in range(start, min(start + MOST_WORDS, len(words))):
                last = words[end]
                if is_content(last) and len(last) > 1:
                    yield " ".join(words[start : end + 1])
                elif last not in JOINING:
                    break


def _as_written(word: str) -> str:
    """Small letters, but for "CT" and "T2"."""
    return word if any(letter.isupper() for letter in word[1:]) else word.lower()


def _newest(most: int) -> Iterator[str]:
    captions = Image.objects.exclude(caption_clean="").order_by("-pk")
    return captions.values_list("caption_clean", flat=True)[:most].iterator()
