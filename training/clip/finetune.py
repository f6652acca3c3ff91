"""The loop of a fine-tune, top to bottom; what a step does is in run.py."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from training.clip.config import Config
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.inputs import Stopped, Watch
from training.clip.progress import EpochPoint, Outcome, StepPoint
from training.clip.resuming import take_up
from training.clip.run import Run

__all__ = ["EpochPoint", "Outcome", "StepPoint", "finetune"]


def finetune(
    encoder: DualEncoder,
    train: Sequence[Pair],
    validation: Sequence[Pair],
    config: Config,
    folder: Path,
    *,
    on_step: Callable[[StepPoint], None],
    on_epoch: Callable[[EpochPoint], None],
    on_read: Callable[[int, int, str], None],
    should_stop: Callable[[], bool],
    on_start: Callable[[int, int], None] = lambda step, epochs: None,
    on_note: Callable[[str], None] = lambda line: None,
    state_file: Path | None = None,
) -> Outcome:
    """
    Tunes a copy of `encoder` and leaves the selected weights in `folder`. `validation` is only
    reported; the epoch is chosen on a part of `train`, unless `config.holdout_fraction` is 0.
    Repeatable on a CPU for a seed. Raises TrainingError.

    With a `state_file`, a run that was cut goes on there, to the same losses on a CPU;
    `on_start` hears how many steps were taken and epochs measured before. The file goes when
    the run has ended by itself.
    """
    run = Run(encoder, train, validation, config, Watch(on_read, should_stop, on_note), state_file)
    stopped = False
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        try:
            run.fill_caches()
            if state_file is not None:
                take_up(run, state_file)
            on_start(run.step, len(run.history))
            while not run.over:
                for point in run.steps():
                    on_step(point)
                if run.epoch % config.eval_every == 0 or run.is_last_epoch():
                    on_epoch(run.measure_epoch())
                run.end_epoch()
        except Stopped:
            stopped = True
            if run.step:
                run.keep_state()
    run.save(folder, train, stopped=stopped)
    return run.outcome(folder, stopped=stopped)
