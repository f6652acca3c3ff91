"""
How well images and captions find each other. Every Scores names its protocol, its direction
and how many candidates each query was ranked among: without those a number says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.clip.bootstrap import Numbers, Resamples, Table, summary
from training.clip.data import caption_ids
from training.clip.ranking import TILE_ROWS, ranks, ranks_both_ways, ranks_in_batches

Vectors = NDArray[np.float32]

MRR_CUTOFFS = (1, 3, 5, 10, 20)
RECALL_CUTOFFS = (1, 5, 10, 20)
NDCG_CUTOFF = 10
SEED_BATCH_SIZE = 64
TEXT_TO_IMAGE = "text→image"
IMAGE_TO_TEXT = "image→text"
STRICT, LENIENT = "strict", "lenient"


@dataclass(frozen=True)
class Scores:
    """
    `intervals`: 95 % bootstrap intervals by metric. `shuffled`: mean and standard deviation by
    metric over random orders of the pairs. Both are empty where the protocol has none.
    """

    protocol: str
    direction: str
    relevance: str
    candidates: int
    queries: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    shuffled: dict[str, tuple[float, float]] = field(default_factory=dict)


def seed_inbatch(image_vectors: Vectors, text_vectors: Vectors, *, shuffles: int = 0) -> Scores:
    """
    `seed-inbatch-v1`: each image ranks the captions of its own batch of 64, in the order given,
    the last partial batch kept; a plain mean over all rows. Softmax keeps the order of cosines,
    so no logit scale is needed. `shuffles` fills `shuffled`.
    """
    rows = len(image_vectors)
    own = ranks_in_batches(image_vectors, text_vectors, SEED_BATCH_SIZE)
    return Scores(
        protocol="seed-inbatch-v1",
        direction=IMAGE_TO_TEXT,
        relevance=STRICT,
        candidates=min(SEED_BATCH_SIZE, rows),
        queries=rows,
        metrics=summary({f"mrr@{k}": _reciprocal(own, k) for k in MRR_CUTOFFS}),
        shuffled=seed_inbatch_shuffled(image_vectors, text_vectors, shuffles=shuffles),
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
    names = tables[0] if tables else {}
    values = {name: [table[name] for table in tables] for name in names}
    return {name: (float(np.mean(row)), float(np.std(row))) for name, row in values.items()}


def corpus(
    image_vectors: Vectors,
    text_vectors: Vectors,
    captions: Sequence[str],
    groups: Sequence[str],
    *,
    bootstraps: int = 1000,
    seed: int = 0,
    chunk: int = TILE_ROWS,
) -> list[Scores]:
    """
    `corpus-v1`: every caption ranks all images and every image all captions, by cosine.

    Strict relevance is the query's own pair; lenient adds pairs with an equal normalised
    caption. Tied candidates share the mean of their ranks. Intervals resample `groups`
    (articles). Memory grows with `chunk`² and n, never n x n.
    """
    tables = corpus_tables(image_vectors, text_vectors, captions, chunk=chunk)
    return corpus_scores(tables, Resamples(groups, bootstraps, seed))


def corpus_tables(
    image_vectors: Vectors,
    text_vectors: Vectors,
    captions: Sequence[str],
    *,
    chunk: int = TILE_ROWS,
) -> dict[tuple[str, str], Table]:
    """Each metric of `corpus-v1` for each query, by direction and relevance."""
    labellings = {STRICT: np.arange(len(captions)), LENIENT: caption_ids(captions)}
    found = ranks_both_ways(text_vectors, image_vectors, list(labellings.values()), chunk=chunk)
    by_relevance = dict(zip(labellings, found, strict=True))
    return {
        (direction, relevance): _table(by_relevance[relevance][way], labels)
        for way, direction in enumerate((TEXT_TO_IMAGE, IMAGE_TO_TEXT))
        for relevance, labels in labellings.items()
    }


def corpus_scores(tables: dict[tuple[str, str], Table], resamples: Resamples) -> list[Scores]:
    return [
        Scores(
            protocol="corpus-v1",
            direction=direction,
            relevance=relevance,
            candidates=len(table["median_rank"]),
            queries=len(table["median_rank"]),
            metrics=summary(table),
            intervals=resamples.intervals(table),
        )
        for (direction, relevance), table in tables.items()
    ]


def per_query(
    queries: Vectors, candidates: Vectors, labels: NDArray[np.int64], *, chunk: int = TILE_ROWS
) -> Table:
    """
    Each metric for each query, and its rank as 'median_rank'. Query i and candidate j are
    relevant to each other where labels[i] == labels[j].
    """
    return _table(ranks(queries, candidates, labels, chunk=chunk), labels)


def _table(placed: Numbers, labels: NDArray[np.int64]) -> Table:
    """From (queries, 10) ranks of the best relevant candidates."""
    first = placed[:, 0]
    relevant = np.bincount(labels)[labels] if len(labels) else labels
    return {
        **{f"mrr@{k}": _reciprocal(first, k) for k in MRR_CUTOFFS},
        **{f"recall@{k}": (first <= k).astype(float) for k in RECALL_CUTOFFS},
        f"ndcg@{NDCG_CUTOFF}": _ndcg(placed, relevant),
        "median_rank": first,
    }


def _reciprocal(own: Numbers, cutoff: int) -> Numbers:
    return np.where(own <= cutoff, 1 / own, 0.0)


def _ndcg(placed: Numbers, relevant: NDArray[np.int64]) -> Numbers:
    """Binary gains over log2(1 + rank), against the best order (Järvelin & Kekäläinen 2002)."""
    gains = np.where(placed <= NDCG_CUTOFF, 1 / np.log2(1 + placed), 0.0).sum(axis=1)
    ideal = np.cumsum(1 / np.log2(1 + np.arange(1, NDCG_CUTOFF + 1)))
    best: Numbers = gains / ideal[np.minimum(relevant, NDCG_CUTOFF) - 1]
    return best
