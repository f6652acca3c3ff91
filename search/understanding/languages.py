"""The language of an utterance, by its letters and how they follow each other.

Medical English is full of Latin, of French and German names and of loan words. What is English or
Latin, and a single word in Latin letters, is never foreign.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from search.understanding.words import ASKING_WORDS, EVERYDAY_WORDS, SAYS_LITTLE, STOP_WORDS

HOME = ("en", "la")
ABROAD = (
    "ar", "bg", "cs", "da", "de", "el", "es", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja",
    "ko", "nl", "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh",
)  # fmt: skip

# How much likelier (in nats) it must be than English and Latin: as it is written, and without its
# accents, which one name brings too ("Ménière disease").
LEAST_LEAD = 11.0
LEAST_LEAD_UNACCENTED = 2.0

_WORD = re.compile(r"[^\W\d_]+")
# One letter of another script; of Greek three, as "α" and "β" stand in English.
_OTHER_SCRIPT = re.compile(r"[^\W\d_A-Za-zªµº\u00c0-\u02ff\u1e00-\u1eff\u0370-\u03ff\u1f00-\u1fff]")
_GREEK = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]{3}")
_BORROWED = re.compile(
    r"\b(?:caf[eé][ -]au[ -]lait|peau d['’]orange|cul[ -]de[ -]sac|coup[ -]contre-?coup|"
    r"tic douloureux|en plaque|en bloc|en face)\b"
)
_ENGLISH = STOP_WORDS | ASKING_WORDS | EVERYDAY_WORDS | SAYS_LITTLE


def foreign(utterance: str) -> tuple[str, list[str]]:
    """
    The ISO 639-1 code of the language it is in, and its words, in small letters, that are not of
    English talk. ("", []) for English, Latin and too little to tell.
    """
    text = _BORROWED.sub(" ", unicodedata.normalize("NFKC", utterance).casefold())
    words = _WORD.findall(text)
    others = [piece for piece in text.split() if _is_of_another_script(piece)]
    if others:
        return _likeliest(others)[0], [word for word in words if _is_of_another_script(word)]
    language, lead = _likeliest(words)
    unaccented = [_unaccented(word) for word in words]
    said = [word for word in words if len(word) > 1 and word not in _ENGLISH]
    is_foreign = (
        len(words) > 1 and lead >= LEAST_LEAD and _likeliest(unaccented)[1] >= LEAST_LEAD_UNACCENTED
    )
    return (language, said) if is_foreign and said else ("", [])


def warm_up() -> None:
    """Read the model before somebody waits for it."""
    _model()


@cache
def _model() -> LanguageIdentifier:
    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    model.set_languages([*HOME, *ABROAD])
    return model


def _likeliest(words: Sequence[str]) -> tuple[str, float]:
    """The likeliest of the languages abroad, and its lead over those at home in nats."""
    ranked = dict(_model().rank(" ".join(words)))
    language = max(ABROAD, key=lambda code: ranked[code])
    return language, ranked[language] - max(ranked[code] for code in HOME)


def _is_of_another_script(text: str) -> bool:
    return bool(_OTHER_SCRIPT.search(text) or _GREEK.search(text))


def _unaccented(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
