"""The vector of a query of many parts: Σ weight · vector, of unit length."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search.engines.base import Vector
from search.query import clauses_of, mixed, scope_of
from search.understanding.state import ImageReference, Phrase, QueryState


def directions(seed: int) -> list[Vector]:
    """Seven unit vectors of eight numbers."""
    rows = np.random.default_rng(seed).normal(size=(7, 8))
    return list((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))


PARTS = st.builds(
    lambda weights, seed: list(zip(weights, directions(seed), strict=False)),
    st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]), max_size=6),
    st.integers(0, 10_000),
)


def same(one: Vector | None, other: Vector | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.allclose(one, other, atol=1e-6))


@given(PARTS, st.randoms())
def test_the_order_of_the_parts_does_not_matter(parts, random) -> None:
    shuffled = random.sample(parts, len(parts))
    assert same(mixed(parts), mixed(shuffled))


@given(PARTS)
def test_a_part_of_weight_zero_is_absent(parts) -> None:
    assert same(mixed(parts), mixed([part for part in parts if part[0]]))
    assert same(mixed(parts), mixed([*parts, (0.0, np.ones(8, np.float32))]))


@given(PARTS)
def test_it_has_unit_length_or_there_is_none(parts) -> None:
    vector = mixed(parts)
    if vector is None:
        assert not any(weight for weight, _ in parts)
    else:
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)


@given(PARTS, st.sampled_from([-2.0, -1.0, -0.5]))
def test_a_negative_weight_moves_the_query_away(parts, weight) -> None:
    before = mixed(parts)
    assume(before is not None)
    away = directions(99_999)[0]
    after = mixed([*parts, (weight, away)])
    assume(after is not None)
    assert after @ away <= before @ away + 1e-6
    if abs(before @ away) < 0.999:
        assert after @ away < before @ away


@given(PARTS, st.sampled_from([0.5, 1.0, 2.0]))
def test_a_heavier_part_comes_nearer(parts, weight) -> None:
    towards = directions(99_999)[0]
    lighter, heavier = mixed([*parts, (weight, towards)]), mixed([*parts, (2 * weight, towards)])
    assume(lighter is not None)
    assume(heavier is not None)
    assert heavier @ towards >= lighter @ towards - 1e-6


def test_parts_that_cancel_out_give_no_direction() -> None:
    one = directions(1)[0]
    assert mixed([(1.0, one), (-1.0, one)]) is None
    assert mixed([]) is None


def test_words_that_push_away_are_not_looked_for_in_captions() -> None:
    state = QueryState(phrases=(Phrase("cyst"), Phrase("knee", weight=-1.0, inferred=False)))
    assert [clause.text for clause in clauses_of(state, {})] == ["cyst"]
    assert scope_of(state).without == ()


def test_an_image_of_weight_zero_is_not_left_out_of_what_is_found() -> None:
    images = (
        ImageReference(7, 0.0),
        ImageReference(8),
        ImageReference(upload="upload:" + "a" * 32),
    )
    assert scope_of(QueryState(images=images)).without_ids == (8,)
    assert not QueryState(images=images[:1]).can_rank
