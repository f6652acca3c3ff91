from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.engines.base import Match
from search.fusion import fuse

LEXICAL = [Match(1, 12.0), Match(2, 6.0), Match(3, 3.0)]
SEMANTIC = [Match(3, 0.9), Match(4, 0.5), Match(1, 0.1)]
BM25 = {1: 12.0, 2: 6.0, 3: 3.0}
COSINE = {1: 0.1, 2: 0.3, 3: 0.9, 4: 0.5}

scores = st.dictionaries(st.integers(0, 30), st.floats(-5, 20, allow_nan=False), max_size=12)


def matches(found: dict[int, float]) -> list[Match]:
    order = sorted(found, key=lambda key: (-found[key], key))
    return [Match(key, found[key]) for key in order]


def test_the_linear_score_is_the_weighted_sum_of_both_scaled_parts() -> None:
    hits = {
        hit.image_id: hit
        for hit in fuse(LEXICAL, SEMANTIC, BM25, COSINE, alpha=0.5, fusion="linear")
    }
    assert hits[3].score == pytest.approx(0.5 * 1.0 + 0.5 * 3 / 12)
    assert hits[2].score == pytest.approx(0.5 * 0.25 + 0.5 * 6 / 12)
    assert hits[4].bm25 == 0.0
    assert [hits[1].lexical_rank, hits[1].semantic_rank, hits[2].semantic_rank] == [1, 3, None]


def test_the_fused_order_is_neither_legs_where_they_disagree() -> None:
    order = [
        hit.image_id for hit in fuse(LEXICAL, SEMANTIC, BM25, COSINE, alpha=0.5, fusion="linear")
    ]
    assert order == [3, 1, 2, 4]
    assert [i for i in order if i in BM25] != [match.image_id for match in LEXICAL]
    assert [i for i in order if i != 2] != [match.image_id for match in SEMANTIC]


def test_rrf_adds_the_reciprocal_ranks() -> None:
    hits = fuse(LEXICAL, SEMANTIC, BM25, COSINE, alpha=0.5, fusion="rrf")
    assert [hit.image_id for hit in hits] == [1, 3, 2, 4]
    assert hits[0].score == hits[1].score == pytest.approx(1 / 61 + 1 / 63)
    assert hits[3].score == pytest.approx(1 / 62)


def test_a_leg_whose_values_are_all_equal_adds_nothing() -> None:
    hits = fuse([Match(1, 2.0), Match(2, 2.0)], [], {1: 2.0, 2: 2.0}, {1: 0.1, 2: 0.4}, alpha=0.5,
                fusion="linear")  # fmt: skip
    assert [(hit.image_id, hit.score) for hit in hits] == [(2, 0.5), (1, 0.0)]


def test_ties_break_by_image_id() -> None:
    hits = fuse([], [Match(9, 0.5), Match(2, 0.5)], {}, {9: 0.5, 2: 0.5}, alpha=1, fusion="linear")
    assert [hit.image_id for hit in hits] == [2, 9]


@given(scores, scores, st.floats(0, 1), st.sampled_from(["linear", "rrf"]))
def test_the_parts_always_add_up_and_ranks_have_no_gap(
    bm25: dict[int, float], cosine: dict[int, float], alpha: float, fusion: str
) -> None:
    hits = fuse(matches(bm25), matches(cosine), bm25, cosine, alpha=alpha, fusion=fusion)  # type: ignore[arg-type]
    assert [hit.rank for hit in hits] == list(range(1, len(bm25.keys() | cosine.keys()) + 1))
    for hit, after in pairwise(hits):
        assert hit.score >= after.score
    for hit in hits:
        assert abs(hit.bm25_part + hit.cosine_part - hit.score) < 1e-6


@given(scores, scores)
def test_alpha_at_its_ends_is_one_leg_over_the_pool(
    bm25: dict[int, float], cosine: dict[int, float]
) -> None:
    pool = bm25.keys() | cosine.keys()
    for alpha, values in ((0.0, bm25), (1.0, cosine)):
        hits = fuse(matches(bm25), matches(cosine), bm25, cosine, alpha=alpha, fusion="linear")
        order = [values.get(hit.image_id, 0.0) for hit in hits]
        assert len(order) == len(pool)
        assert all(a >= b or abs(a - b) < 1e-9 for a, b in pairwise(order))
