from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.clip.blending import best_blend, put, weights_of
from training.clip.config import configure
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.towers import Towers


@pytest.fixture
def towers(encoder: DualEncoder) -> Towers:
    return Towers(encoder, configure("tiny", {}))


def test_the_share_that_scores_best_is_kept(towers: Towers) -> None:
    begun = weights_of(towers)
    tuned = {name: value + 1 for name, value in begun.items()}

    def score() -> float:
        share = towers.model.logit_scale.item() - begun["logit_scale"].item()
        return -abs(share - 0.7)

    share, weights, tried = best_blend(towers, begun, tuned, 10, score)
    put(towers, begun)
    assert share == pytest.approx(0.7)
    assert [at for at, _ in tried] == pytest.approx(np.arange(11) / 10)
    torch.testing.assert_close(weights["logit_scale"], begun["logit_scale"] + 0.7)


def test_of_equal_scores_the_tuned_weights_stay(towers: Towers) -> None:
    begun = weights_of(towers)
    tuned = {name: value + 1 for name, value in begun.items()}
    share, weights, _ = best_blend(towers, begun, tuned, 4, lambda: 0.5)
    put(towers, begun)
    assert share == 1
    torch.testing.assert_close(weights, tuned)


def test_a_run_picks_its_blend_on_held_out_groups_and_says_so(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    tuner.run(encoder, pairs, tmp_path / "tuned", epochs=2, blends=5, holdout_fraction=0.25)
    tried = DualEncoder.load(tmp_path / "tuned").meta["blends"]
    assert [share for share, _ in tried] == pytest.approx(np.arange(6) / 5)
    best = max(reversed(tried), key=lambda pair: pair[1])[0]
    assert tuner.notes[-1] == f"Kept {best:.0%} of the way from the base to the tuned weights"
    assert tried[-1][1] == pytest.approx(max(e.metrics["holdout_mrr@10"] for e in tuner.epochs))
