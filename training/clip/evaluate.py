"""
How well images and captions find each other. Every Scores names its protocol, its direction
and how many candidates each query was ranked among: without those a number says nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.clip.data import caption_ids

Vectors = NDArray[np.float32]
Numbers = NDArray[np.float64]

MRR_CUTOFFS = (1, 3, 5, 10, 20)
RECALL_CUTOFFS = (1, 5, 10, 20)
NDCG_CUTOFF = 10
SEED_BATCH_SIZE = 64
TEXT_TO_IMAGE = "text→image"
IMAGE_TO_TEXT = "image→text"

# Equal vectors at different places of a matrix product differ in their last bits.
TIE = 1e-6


@dataclass(frozen=True)
class Scores:
    """`intervals`: 95 % bootstrap intervals by metric; empty where the protocol has none."""

    protocol: str
    direction: str
    relevance: str
    candidates: int
    queries: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


def seed_inbatch(image_vectors: Vectors, text_vectors: Vectors) -> Scores:
    """
    `seed-inbatch-v1`: each image ranks the captions of its own batch of 64, in the order given,
    the last partial batch kept; a plain mean over all rows. Softmax keeps the order of cosines,
    so no logit scale is needed.
    """
    rows = len(image_vectors)
    ranks = [
        _ranks(image_vectors[start:end], text_vectors[start:end], np.arange(end - start))[:, 0]
        for start, end in _spans(rows, SEED_BATCH_SIZE)
    ]
    joined = np.concatenate(ranks) if ranks else np.zeros(0)
    return Scores(
        protocol="seed-inbatch-v1",
        direction=IMAGE_TO_TEXT,
        relevance="strict",
        candidates=min(SEED_BATCH_SIZE, rows),
        queries=rows,
        metrics={f"mrr@{k}": _mean(_reciprocal(joined, k)) for k in MRR_CUTOFFS},
    )


def seed_inbatch_shuffled(
    image_vectors: Vectors, text_vectors: Vectors, *, shuffles: int = 20, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of `seed_inbatch` over random orders of the pairs."""
    rng = np.random.default_rng(seed)
    tables = []
    for _ in range(shuffles):
        order = rng.permutation(len(image_vectors))
        tables.append(seed_inbatch(image_vectors[order], text_vectors[order]).metrics)
    values = {name: [table[name] for table in tables] for name in tables[0]}
    return {name: (float(np.mean(row)), float(np.std(row))) for name, row in values.items()}


def corpus(
    image_vectors: Vectors,
    text_vectors: Vectors,
    captions: Sequence[str],
    groups: Sequence[str],
    *,
    bootstraps: int = 1000,
    seed: int = 0,
    chunk: int = 1024,
) -> list[Scores]:
    """
    `corpus-v1`: every caption ranks all images and every image all captions, by cosine.

    Strict relevance is the query's own pair; lenient adds pairs with an equal normalised
    caption. Tied candidates share the mean of their ranks. Intervals resample `groups`
    (articles), for the figures of one article are not independent. Memory grows with
    `chunk` x n, never n x n.
    """
    own = np.arange(len(captions))
    equal = caption_ids(captions)
    directions = {
        TEXT_TO_IMAGE: (text_vectors, image_vectors),
        IMAGE_TO_TEXT: (image_vectors, text_vectors),
    }
    found = []
    for direction, (queries, candidates) in directions.items():
        for relevance, labels in (("strict", own), ("lenient", equal)):
            table = per_query(queries, candidates, labels, chunk=chunk)
            found.append(
                Scores(
                    protocol="corpus-v1",
                    direction=direction,
                    relevance=relevance,
                    candidates=len(candidates),
                    queries=len(queries),
                    metrics=_summary(table),
                    intervals=_intervals(table, groups, bootstraps, seed),
                )
            )
    return found


def per_query(
    queries: Vectors, candidates: Vectors, labels: NDArray[np.int64], *, chunk: int = 1024
) -> dict[str, Numbers]:
    """
    Each metric for each query, and its rank as 'median_rank'. Query i and candidate j are
    relevant to each other where labels[i] == labels[j].
    """
    if len(queries) == 0:
        ranks = np.full((0, NDCG_CUTOFF), np.inf)
    else:
        ranks = np.concatenate(
            [
                _ranks(queries[start:end], candidates, labels, start)
                for start, end in _spans(len(queries), chunk)
            ]
        )
    first = ranks[:, 0]
    relevant = np.bincount(labels)[labels] if len(labels) else labels
    return {
        **{f"mrr@{k}": _reciprocal(first, k) for k in MRR_CUTOFFS},
        **{f"recall@{k}": (first <= k).astype(float) for k in RECALL_CUTOFFS},
        f"ndcg@{NDCG_CUTOFF}": _ndcg(ranks, relevant),
        "median_rank": first,
    }


