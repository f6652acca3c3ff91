import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.clip.bases import load_base
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.evaluate import corpus


def lenient_mrr(encoder: DualEncoder, pairs: list[Pair]) -> float:
    scores = corpus(
        encoder.encode_images([pair.image for pair in pairs]),
        encoder.encode_texts([pair.caption for pair in pairs]),
        [pair.caption for pair in pairs],
        [pair.group for pair in pairs],
        bootstraps=0,
    )
    return next(
        s.metrics["mrr@10"]
        for s in scores
        if (s.direction, s.relevance) == ("text→image", "lenient")
    )


def test_training_learns_to_find_unseen_pictures(
    tuner: Any, draw_pairs: Any, tmp_path: Path
) -> None:
    train, unseen = draw_pairs(160, seed=1), draw_pairs(48, seed=2)
    untrained = load_base("scratch:tiny", captions=[pair.caption for pair in train])
    outcome = tuner.run(untrained, train, tmp_path / "tuned", epochs=24, batch_size=32)
    tuned = DualEncoder.load(outcome.folder)
    assert lenient_mrr(untrained, unseen) < 0.5
    assert lenient_mrr(tuned, unseen) > 0.6
    assert tuner.epochs[-1].train_loss < tuner.epochs[0].train_loss / 1.5


def test_a_seed_repeats_its_losses(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    for name, seed in (("first", 3), ("second", 3), ("other", 4)):
        tuner.run(encoder, pairs, tmp_path / name, epochs=2, batch_size=16, log_every=1, seed=seed)
    losses = [point.loss for point in tuner.steps]
    a_run = len(losses) // 3
    assert losses[:a_run] == losses[a_run : 2 * a_run]
    assert losses[:a_run] != losses[2 * a_run :]
    fingerprints = [DualEncoder.load(tmp_path / name).fingerprint for name in ("first", "second")]
    assert fingerprints[0] == fingerprints[1]


def test_the_base_is_left_as_it_was(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    before = encoder.encode_texts(["A red disc."])
    tuner.run(encoder, pairs, tmp_path / "tuned", epochs=1)
    np.testing.assert_array_equal(encoder.encode_texts(["A red disc."]), before)


def test_stopping_leaves_a_checkpoint_within_a_step(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    tuner.stop_at_step = 3
    outcome = tuner.run(encoder, pairs, tmp_path / "tuned", batch_size=8, epochs=50, log_every=1)
    assert outcome.stopped
    assert outcome.steps == 3
    assert DualEncoder.load(tmp_path / "tuned").meta["stopped"] is True


def test_stopping_before_the_first_step_leaves_no_checkpoint(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    tuner.stop_after = 1
    outcome = tuner.run(encoder, pairs, tmp_path / "tuned", image_tower="frozen")
    assert (outcome.stopped, outcome.steps, outcome.best_epoch) == (True, 0, 0)
    assert not (tmp_path / "tuned").exists()


def test_a_frozen_tower_does_not_move_and_the_other_does(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    tuner.run(encoder, pairs, tmp_path / "tuned", epochs=2, image_tower="frozen", image_views=2)
    tuned = DualEncoder.load(tmp_path / "tuned")
    images = [pair.image for pair in pairs[:3]]
    np.testing.assert_array_equal(tuned.encode_images(images), encoder.encode_images(images))
    assert np.abs(tuned.encode_texts(["disc"]) - encoder.encode_texts(["disc"])).max() > 1e-4


def test_frozen_lower_text_layers_do_not_move(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    tuner.run(encoder, pairs, tmp_path / "tuned", epochs=1, frozen_text_layers=1)
    before, after = encoder.model.text_model, DualEncoder.load(tmp_path / "tuned").model.text_model
    kept = [
        (m.embeddings.token_embedding.weight, m.encoder.layers[0].mlp.fc1.weight)
        for m in (before, after)
    ]
    assert all(torch.equal(old, new) for old, new in zip(*kept, strict=True))
    assert not torch.equal(
        before.encoder.layers[1].mlp.fc1.weight, after.encoder.layers[1].mlp.fc1.weight
    )


def test_the_epoch_is_chosen_on_held_out_training_groups(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], draw_pairs: Any, tmp_path: Path
) -> None:
    outcome = tuner.run(
        encoder, pairs, tmp_path / "tuned", draw_pairs(10, seed=9), epochs=4, holdout_fraction=0.25
    )
    scores = [point.metrics["holdout_mrr@10"] for point in tuner.epochs]
    assert outcome.best_epoch == 1 + int(np.argmax(scores))
    assert all("mrr@10" in point.metrics for point in tuner.epochs)
    meta = json.loads((tmp_path / "tuned" / "meta.json").read_text())
    assert meta["pairs"] == {"learned": 36, "held_out": 12, "validation": 10}
    assert meta["metrics"] == tuner.epochs[outcome.best_epoch - 1].metrics
    assert {"config", "data_hash", "versions", "fingerprint", "created"} <= set(meta)


def test_points_tell_how_far_the_run_is(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    outcome = tuner.run(
        encoder, pairs, tmp_path / "tuned", epochs=2, batch_size=12, holdout_fraction=0, log_every=1
    )
    assert [point.step for point in tuner.steps] == list(range(1, 9))
    assert {point.total_steps for point in tuner.steps} == {8}
    assert tuner.steps[-1].learning_rate < max(point.learning_rate for point in tuner.steps)
    assert (outcome.steps, outcome.samples_seen) == (8, 96)
    assert tuner.epochs[0].validation_loss is None


def test_a_time_budget_ends_the_run(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    outcome = tuner.run(encoder, pairs, tmp_path / "tuned", epochs=10_000, max_seconds=1)
    assert not outcome.stopped
    assert outcome.steps < 10_000
    assert len(tuner.epochs) >= 1


def test_a_loss_that_is_no_number_is_told(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    broken = load_base("scratch:tiny", captions=[pair.caption for pair in pairs])
    with torch.no_grad():
        broken.model.visual_projection.weight.fill_(math.nan)
    with pytest.raises(TrainingError, match="loss became nan at step 1"):
        tuner.run(broken, pairs, tmp_path / "tuned")
    assert not (tmp_path / "tuned").exists()


@pytest.mark.parametrize("image_tower", ["tune", "frozen"])
def test_a_vanished_image_is_named(
    tuner: Any, encoder: DualEncoder, draw_pairs: Any, tmp_path: Path, image_tower: str
) -> None:
    pairs = draw_pairs(12, seed=7)
    pairs[4].image.unlink()
    with pytest.raises(TrainingError, match=r"image of 7-4 is gone or damaged.*7-4\.png"):
        tuner.run(encoder, pairs, tmp_path / "tuned", image_tower=image_tower, holdout_fraction=0)


def test_a_text_file_named_as_an_image_is_told(
    tuner: Any, encoder: DualEncoder, draw_pairs: Any, tmp_path: Path
) -> None:
    pairs = draw_pairs(4, seed=8)
    pairs[0].image.write_text("no picture")
    with pytest.raises(TrainingError, match="cannot be read"):
        tuner.run(encoder, pairs, tmp_path / "tuned", holdout_fraction=0)


def test_no_pairs_are_told(tuner: Any, encoder: DualEncoder, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="needs two pairs or more; 0 were given"):
        tuner.run(encoder, [], tmp_path / "tuned")


def test_a_checkpoint_is_a_base_for_the_next_run(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    tuner.run(encoder, pairs, tmp_path / "first", epochs=1)
    second = load_base(str(tmp_path / "first"))
    shutil.rmtree(tmp_path / "first")
    tuner.run(second, pairs, tmp_path / "second", epochs=1)
    assert DualEncoder.load(tmp_path / "second").fingerprint != second.fingerprint


@pytest.mark.parametrize(("objective", "moves_bias"), [("auto", True), ("info-nce", False)])
def test_a_siglip_tunes_by_its_own_loss_and_by_the_other(
    tuner: Any,
    siglip_folder: Path,
    pairs: list[Pair],
    tmp_path: Path,
    objective: str,
    moves_bias: bool,
) -> None:
    base = load_base(str(siglip_folder))
    settings = {"epochs": 8, "batch_size": 16, "objective": objective, "image_views": 2}
    tuner.run(base, pairs, tmp_path / "tuned", **settings)
    tuned = DualEncoder.load(tmp_path / "tuned")
    assert tuner.epochs[-1].train_loss < tuner.epochs[0].train_loss
    assert torch.equal(tuned.model.logit_bias, base.model.logit_bias) is not moves_bias
    assert tuned.encode_texts(["A red disc."]).shape == (1, 32)


def test_what_is_recommended_for_a_pretrained_base_runs_and_can_be_cut(
    make_tuner: Any, siglip_folder: Path, pairs: list[Pair], tmp_path: Path
) -> None:
    """All its levers together: rates by layer, average, blends, views, windows, bf16 or not."""
    base = load_base(str(siglip_folder))
    settings = {"preset": "recommended", "epochs": 2, "batch_size": 16, "log_every": 1}
    whole, cut = make_tuner(), make_tuner()
    whole.run(base, pairs, tmp_path / "whole", **settings)
    assert whole.notes[-1].startswith("Kept ")
    cut.stop_at_step = 4
    cut.run(base, pairs, tmp_path / "cut", state_file=tmp_path / "state", **settings)
    cut.stop_at_step = None
    cut.run(base, pairs, tmp_path / "cut", state_file=tmp_path / "state", **settings)
    assert [point.loss for point in cut.steps] == [point.loss for point in whole.steps]
    ends = [DualEncoder.load(tmp_path / name).fingerprint for name in ("whole", "cut")]
    assert ends[0] == ends[1]


def test_the_best_and_the_last_epochs_stay(
    tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    tuner.run(encoder, pairs, tmp_path / "tuned", epochs=4, keep_last=2, ema_decay=0.5)
    kept = sorted((tmp_path / "tuned.epochs").iterdir())
    assert [folder.name for folder in kept] == ["epoch-3", "epoch-4"]
    last = DualEncoder.load(kept[-1])
    assert last.meta["metrics"] == tuner.epochs[-1].metrics
    assert last.fingerprint != DualEncoder.load(kept[0]).fingerprint


def test_a_checkpoint_that_cannot_be_written_is_told_and_the_old_one_stays(
    tuner: Any,
    encoder: DualEncoder,
    pairs: list[Pair],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tuner.run(encoder, pairs, tmp_path / "tuned", epochs=1)
    before = DualEncoder.load(tmp_path / "tuned").fingerprint

    def no_room(*args: object, **values: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.clip.checkpoints.write_meta", no_room)
    with pytest.raises(TrainingError, match=r"cannot be saved in .*No space left on device"):
        tuner.run(encoder, pairs, tmp_path / "tuned", epochs=2)
    monkeypatch.undo()
    assert DualEncoder.load(tmp_path / "tuned").fingerprint == before
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]
