"""Words as the index and the queries see them: no case, no accents, English stems."""

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"[^\W_]+")
_STEMMER = snowballstemmer.stemmer("english")


def tokens(text: str) -> list[str]:
    """The stems of a text in its order."""
    return [stem(word) for word in _WORD.findall(plain(text))]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    return str(_STEMMER.stemWord(word))


def plain(text: str) -> str:
    """Folded, and without the marks that accents are once they are taken apart."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    apart = unicodedata.normalize("NFKD", folded)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def is_only_words(text: str) -> bool:
    """True if no query parser could read an operator in it."""
    return all(letter.isspace() or _is_of_a_word(letter) for letter in text)


def highlight(text: str, wanted: frozenset[str]) -> str:
    """A snippet with the marks that Vespa's dynamic summaries set."""

    def mark(found: re.Match[str]) -> str:
        word = found.group()
        return f"<hi>{word}</hi>" if wanted.intersection(tokens(word)) else word

    return _WORD.sub(mark, text)


def _is_of_a_word(letter: str) -> bool:
    """Letters, their marks, and digits; signs such as a half are noise to Vespa."""
    category = unicodedata.category(letter)
    return category[0] in "LM" or category == "Nd"
