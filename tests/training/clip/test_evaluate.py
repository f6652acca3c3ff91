import ir_measures
import numpy as np
import pytest
from ir_measures import RR, R, Success, nDCG

from training.clip.evaluate import Scores, corpus, per_query, seed_inbatch, seed_inbatch_shuffled
from training.clip.ranking import ranks, ranks_both_ways


def unit_rows(rows: int, seed: int, dimension: int = 8) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def slow_rank(cosines: list[float], relevant: list[bool]) -> float:
    """Of the best relevant candidate: one more than those above it, and half of those level."""
    best = max(c for c, is_relevant in zip(cosines, relevant, strict=True) if is_relevant)
    others = [c for c, is_relevant in zip(cosines, relevant, strict=True) if not is_relevant]
    level = sum(abs(c - best) <= 1e-6 for c in others)
    return 1 + sum(c > best + 1e-6 for c in others) + level / 2


def found(scores: list[Scores], direction: str, relevance: str) -> Scores:
    return next(s for s in scores if (s.direction, s.relevance) == (direction, relevance))


@pytest.mark.parametrize("relevance", ["strict", "lenient"])
@pytest.mark.parametrize("direction", ["text→image", "image→text"])
def test_corpus_agrees_with_a_slow_oracle(relevance: str, direction: str) -> None:
    images, texts = unit_rows(37, 1, 3), unit_rows(37, 2, 3)
    images[5] = images[6] = images[30]
    captions = [f"caption {row % 11}" for row in range(37)]
    queries, candidates = (texts, images) if direction == "text→image" else (images, texts)
    ranks = []
    for row in range(37):
        relevant = [
            other == row if relevance == "strict" else captions[other] == captions[row]
            for other in range(37)
        ]
        ranks.append(slow_rank((candidates @ queries[row]).tolist(), relevant))
    scores = found(corpus(images, texts, captions, captions, chunk=5), direction, relevance)
    for k in (1, 3, 5, 10, 20):
        expected = sum(1 / rank if rank <= k else 0 for rank in ranks) / 37
        assert scores.metrics[f"mrr@{k}"] == pytest.approx(expected)
    for k in (1, 5, 10, 20):
        assert scores.metrics[f"recall@{k}"] == pytest.approx(sum(r <= k for r in ranks) / 37)
    assert scores.metrics["median_rank"] == pytest.approx(float(np.median(ranks)))
    assert (scores.candidates, scores.queries, scores.protocol) == (37, 37, "corpus-v1")


def test_tied_candidates_share_the_mean_of_their_ranks() -> None:
    same = np.array([[1.0, 0.0]] * 3, np.float32)
    table = per_query(same, same, np.arange(3))
    assert table["median_rank"].tolist() == [2.0, 2.0, 2.0]
    assert table["mrr@10"].tolist() == [0.5, 0.5, 0.5]
    assert table["recall@1"].tolist() == [0.0, 0.0, 0.0]


def test_an_equal_caption_counts_only_when_lenient() -> None:
    images = np.array([[1, 0], [0, 1]], np.float32)
    texts = images[::-1].copy()
    scores = corpus(images, texts, ["Chest  X-ray.", "chest x-ray"], ["a", "b"], bootstraps=10)
    assert found(scores, "text→image", "strict").metrics["mrr@1"] == 0
    assert found(scores, "text→image", "lenient").metrics["mrr@1"] == 1
    assert found(scores, "text→image", "lenient").metrics["ndcg@10"] == 1


def test_ndcg_equals_a_hand_made_table() -> None:
    queries = np.array([[1, 0]], np.float32)
    angles = np.array([0.1, 0.2, 0.3, 0.4])
    candidates = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    labels = np.array([0, 1, 0, 2])
    everyone = per_query(np.repeat(queries, 4, axis=0), candidates, labels)
    gained, best = 1 / np.log2(2) + 1 / np.log2(4), 1 / np.log2(2) + 1 / np.log2(3)
    assert everyone["ndcg@10"][0] == pytest.approx(gained / best)
    assert everyone["ndcg@10"][1] == pytest.approx(1 / np.log2(3))


def test_chunks_do_not_change_a_number() -> None:
    images, texts = unit_rows(50, 3), unit_rows(50, 4)
    names = [str(row) for row in range(50)]
    whole = corpus(images, texts, names, names, bootstraps=20)
    assert corpus(images, texts, names, names, bootstraps=20, chunk=7) == whole


def test_intervals_hold_the_mean_and_resample_groups() -> None:
    images = unit_rows(60, 5)
    texts = images + unit_rows(60, 6)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    names = [str(row) for row in range(60)]
    alone = found(corpus(images, texts, names, names), "text→image", "strict")
    low, high = alone.intervals["mrr@10"]
    assert low < alone.metrics["mrr@10"] < high
    together = found(corpus(images, texts, names, ["one"] * 60), "text→image", "strict")
    low, high = together.intervals["mrr@10"]
    assert low == pytest.approx(high)
    assert set(alone.intervals) == set(alone.metrics)


