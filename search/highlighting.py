"""Where the words of a query stand in a caption, by the same English stems the engine uses."""

import re
from collections.abc import Iterable
from functools import lru_cache

import snowballstemmer

WORD = re.compile(r"[^\W_]+")

_stemmer = snowballstemmer.stemmer("english")


def highlights(caption: str, texts: Iterable[str]) -> list[tuple[int, int]]:
    """Character ranges [start, end) of matching words; neighbours are joined into one range."""
    wanted = {_stem(word) for text in texts for word in WORD.findall(text.lower())}
    ranges: list[tuple[int, int]] = []
    for match in WORD.finditer(caption):
        if _stem(match.group().lower()) not in wanted:
            continue
        start, end = match.span()
        if ranges and caption[ranges[-1][1] : start] in (" ", "-"):
            start = ranges.pop()[0]
        ranges.append((start, end))
    return ranges


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return str(_stemmer.stemWord(word))
