"""What a fine-tune tells its caller. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StepPoint:
    """`loss` is the mean per sample since the last point; `seconds` are since the start."""

    step: int
    total_steps: int
    epoch: int
    loss: float
    learning_rate: float
    pairs_per_second: float
    seconds: float


@dataclass(frozen=True)
class EpochPoint:
    """Losses are means per sample. `selected`: the best epoch so far."""

    epoch: int
    train_loss: float
    validation_loss: float | None
    metrics: dict[str, float]
    selected: bool


@dataclass(frozen=True)
class Outcome:
    """`best_epoch` is 0 when the run was stopped before its first epoch was measured."""

    folder: Path
    steps: int
    best_epoch: int
    samples_seen: int
    stopped: bool
    seconds: float
    history: list[EpochPoint]
