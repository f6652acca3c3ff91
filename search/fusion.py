"""From two legs to one order. Pure arithmetic over the pool; formulae in docs/search.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.engines.base import Match
from search.understanding.state import Fusion

# Cormack, Clarke and Büttcher, SIGIR 2009.
RRF_K = 60


@dataclass(frozen=True)
class Ranked:
    """One candidate with all that led to its place; the two parts add up to the score."""

    image_id: int
    rank: int
    score: float
    bm25: float = 0.0
    cosine: float = 0.0
    bm25_part: float = 0.0
    cosine_part: float = 0.0
    lexical_rank: int | None = None
    semantic_rank: int | None = None


def rank_leg(matches: Sequence[Match], *, lexical: bool) -> list[Ranked]:
    """One leg alone, in its own raw scores."""
    return [
        Ranked(
            match.image_id,
            rank,
            match.score,
            bm25=match.score if lexical else 0.0,
            cosine=0.0 if lexical else match.score,
            bm25_part=match.score if lexical else 0.0,
            cosine_part=0.0 if lexical else match.score,
            lexical_rank=rank if lexical else None,
            semantic_rank=None if lexical else rank,
        )
        for rank, match in enumerate(matches, start=1)
    ]


def fuse(
    lexical: Sequence[Match],
    semantic: Sequence[Match],
    bm25: Mapping[int, float],
    cosine: Mapping[int, float],
    *,
    alpha: float,
    fusion: Fusion,
) -> list[Ranked]:
    """`bm25` and `cosine` hold the true values of every candidate of the pool.

    linear: α·n(cosine) + (1-α)·n(bm25), n = min-max over the pool, 0 where all are equal.
    rrf:    1/(60 + rank in semantic) + 1/(60 + rank in lexical), 0 for a leg without it.
    """
    lexical_rank = {match.image_id: rank for rank, match in enumerate(lexical, start=1)}
    semantic_rank = {match.image_id: rank for rank, match in enumerate(semantic, start=1)}
    pool = sorted(lexical_rank.keys() | semantic_rank.keys())
    if fusion == "rrf":
        words = {i: _reciprocal(lexical_rank.get(i)) for i in pool}
        pictures = {i: _reciprocal(semantic_rank.get(i)) for i in pool}
    else:
        words = _scaled({i: bm25.get(i, 0.0) for i in pool}, 1.0 - alpha)
        pictures = _scaled({i: cosine.get(i, 0.0) for i in pool}, alpha)
    order = sorted(pool, key=lambda i: (-(words[i] + pictures[i]), i))
    return [
        Ranked(
            image_id=i,
            rank=rank,
            score=words[i] + pictures[i],
            bm25=bm25.get(i, 0.0),
            cosine=cosine.get(i, 0.0),
            bm25_part=words[i],
            cosine_part=pictures[i],
            lexical_rank=lexical_rank.get(i),
            semantic_rank=semantic_rank.get(i),
        )
        for rank, i in enumerate(order, start=1)
    ]


def _scaled(values: Mapping[int, float], weight: float) -> dict[int, float]:
    if not values:
        return {}
    low, high = min(values.values()), max(values.values())
    if high == low:
        return dict.fromkeys(values, 0.0)
    return {key: weight * (value - low) / (high - low) for key, value in values.items()}


def _reciprocal(rank: int | None) -> float:
    return 0.0 if rank is None else 1.0 / (RRF_K + rank)
