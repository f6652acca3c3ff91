"""What a fine-tune tells its caller. Imports no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

READ_EVERY_SECONDS = 0.5


class Stopped(Exception):
    """The caller asked to stop."""


class Watch:
    """
    How long work speaks with its caller. `tell_read` hears how many images were read, of how
    many, of which part, at most twice a second; `on_note` lines for the log.
    """

    def __init__(
        self,
        tell_read: Callable[[int, int, str], None],
        should_stop: Callable[[], bool],
        on_note: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.tell_read, self.should_stop, self.on_note = tell_read, should_stop, on_note
        self._told = monotonic()

    def on_read(self, done: int, total: int, part: str) -> None:
        if monotonic() - self._told > READ_EVERY_SECONDS:
            self._told = monotonic()
            self.tell_read(done, total, part)

    def raise_if_stopped(self) -> None:
        if self.should_stop():
            raise Stopped


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
