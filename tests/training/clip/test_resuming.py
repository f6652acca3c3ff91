"""A run that was cut goes on to the very end it would have come to."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.training.clip.conftest import Tuner
from training.clip import resuming
from training.clip import run as module
from training.clip.cpu import prepare_cpu
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError

# Dropout, an average of the weights and random views: everything that draws lots.
SETTINGS = {
    "epochs": 3, "batch_size": 8, "log_every": 1, "ema_decay": 0.9, "image_views": 2,
    "feature_dropout": 0.2,
}  # fmt: skip


def losses(tuner: Any) -> list[tuple[int, int, float, float]]:
    return [(p.step, p.epoch, p.loss, p.learning_rate) for p in tuner.steps]


@pytest.fixture(scope="module")
def whole(
    encoder: DualEncoder, pairs: list[Pair], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tuner, str]:
    """A run that was not cut, and the fingerprint of its weights."""
    tuner, folder = Tuner(), tmp_path_factory.mktemp("whole") / "tuned"
    tuner.run(encoder, pairs, folder, pairs[:12], **SETTINGS)
    return tuner, DualEncoder.load(folder).fingerprint


@pytest.mark.parametrize("cut_after", [1, 5, 6, 9])
def test_cut_and_taken_up_again_gives_bit_equal_losses_and_weights(
    whole: tuple[Tuner, str],
    encoder: DualEncoder,
    pairs: list[Pair],
    tmp_path: Path,
    cut_after: int,
) -> None:
    uncut, fingerprint = whole
    state = tmp_path / "run.state"
    first, second = Tuner(), Tuner()
    first.stop_at_step = cut_after
    assert first.run(encoder, pairs, tmp_path / "cut", pairs[:12], state, **SETTINGS).stopped
    assert state.exists()
    outcome = second.run(encoder, pairs, tmp_path / "cut", pairs[:12], state, **SETTINGS)
    assert second.starts[0][0] == len(first.steps) == cut_after
    assert losses(first) + losses(second) == losses(uncut)
    assert first.epochs + second.epochs == uncut.epochs
    assert outcome.history == uncut.epochs
    assert DualEncoder.load(tmp_path / "cut").fingerprint == fingerprint


def test_points_over_several_steps_are_the_same_too(
    make_tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    settings = {**SETTINGS, "log_every": 4}
    whole, first, second = make_tuner(), make_tuner(), make_tuner()
    whole.run(encoder, pairs, tmp_path / "whole", **settings)
    state = tmp_path / "run.state"
    first.stop_at_step = 4
    first.run(encoder, pairs, tmp_path / "cut", state_file=state, **settings)
    second.run(encoder, pairs, tmp_path / "cut", state_file=state, **settings)
    assert losses(first) + losses(second) == losses(whole)


@pytest.mark.parametrize("change", [{"learning_rate": 2e-3}, {"seed": 5}, {"epochs": 4}])
def test_a_state_of_other_settings_is_not_taken_up(
    make_tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path, change: dict[str, Any]
) -> None:
    state = tmp_path / "run.state"
    first, second = make_tuner(), make_tuner()
    first.stop_at_step = 3
    first.run(encoder, pairs, tmp_path / "cut", state_file=state, **SETTINGS)
    second.run(encoder, pairs, tmp_path / "cut", state_file=state, **{**SETTINGS, **change})
    assert second.starts == [(0, 0)]


def test_a_state_of_other_pairs_or_another_model_is_not_taken_up(
    make_tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    state = tmp_path / "run.state"
    first, second = make_tuner(), make_tuner()
    first.stop_at_step = 3
    first.run(encoder, pairs, tmp_path / "cut", state_file=state, **SETTINGS)
    second.run(encoder, pairs[:40], tmp_path / "cut", state_file=state, **SETTINGS)
    assert second.starts == [(0, 0)]


@pytest.mark.parametrize("damage", [b"", b"no state at all", None])
def test_a_damaged_state_means_starting_from_the_front(
    make_tuner: Any,
    encoder: DualEncoder,
    pairs: list[Pair],
    tmp_path: Path,
    damage: bytes | None,
) -> None:
    state = tmp_path / "run.state"
    first, second = make_tuner(), make_tuner()
    first.stop_at_step = 3
    first.run(encoder, pairs, tmp_path / "cut", state_file=state, **SETTINGS)
    content = state.read_bytes()
    state.write_bytes(content[: len(content) // 2] if damage is None else damage)
    second.run(encoder, pairs, tmp_path / "cut", state_file=state, **SETTINGS)
    assert second.starts == [(0, 0)]


def test_a_full_disk_ends_the_run_with_a_sentence_and_keeps_the_last_state(
    make_tuner: Any,
    encoder: DualEncoder,
    pairs: list[Pair],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = tmp_path / "run.state"
    first = make_tuner()
    first.stop_at_step = 3
    first.run(encoder, pairs, tmp_path / "cut", state_file=state, **SETTINGS)
    before = state.read_bytes()

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(resuming.torch, "save", full)
        with pytest.raises(TrainingError, match="No space left on device"):
            make_tuner().run(encoder, pairs, tmp_path / "cut", state_file=state, **SETTINGS)
    assert state.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []


def test_stopping_while_images_are_read_leaves_an_earlier_state_alone(
    make_tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    state = tmp_path / "run.state"
    first, second = make_tuner(), make_tuner()
    first.stop_at_step = 3
    first.run(encoder, pairs, tmp_path / "cut", state_file=state, **SETTINGS)
    before = state.read_bytes()
    second.stop_after = 0
    second.run(encoder, pairs, tmp_path / "cut", state_file=state, **SETTINGS)
    assert state.read_bytes() == before


def test_after_a_kill_at_any_moment_the_run_goes_on(
    make_tuner: Any, encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    """A real process, killed without warning as soon as it has kept a state."""
    # Both sides must add in the same order, so they compute in the same way.
    prepare_cpu(1)
    encoder.save(tmp_path / "base", {})
    state = tmp_path / "run.state"
    listed = [(str(p.image), p.caption, p.group, p.key) for p in pairs]
    code = f"""
