"""Two real processes over gloo; starting the second takes some seconds."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.clip.config import configure
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.parallel import finetune_everywhere


def test_two_processes_have_the_losses_of_one(
    encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    settings = {"epochs": "2", "batch_size": "15", "log_every": "1", "max_grad_norm": "0.5"}
    config = configure("tiny", settings)
    before = dict(os.environ)
    told: dict[int, list[Any]] = {1: [], 2: []}
    for processes, steps in told.items():
        finetune_everywhere(
            encoder, pairs, [], config, tmp_path / str(processes), processes=processes,
            on_step=steps.append, on_epoch=steps.append, on_read=lambda *read: None,
            should_stop=lambda: False, state_file=tmp_path / f"{processes}.state",
        )  # fmt: skip
    alone, together = ([p.loss for p in told[n] if hasattr(p, "loss")] for n in (1, 2))
    assert len(alone) == 6
    assert together == pytest.approx(alone, abs=1e-5)
    vectors = [DualEncoder.load(tmp_path / str(n)).encode_texts(["A red disc."]) for n in (1, 2)]
    np.testing.assert_allclose(*vectors, atol=1e-3)
    assert dict(os.environ) == before


def test_stopping_stops_all_of_them(
    encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    steps: list[Any] = []
    run = partial(finetune_everywhere, encoder, pairs, [], configure("tiny", {"log_every": "1"}))
    outcome = run(
        tmp_path / "tuned", processes=2, on_step=steps.append, on_epoch=steps.append,
        on_read=lambda *read: None, should_stop=lambda: len(steps) >= 2,
    )  # fmt: skip
    assert outcome.stopped
    assert DualEncoder.load(tmp_path / "tuned").meta["stopped"] is True