def _ranks(
    queries: Vectors, candidates: Vectors, labels: NDArray[np.int64], start: int = 0
) -> Numbers:
    """
    (queries, 10): ranks of the ten best relevant candidates, best first, inf where there are
    fewer. A relevant candidate is outranked by better relevant ones, by irrelevant ones above
    it, and by half of the irrelevant ones level with it. `start` is the first query's row.
    """
    cosines = queries @ candidates.T
    is_relevant = labels[start : start + len(queries), None] == labels[None, :]
    most = min(NDCG_CUTOFF, int(is_relevant.sum(axis=1).max()))
    best = _largest(np.where(is_relevant, cosines, -np.inf), most)
    irrelevant = np.where(is_relevant, -np.inf, cosines)
    ranks = np.full((len(queries), NDCG_CUTOFF), np.inf)
    for place in range(most):
        level = best[:, place, None]
        above = (irrelevant > level + TIE).sum(axis=1)
        from_level = (irrelevant >= level - TIE).sum(axis=1)
        rank = 1 + place + (above + from_level) / 2
        ranks[:, place] = np.where(np.isneginf(level[:, 0]), np.inf, rank)
    return ranks


def _largest(values: Vectors, count: int) -> Vectors:
    """(rows, count), in falling order."""
    if count == 1:
        highest: Vectors = values.max(axis=1, keepdims=True)
        return highest
    top: Vectors = np.partition(values, values.shape[1] - count, axis=1)[:, -count:]
    return np.sort(top, axis=1)[:, ::-1]


def _reciprocal(ranks: Numbers, cutoff: int) -> Numbers:
    return np.where(ranks <= cutoff, 1 / ranks, 0.0)


def _ndcg(ranks: Numbers, relevant: NDArray[np.int64]) -> Numbers:
    """Binary gains over log2(1 + rank), against the best order (Järvelin & Kekäläinen 2002)."""
    gains = np.where(ranks <= NDCG_CUTOFF, 1 / np.log2(1 + ranks), 0.0).sum(axis=1)
    ideal = np.cumsum(1 / np.log2(1 + np.arange(1, NDCG_CUTOFF + 1)))
    best: Numbers = gains / ideal[np.minimum(relevant, NDCG_CUTOFF) - 1]
    return best


def _summary(table: dict[str, Numbers]) -> dict[str, float]:
    return {
        name: float(np.median(values)) if name == "median_rank" and len(values) else _mean(values)
        for name, values in table.items()
    }


def _intervals(
    table: dict[str, Numbers], groups: Sequence[str], bootstraps: int, seed: int
) -> dict[str, tuple[float, float]]:
    names, members = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    if bootstraps < 1 or len(names) == 0:
        return {}
    rng = np.random.default_rng(seed)
    chances = np.full(len(names), 1 / len(names))
    samples: dict[str, list[Numbers]] = {name: [] for name in table}
    for start, end in _spans(bootstraps, 100):
        draws = rng.multinomial(len(names), chances, size=end - start)
        weights = draws[:, members]
        for name, values in table.items():
            statistic = _weighted_median if name == "median_rank" else _weighted_mean
            samples[name].append(statistic(values, weights))
    return {name: _middle_95(np.concatenate(parts)) for name, parts in samples.items()}


def _weighted_mean(values: Numbers, weights: NDArray[np.int64]) -> Numbers:
    mean: Numbers = (weights @ values) / weights.sum(axis=1)
    return mean


def _weighted_median(values: Numbers, weights: NDArray[np.int64]) -> Numbers:
    """The lower median of each row's resample."""
    order = np.argsort(values)
    reached = np.cumsum(weights[:, order], axis=1)
    half = (reached[:, -1:] + 1) // 2
    medians: Numbers = values[order][(reached >= half).argmax(axis=1)]
    return medians


def _middle_95(samples: Numbers) -> tuple[float, float]:
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(low), float(high)


def _mean(values: Numbers) -> float:
    return float(values.mean()) if len(values) else 0.0


def _spans(total: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, total, size):
        yield start, min(start + size, total)
