from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.engines.base import Blend, Candidate, Match
from search.fusion import fuse

LEXICAL = [Match(1, 12.0), Match(2, 6.0), Match(3, 3.0)]
SEMANTIC = [Match(3, 0.9), Match(4, 0.5), Match(1, 0.1)]
BM25 = {1: 12.0, 2: 6.0, 3: 3.0}
COSINE = {1: 0.1, 2: 0.3, 3: 0.9, 4: 0.5}

scores = st.dictionaries(st.integers(0, 30), st.floats(-5, 20, allow_nan=False), max_size=12)


def matches(found: dict[int, float]) -> list[Match]:
    order = sorted(found, key=lambda key: (-found[key], key))
    return [Match(key, found[key]) for key in order]


def pool(bm25: dict[int, float], cosine: dict[int, float]) -> list[Candidate]:
    ids = sorted(bm25.keys() | cosine.keys())
    return [Candidate(i, bm25.get(i, 0.0), cosine.get(i, 0.0)) for i in ids]


def test_the_linear_score_is_the_weighted_sum_of_both_scaled_parts() -> None:
    hits = {hit.image_id: hit for hit in fuse(pool(BM25, COSINE), LEXICAL, SEMANTIC, Blend())}
    assert hits[3].score == pytest.approx(0.5 * 1.0 + 0.5 * 3 / 12)
    assert hits[2].score == pytest.approx(0.5 * 0.25 + 0.5 * 6 / 12)
    assert hits[4].bm25 == 0.0
    assert [hits[1].lexical_rank, hits[1].semantic_rank, hits[2].semantic_rank] == [1, 3, None]


def test_the_fused_order_is_neither_legs_where_they_disagree() -> None:
    order = [hit.image_id for hit in fuse(pool(BM25, COSINE), LEXICAL, SEMANTIC, Blend())]
    assert order == [3, 1, 2, 4]
    assert [i for i in order if i in BM25] != [match.image_id for match in LEXICAL]
    assert [i for i in order if i != 2] != [match.image_id for match in SEMANTIC]


def test_rrf_adds_the_reciprocal_ranks_over_the_pool() -> None:
    hits = fuse(pool(BM25, COSINE), LEXICAL, SEMANTIC, Blend("rrf"))
    score = {hit.image_id: hit.score for hit in hits}
    assert score[3] == pytest.approx(1 / 61 + 1 / 63)
    assert score[1] == pytest.approx(1 / 61 + 1 / 64)
    assert score[2] == pytest.approx(1 / 62 + 1 / 63)


def test_a_caption_without_the_words_has_no_rank_by_words() -> None:
    last = fuse(pool(BM25, COSINE), LEXICAL, SEMANTIC, Blend("rrf"))[-1]
    assert (last.image_id, last.bm25_part) == (4, 0.0)
    assert last.score == pytest.approx(1 / 62)


def test_equal_values_are_ranked_by_the_other_leg() -> None:
    tied = pool({1: 2.0, 2: 2.0, 3: 2.0}, {1: 0.1, 2: 0.4, 3: 0.4})
    parts = {hit.image_id: hit.bm25_part for hit in fuse(tied, [], [], Blend("rrf"))}
    assert parts == {2: 1 / 61, 3: 1 / 62, 1: 1 / 63}


def test_a_leg_whose_values_are_all_equal_adds_nothing() -> None:
    flat = pool({1: 2.0, 2: 2.0}, {1: 0.1, 2: 0.4})
    hits = fuse(flat, [Match(1, 2.0), Match(2, 2.0)], [], Blend())
    assert [(hit.image_id, hit.score) for hit in hits] == [(2, 0.5), (1, 0.0)]


def test_ties_break_by_image_id() -> None:
    hits = fuse(pool({}, {9: 0.5, 2: 0.5}), [], [Match(9, 0.5), Match(2, 0.5)], Blend(alpha=1))
    assert [hit.image_id for hit in hits] == [2, 9]


def test_the_order_of_an_engine_that_ranked_the_pool_holds() -> None:
    ranked = [Candidate(1, 2.0, 0.1, score=0.2), Candidate(2, 1.0, 0.9, score=0.1)]
    assert [hit.image_id for hit in fuse(ranked, [], [], Blend(alpha=1))] == [1, 2]


@given(scores, scores, st.floats(0, 1), st.sampled_from(["linear", "rrf"]))
def test_the_parts_always_add_up_and_ranks_have_no_gap(
    bm25: dict[int, float], cosine: dict[int, float], alpha: float, fusion: str
) -> None:
    blend = Blend(fusion, alpha)  # type: ignore[arg-type]
    hits = fuse(pool(bm25, cosine), matches(bm25), matches(cosine), blend)
    assert [hit.rank for hit in hits] == list(range(1, len(bm25.keys() | cosine.keys()) + 1))
    for hit, after in pairwise(hits):
        assert hit.score >= after.score
    for hit in hits:
        assert abs(hit.bm25_part + hit.cosine_part - hit.score) < 1e-6


@given(scores, scores)
def test_alpha_at_its_ends_is_one_leg_over_the_pool(
    bm25: dict[int, float], cosine: dict[int, float]
) -> None:
    ids = bm25.keys() | cosine.keys()
    for alpha, values in ((0.0, bm25), (1.0, cosine)):
        hits = fuse(pool(bm25, cosine), matches(bm25), matches(cosine), Blend(alpha=alpha))
        order = [values.get(hit.image_id, 0.0) for hit in hits]
        assert len(order) == len(ids)
        assert all(a >= b or abs(a - b) < 1e-9 for a, b in pairwise(order))
