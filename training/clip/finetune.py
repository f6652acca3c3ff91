"""The loop of a fine-tune, top to bottom; what a step does is in run.py."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from training.clip.config import Config
from training.clip.crew import Alone
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.progress import EpochPoint, Outcome, StepPoint, Stopped, Watch
from training.clip.resuming import take_up
from training.clip.run import Run
from training.clip.saving import forget_epochs, keep_epoch, save

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
    cache_folder: Path | None = None,
    crew: Alone | None = None,
) -> Outcome:
    """
    Tunes a copy of `encoder` and leaves the selected weights in `folder`, or nothing where it was
    stopped before the first step. `validation` is only reported; the epoch is chosen on a part of
    `train`, unless `config.holdout_fraction` is 0.
    Repeatable on a CPU for a seed. Raises TrainingError.

    With a `state_file`, a run that was cut goes on there, to the same losses on a CPU;
    `on_start` hears how many steps were taken and epochs measured before. The file stays, for
    the caller to remove once the checkpoint is safe. Decoded pictures are kept in `cache_folder`
    for the next run over the same ones, or in memory without one. Several processes that run
    this share the work as a `crew`: see parallel.py.
    """
    watch = Watch(on_read, should_stop, on_note)
    stopped = False
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        run = Run(encoder, train, validation, config, watch, state_file, cache_folder, crew)
        try:
            run.fill_caches()
            run.start_heads()
            if state_file is not None:
                take_up(run, state_file)
            run.align()
            forget_epochs(run, folder)
            on_start(run.step, len(run.history))
            while not run.over:
                for point in run.steps():
                    on_step(point)
                at_end = run.is_at_end()
                if at_end or run.epoch % config.eval_every == 0:
                    on_epoch(run.measure_epoch())
                    keep_epoch(run, folder)
                run.end_epoch(at_end=at_end)
            run.blend()
        except Stopped:
            stopped = True
            if run.step and not run.over:
                run.keep_state()
    if run.step:
        save(run, folder, stopped=stopped)
    return run.outcome(folder, stopped=stopped)
