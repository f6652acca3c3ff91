import numpy as np
import pytest

from training.clip.bootstrap import Resamples, Table, summary

ARTICLES = ["a", "a", "a", "b", "c", "c", "d", "e", "e", "f"]


def make_table(seed: int, rows: int = len(ARTICLES)) -> Table:
    rng = np.random.default_rng(seed)
    return {"mrr@10": rng.random(rows), "median_rank": rng.integers(1, 40, rows).astype(float)}


def drawn_by_hand(resamples: Resamples, draw: int, values: np.ndarray) -> np.ndarray:
    """The values of one resample, each as often as its group was drawn."""
    names = sorted(set(ARTICLES))
    counts = dict(zip(names, resamples._draws[draw], strict=True))
    return np.repeat(values, [counts[name] for name in ARTICLES])


def test_a_resample_holds_whole_groups_as_often_as_they_were_drawn() -> None:
    resamples, table = Resamples(ARTICLES, 40, seed=3), make_table(1)
    drawn = resamples.statistics(table)
    for draw in range(40):
        values = drawn_by_hand(resamples, draw, table["mrr@10"])
        assert drawn["mrr@10"][draw] == pytest.approx(values.mean())
        ranks = np.sort(drawn_by_hand(resamples, draw, table["median_rank"]))
        assert drawn["median_rank"][draw] == ranks[(len(ranks) - 1) // 2]


def test_groups_of_one_kind_make_a_wider_interval_than_single_queries() -> None:
    values = {"mrr@10": np.repeat(np.random.default_rng(2).random(30), 10)}
    alone = Resamples([str(row) for row in range(300)]).intervals(values)["mrr@10"]
    grouped = Resamples([str(row // 10) for row in range(300)]).intervals(values)["mrr@10"]
    assert grouped[1] - grouped[0] > 2 * (alone[1] - alone[0])


def test_the_interval_of_a_mean_is_near_the_normal_one() -> None:
    values = np.random.default_rng(4).normal(size=400)
    low, high = Resamples([str(row) for row in range(400)], 2000).intervals({"x": values})["x"]
    error = values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_a_model_does_not_differ_from_itself() -> None:
    table = make_table(5)
    for difference in Resamples(ARTICLES, 100).compare(table, table).values():
        assert (difference.difference, difference.low, difference.high) == (0, 0, 0)
        assert difference.p == 1


def test_a_small_gain_on_every_query_is_clear_though_the_intervals_overlap() -> None:
    """What pairing is for: queries differ far more than the two models do."""
    groups = [str(row) for row in range(50)]
    theirs = {"mrr@10": np.random.default_rng(6).random(50)}
    ours = {"mrr@10": theirs["mrr@10"] + 0.01}
    resamples = Resamples(groups)
    assert resamples.intervals(ours)["mrr@10"][0] < resamples.intervals(theirs)["mrr@10"][1]
    found = resamples.compare(ours, theirs)["mrr@10"]
    assert (found.difference, found.low) == (pytest.approx(0.01), pytest.approx(0.01))
    assert found.p < 0.01
    lost = resamples.compare(theirs, ours)["mrr@10"]
    assert lost.high < 0
    assert lost.p < 0.01


def test_the_difference_of_medians_is_that_of_the_summaries() -> None:
    ours, theirs = make_table(7), make_table(8)
    found = Resamples(ARTICLES, 50).compare(ours, theirs)["median_rank"]
    expected = summary(ours)["median_rank"] - summary(theirs)["median_rank"]
    assert found.difference == pytest.approx(expected)


def test_without_resamples_or_queries_there_is_no_interval() -> None:
    assert Resamples(ARTICLES, 0).intervals(make_table(1)) == {}
    assert Resamples([], 10).intervals(make_table(1, rows=0)) == {}
    assert Resamples([], 10).compare(make_table(1, rows=0), make_table(1, rows=0)) == {}