def test_the_first_protocol_keeps_the_last_partial_batch() -> None:
    """70 pairs: 64 of them right, then a batch of six in which each image prefers another."""
    images = np.eye(70, dtype=np.float32)
    texts = images.copy()
    texts[64:] = np.roll(images[64:], 1, axis=0)
    scores = seed_inbatch(images, texts)
    assert scores.metrics["mrr@1"] == pytest.approx(64 / 70)
    assert (scores.candidates, scores.queries) == (64, 70)
    assert (scores.protocol, scores.direction) == ("seed-inbatch-v1", "image→text")
    # The right caption is level with four others behind the wrong one: ranks 2 to 6, 4 on average.
    assert scores.metrics["mrr@10"] == pytest.approx((64 + 6 / 4) / 70)


def test_the_first_protocol_ranks_captions_of_its_own_batch_only() -> None:
    images = np.concatenate([np.eye(64, dtype=np.float32)] * 2)
    assert seed_inbatch(images, images).metrics["mrr@1"] == 1
    mean, deviation = seed_inbatch_shuffled(images, images, shuffles=5)["mrr@1"]
    assert mean < 1
    assert deviation > 0


def test_the_first_protocol_tells_how_much_depends_on_the_order() -> None:
    images = np.concatenate([np.eye(64, dtype=np.float32)] * 2)
    shuffled = seed_inbatch(images, images, shuffles=5).shuffled
    assert shuffled == seed_inbatch_shuffled(images, images, shuffles=5)
    assert seed_inbatch(images, images).shuffled == {}


def calculated_by_ir_measures(
    cosines: np.ndarray, labels: np.ndarray
) -> dict[str, dict[str, float]]:
    """Each metric by query, from the field's reference implementation."""
    rows = range(len(labels))
    qrels = {str(q): {str(d): int(labels[q] == labels[d]) for d in rows} for q in rows}
    run = {str(q): {str(d): float(cosines[q, d]) for d in rows} for q in rows}
    measures = [nDCG @ 10, *(RR @ k for k in (1, 3, 5, 10, 20))]
    measures += [measure @ k for k in (1, 5, 10, 20) for measure in (Success, R)]
    found: dict[str, dict[str, float]] = {str(measure): {} for measure in measures}
    for metric in ir_measures.iter_calc(measures, qrels, run):
        found[str(metric.measure)][metric.query_id] = metric.value
    return found


@pytest.mark.parametrize("kinds", [60, 13, 4], ids=["one right", "about five", "fifteen right"])
def test_every_metric_equals_the_reference_implementation(kinds: int) -> None:
    """Recall is of the first right one (success); with one right answer the two are the same."""
    queries, candidates = unit_rows(60, 11), unit_rows(60, 12)
    labels = np.arange(60) % kinds
    table = per_query(queries, candidates, labels, chunk=7)
    reference = calculated_by_ir_measures(queries @ candidates.T, labels)
    names = {"ndcg@10": "nDCG@10"}
    names |= {f"mrr@{k}": f"RR@{k}" for k in (1, 3, 5, 10, 20)}
    names |= {f"recall@{k}": f"Success@{k}" for k in (1, 5, 10, 20)}
    for ours, theirs in names.items():
        expected = [reference[theirs][str(row)] for row in range(60)]
        assert table[ours] == pytest.approx(expected), ours
    if kinds == 60:
        assert reference["R@5"] == reference["Success@5"]


def test_ranks_are_those_of_sorting() -> None:
    queries, candidates = unit_rows(80, 13), unit_rows(80, 14)
    order = np.argsort(-(queries @ candidates.T), axis=1)
    own = [int(np.flatnonzero(order[row] == row)[0]) + 1 for row in range(80)]
    assert ranks(queries, candidates, np.arange(80), chunk=3)[:, 0].tolist() == own


@pytest.mark.parametrize("chunk", [2, 9, 255])
def test_one_product_serves_both_directions_and_both_kinds_of_relevance(chunk: int) -> None:
    texts, images = unit_rows(70, 15, 3), unit_rows(70, 16, 3)
    images[[4, 9, 33]] = images[20]
    labellings = [np.arange(70), np.arange(70) % 23]
    both = ranks_both_ways(texts, images, labellings, chunk=chunk)
    for (there, back), labels in zip(both, labellings, strict=True):
        assert np.array_equal(there, ranks(texts, images, labels))
        assert np.array_equal(back, ranks(images, texts, labels))


def test_more_queries_than_a_tile_has_rows() -> None:
    """300 equal candidates beside one: counts must not run over at a tile's edge."""
    same = np.zeros((601, 2), np.float32)
    same[:, 0] = 1
    there, back = ranks_both_ways(same, same, [np.arange(601)])[0]
    assert set(there[:, 0]) == set(back[:, 0]) == {301.0}


def test_vectors_that_are_no_numbers_rank_last_not_first() -> None:
    vectors = unit_rows(12, 17)
    broken = vectors.copy()
    broken[3] = np.nan
    assert per_query(broken, vectors, np.arange(12))["median_rank"][3] == 12
    assert per_query(vectors, np.full_like(vectors, np.nan), np.arange(12))["mrr@10"].max() < 0.1
    assert seed_inbatch(broken, np.full_like(vectors, np.nan)).metrics["mrr@1"] == 0


def test_nothing_to_rank_scores_nothing() -> None:
    nothing = np.zeros((0, 8), np.float32)
    assert {score.metrics["mrr@10"] for score in corpus(nothing, nothing, [], [])} == {0.0}
    assert seed_inbatch(nothing, nothing).metrics["mrr@10"] == 0
