"""Why an image stands where it does, in sentences."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypedDict

from django.contrib.humanize.templatetags.humanize import ordinal
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from search.fusion import RRF_K, Ranked
from search.understanding.state import QueryState

MOST_TERMS = 6


class Why(TypedDict):
    """
    The whole and what each leg gave in sentences, the two parts as numbers, and as lengths from 0
    to 1 of bars, where 1 is the largest score that there can be.
    """

    score: str
    words: str
    picture: str
    parts: list[str]
    bars: list[float]


def why(hit: Ranked, state: QueryState, matched: Sequence[str]) -> Why:
    """`matched`: the words of the caption that the search was looking for."""
    alone = (hit.bm25_part, hit.cosine_part) == (hit.bm25, hit.cosine)
    parts = [hit.bm25_part, hit.cosine_part]
    whole = max(hit.score, 2 / (RRF_K + 1) if state.fusion == "rrf" else 1.0)
    return Why(
        score=_score(hit, state, alone),
        words=_words(hit, state, alone, matched),
        picture=_picture(hit, state, alone),
        parts=[f"{part:.{_digits(state)}f}" for part in parts],
        bars=[round(max(part, 0.0) / whole, 4) for part in parts],
    )


def _digits(state: QueryState) -> int:
    return 4 if state.fusion == "rrf" else 2


def _place(rank: int | None) -> str:
    return _ordinal(rank, get_language()) if rank else _("Not among the first")


@lru_cache(maxsize=4096)
def _ordinal(rank: int, language: str | None) -> str:
    """Kept: Django looks up every ending there is for each."""
    return str(ordinal(rank))


def _score(hit: Ranked, state: QueryState, alone: bool) -> str:
    if not hit.score:
        return _("It passes the labels; neither words nor picture lift it.")
    if alone and hit.lexical_rank:
        return _("Ranked by words alone: its score is its BM25.")
    if alone:
        return _("Ranked by picture alone: its score is its cosine.")
    digits = _digits(state)
    words, picture = round(hit.bm25_part, digits), round(hit.cosine_part, digits)
    share = round(100 * hit.bm25_part / hit.score)
    return _("Words give %(share)d%% of its score, the picture %(rest)d%%: %(sum)s.") % {
        "share": share,
        "rest": 100 - share,
        "sum": f"{words:.{digits}f} + {picture:.{digits}f} = {words + picture:.{digits}f}",
    }


def _words(hit: Ranked, state: QueryState, alone: bool, matched: Sequence[str]) -> str:
    if alone and not hit.lexical_rank:
        return _("The words were not compared.")
    terms = ", ".join(dict.fromkeys(term.lower() for term in matched[:MOST_TERMS]))
    found = _("Matched: %s.") % terms if terms else ""
    if not hit.bm25:
        return found or _("No word of the caption matches.")
    values = {"place": _place(hit.lexical_rank), "value": hit.bm25}
    raw = _("%(place)s by words, BM25 %(value).2f") % values
    counts = "" if alone else _counts(state, hit.bm25_part, 1 - state.alpha, "1 − α")
    return f"{raw}{counts}. {found}".strip()


def _picture(hit: Ranked, state: QueryState, alone: bool) -> str:
    if alone and not hit.semantic_rank:
        return _("The picture was not compared.")
    values = {"place": _place(hit.semantic_rank), "value": hit.cosine}
    raw = _("%(place)s by picture, cosine %(value).3f") % values
    return f"{raw}{'' if alone else _counts(state, hit.cosine_part, state.alpha, 'α')}."


def _counts(state: QueryState, part: float, weight: float, name: str) -> str:
    """How a leg's own value became its part of the score, by the formulae of `search.fusion`."""
    if not part and state.fusion == "rrf":
        return ""
    values: dict[str, object]
    if state.fusion == "rrf":
        rank = round(1 / part) - RRF_K
        values = {"rank": rank, "k": RRF_K}
        return _(", as number %(rank)d of the candidates 1 ÷ (%(k)d + %(rank)d)") % values
    values = {"scaled": part / weight, "weight": weight, "name": name}
    return _(", scaled over the candidates %(scaled).2f, times %(weight).2f (%(name)s)") % values
