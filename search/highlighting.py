"""Where the words of a query stand in a caption, by the same English stems the engine uses."""

import re
from collections.abc import Iterable
from functools import lru_cache

import snowballstemmer

WORD = re.compile(r"[^\W_]+")

_stemmer = snowballstemmer.stemmer("english")


def highlights(
    caption: str, texts: Iterable[str], together: Iterable[str] = ()
) -> list[tuple[int, int]]:
    """Character ranges [start, end) of matching words; neighbours are joined into one range.

    Words of `together` count only where they follow one another.
    """
    found = list(WORD.finditer(caption))
    stems = [_stem(match.group().lower()) for match in found]
    whole: set[int] = set()
    for text in together:
        wanted_stems = [_stem(word) for word in WORD.findall(text.lower())]
        for at in range(len(stems) - len(wanted_stems) + 1):
            if stems[at : at + len(wanted_stems)] == wanted_stems:
                whole |= set(range(at, at + len(wanted_stems)))
    wanted = {_stem(word) for text in texts for word in WORD.findall(text.lower())}
    ranges: list[tuple[int, int]] = []
    for number, match in enumerate(found):
        if stems[number] not in wanted and number not in whole:
            continue
        start, end = match.span()
        if ranges and caption[ranges[-1][1] : start] in (" ", "-"):
            start = ranges.pop()[0]
        ranges.append((start, end))
    return ranges


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return str(_stemmer.stemWord(word))
