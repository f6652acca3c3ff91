"""From two legs to one order. Pure arithmetic over the pool; formulae in docs/search.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.engines.base import Blend, Candidate, Match

# Cormack, Clarke and Büttcher, SIGIR 2009.
RRF_K = 60


@dataclass(frozen=True)
class Ranked:
    """
    One candidate with all that led to its place; the two parts add up to the score. `similar`:
    images that look the same and share its place.
    """

    image_id: int
    rank: int
    score: float
    bm25: float = 0.0
    cosine: float = 0.0
    bm25_part: float = 0.0
    cosine_part: float = 0.0
    lexical_rank: int | None = None
    semantic_rank: int | None = None
    similar: tuple[int, ...] = ()


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
    pool: Sequence[Candidate], lexical: Sequence[Match], semantic: Sequence[Match], blend: Blend
) -> list[Ranked]:
    """The pool in order of its score, ties by image id.

    linear: α·n(cosine) + (1-α)·n(bm25), n = min-max over the pool, 0 where all are equal.
    rrf:    1/(60 + rank by cosine) + 1/(60 + rank by BM25), ranks over the pool, equal values in
            order of the other leg, nothing for a BM25 of 0.

    Where the engine ranked the pool itself, its order holds; the parts are the same formula's.
    """
    lexical_rank = {match.image_id: rank for rank, match in enumerate(lexical, start=1)}
    semantic_rank = {match.image_id: rank for rank, match in enumerate(semantic, start=1)}
    bm25 = {candidate.image_id: candidate.bm25 for candidate in pool}
    cosine = {candidate.image_id: candidate.cosine for candidate in pool}
    if blend.kind == "rrf":
        ranked = _reciprocal(bm25, cosine)
        words = {i: part if bm25[i] > 0 else 0.0 for i, part in ranked.items()}
        pictures = _reciprocal(cosine, bm25)
    else:
        words = _scaled(bm25, 1.0 - blend.alpha)
        pictures = _scaled(cosine, blend.alpha)

    def place(candidate: Candidate) -> tuple[float, int]:
        own = words[candidate.image_id] + pictures[candidate.image_id]
        return -(own if candidate.score is None else candidate.score), candidate.image_id

    ordered = [candidate.image_id for candidate in sorted(pool, key=place)]
    return [
        Ranked(
            image_id=i,
            rank=rank,
            score=words[i] + pictures[i],
            bm25=bm25[i],
            cosine=cosine[i],
            bm25_part=words[i],
            cosine_part=pictures[i],
            lexical_rank=lexical_rank.get(i),
            semantic_rank=semantic_rank.get(i),
        )
        for rank, i in enumerate(ordered, start=1)
    ]


def _scaled(values: Mapping[int, float], weight: float) -> dict[int, float]:
    if not values:
        return {}
    low, high = min(values.values()), max(values.values())
    if high == low:
        return dict.fromkeys(values, 0.0)
    return {key: weight * (value - low) / (high - low) for key, value in values.items()}


def _reciprocal(values: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    ordered = sorted(values, key=lambda key: (-values[key], -other[key], key))
    return {key: 1.0 / (RRF_K + rank) for rank, key in enumerate(ordered, start=1)}
