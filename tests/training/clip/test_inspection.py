import numpy as np
import pytest

from training.clip.inspection import (
    LENGTHS,
    batch_cosines,
    length_slice,
    slices,
    worst_queries,
)


def unit_rows(rows: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_slices_have_their_own_means_and_the_few_are_joined() -> None:
    names = ["ct"] * 6 + ["mri"] * 8 + ["ultrasound"] * 4 + ["nuclear"] * 2
    values = np.arange(20, dtype=float)
    found = slices(values, names, [str(row) for row in range(20)])
    assert [(s.name, s.queries) for s in found] == [("mri", 8), ("ct", 6), ("other", 6)]
    assert [s.mean for s in found] == [values[6:14].mean(), values[:6].mean(), values[14:].mean()]
    assert all(s.interval[0] < s.mean < s.interval[1] for s in found)


def test_slices_of_lengths_come_in_the_order_of_lengths() -> None:
    names = [LENGTHS[2]] * 9 + [LENGTHS[0]] * 5
    found = slices(np.ones(14), names, ["a"] * 14, LENGTHS)
    assert [s.name for s in found] == [LENGTHS[0], LENGTHS[2]]


@pytest.mark.parametrize(("words", "place"), [(1, 0), (10, 0), (11, 1), (20, 1), (40, 2), (41, 3)])
def test_a_caption_is_sliced_by_its_words(words: int, place: int) -> None:
    assert length_slice("word " * words) == LENGTHS[place]


def test_the_worst_queries_name_what_was_found_instead() -> None:
    queries = np.eye(8, dtype=np.float32)
    candidates = queries.copy()
    candidates[[2, 5]] = candidates[[5, 2]]
    ranks = np.ones(8)
    ranks[2], ranks[5] = 7, 3
    found = worst_queries(queries, candidates, ranks, found=2)
    assert [(miss.row, miss.rank, miss.cosine) for miss in found] == [(2, 7, 0), (5, 3, 0)]
    assert [miss.found[0] for miss in found] == [(5, 1), (2, 1)]
    assert all(len(miss.found) == 2 for miss in found)


def test_the_own_image_is_never_among_those_found_instead() -> None:
    texts, images = unit_rows(120, 1), unit_rows(120, 2)
    ranks = np.random.default_rng(3).integers(2, 100, 120).astype(float)
    found = worst_queries(texts, images, ranks)
    assert [miss.rank for miss in found] == sorted(ranks.tolist(), reverse=True)[:50]
    for miss in found:
        others = np.argsort(-(images @ texts[miss.row]))
        assert [row for row, _ in miss.found] == [r for r in others if r != miss.row][:5]


def test_the_batch_that_is_drawn_is_the_first_of_the_first_protocol() -> None:
    images, texts = unit_rows(90, 4), unit_rows(90, 5)
    drawn = batch_cosines(images, texts)
    assert drawn.shape == (64, 64)
    assert drawn[3, 60] == pytest.approx(float(images[3] @ texts[60]))
