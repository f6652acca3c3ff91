from pathlib import Path

import numpy as np

from training.clip.config import configure
from training.clip.data import Pair, data_hash, plan_epoch, split_holdout


def make_pair(number: int, group: str = "a", caption: str = "A chest.") -> Pair:
    return Pair(Path(f"/images/{number}.png"), caption, group, str(number))


def test_a_group_is_never_parted() -> None:
    pairs = [make_pair(number, group=str(number // 3)) for number in range(60)]
    learning, holdout = split_holdout(pairs, 0.2, seed=1)
    assert len(learning) + len(holdout) == 60
    assert 12 <= len(holdout) <= 14
    assert not {pair.group for pair in learning} & {pair.group for pair in holdout}
    assert split_holdout(pairs, 0.2, seed=1) == (learning, holdout)


def test_one_group_alone_has_no_holdout() -> None:
    pairs = [make_pair(number) for number in range(4)]
    assert split_holdout(pairs, 0.5, seed=0) == (pairs, [])


def test_each_pair_comes_once_in_an_epoch_without_replacement() -> None:
    config = configure("tiny", {"batch_size": "8"})
    plan = plan_epoch(np.arange(34), config, np.random.default_rng(0))
    assert sorted(np.concatenate(plan)) == list(range(34))
    assert {len(rows) for rows in plan} == {6, 7}


def test_the_first_demo_draws_with_replacement_in_full_batches() -> None:
    plan = plan_epoch(np.arange(50), configure("seed-run2", {}), np.random.default_rng(0))
    assert sum(map(len, plan)) == 20_000
    assert [len(rows) for rows in plan] == [64] * 312 + [32]


def test_the_data_hash_ignores_order_and_sees_captions() -> None:
    pairs = [make_pair(1), make_pair(2)]
    assert data_hash(pairs) == data_hash(pairs[::-1])
    assert data_hash(pairs) != data_hash([make_pair(1), make_pair(2, caption="A head.")])


def test_equal_captions_are_kept_apart_where_that_can_be() -> None:
    rng = np.random.default_rng(3)
    captions = rng.integers(0, 60, 200)
    config = configure("tiny", {"batch_size": "20", "equal_captions": "apart"})
    for _ in range(5):
        plan = plan_epoch(captions, config, rng)
        assert sorted(np.concatenate(plan)) == list(range(200))
        assert [len(rows) for rows in plan] == [20] * 10
        doubles = sum(len(rows) - len(set(captions[rows])) for rows in plan)
        assert doubles <= 1


def test_a_caption_that_stands_everywhere_cannot_be_parted_and_loses_no_pair() -> None:
    config = configure("tiny", {"batch_size": "4", "equal_captions": "apart"})
    plan = plan_epoch(np.zeros(12, np.int64), config, np.random.default_rng(0))
    assert sorted(np.concatenate(plan)) == list(range(12))