from pathlib import Path
from training.clip import finetune, run
from training.clip.cpu import prepare_cpu
from training.clip.config import configure
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
prepare_cpu(1)
run.KEEP_EVERY = 0.0
pairs = [Pair(Path(i), c, g, k) for i, c, g, k in {listed!r}]
config = configure("tiny", { ({k: str(v) for k, v in SETTINGS.items()})!r})
nothing = lambda *told: None
finetune.finetune(DualEncoder.load(Path({str(tmp_path / "base")!r})), pairs, [], config,
                Path({str(tmp_path / "cut")!r}), on_step=nothing, on_epoch=nothing,
                on_read=nothing, should_stop=lambda: False, state_file=Path({str(state)!r}))
"""
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root) as process:
        while not state.exists() and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    base = DualEncoder.load(tmp_path / "base")
    whole, rest = make_tuner(), make_tuner()
    whole.run(base, pairs, tmp_path / "whole", **SETTINGS)
    rest.run(base, pairs, tmp_path / "cut", state_file=state, **SETTINGS)
    assert rest.starts[0][0] >= 1
    assert losses(rest) == losses(whole)[rest.starts[0][0] :]


def test_the_state_is_kept_between_epochs_and_by_the_clock(
    make_tuner: Any,
    encoder: DualEncoder,
    pairs: list[Pair],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[tuple[int, int]] = []
    monkeypatch.setattr(module, "keep", lambda run, path: kept.append((run.epoch, run.step)))
    make_tuner().run(encoder, pairs, tmp_path / "a", state_file=tmp_path / "s", **SETTINGS)
    assert [epoch for epoch, _ in kept] == [2, 3]
    kept.clear()
    monkeypatch.setattr(module, "KEEP_EVERY", 0.0)
    make_tuner().run(encoder, pairs, tmp_path / "b", state_file=tmp_path / "s", **SETTINGS)
    assert len(kept) > 6
