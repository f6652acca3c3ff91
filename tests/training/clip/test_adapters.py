from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.clip.adapters import is_adapter
from training.clip.bases import load_base
from training.clip.config import configure
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.towers import Towers

LORA = {"image_tower": "lora", "text_tower": "lora", "lora_rank": 4}


def test_only_the_changes_and_what_is_in_no_tower_are_tuned(pairs: list[Pair]) -> None:
    base = load_base("scratch:tiny", captions=[pair.caption for pair in pairs])
    whole = sum(parameter.numel() for parameter in base.model.parameters())
    config = configure("tiny", {name: str(value) for name, value in LORA.items()})
    tuned = dict(Towers(base, config).parameters())
    assert {name for name in tuned if not is_adapter(name)} == {"logit_scale"}
    assert sum(parameter.numel() for parameter in tuned.values()) < whole / 20


def test_the_saved_model_has_the_changes_in_its_weights(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    tuner.run(encoder, pairs, tmp_path / "tuned", epochs=3, batch_size=16, **LORA)
    tuned = DualEncoder.load(tmp_path / "tuned")
    before, after = encoder.model.state_dict(), tuned.model.state_dict()
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[-2] for name in changed - {"logit_scale"}} == {"q_proj", "v_proj"}
    assert tuner.epochs[-1].train_loss < tuner.epochs[0].train_loss


def test_a_run_of_changes_that_was_cut_goes_on_to_the_same_weights(
    make_tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    settings = {"epochs": 3, "batch_size": 12, "log_every": 1, "blends": 2, **LORA}
    whole, cut = make_tuner(), make_tuner()
    whole.run(encoder, pairs, tmp_path / "whole", **settings)
    cut.stop_at_step = 4
    cut.run(encoder, pairs, tmp_path / "cut", state_file=tmp_path / "state", **settings)
    cut.stop_at_step = None
    cut.run(encoder, pairs, tmp_path / "cut", state_file=tmp_path / "state", **settings)
    assert [point.loss for point in cut.steps] == [point.loss for point in whole.steps]
    ends = [DualEncoder.load(tmp_path / name).encode_texts(["disc"]) for name in ("whole", "cut")]
    np.testing.assert_array_equal(*ends)


def test_towers_without_attention_refuse_them(pairs: list[Pair]) -> None:
    base = load_base("scratch:tiny", captions=[pair.caption for pair in pairs])
    base.model.vision_model = torch.nn.Linear(2, 2)
    with pytest.raises(TrainingError, match="and the vision_model of this base has none"):
        Towers(base, configure("tiny", {"image_tower": "lora"}))
