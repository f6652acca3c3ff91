"""What is drawn of training runs: of one while it runs, of several side by side."""

from collections.abc import Sequence

from training.curves import Chart, Point, Series
from training.models import EpochPoint, StepPoint, TrainingRun

VALIDATION, HOLDOUT = "mrr@10", "holdout_mrr@10"


def figures_of(run: TrainingRun) -> list[Chart]:
    steps = list(run.step_points.all())
    epochs = list(run.epoch_points.all())
    return [
        Chart(
            "Loss",
            "step",
            "loss",
            (
                Series("training", _by_step(steps, "loss")),
                Series("validation", _validation_losses(epochs), 1, marked=True),
            ),
        ),
        Chart(
            "MRR@10, text to image",
            "epoch",
            "MRR@10",
            (
                Series("validation", _metric(epochs, VALIDATION), 1, marked=True),
                Series("held-out training groups", _metric(epochs, HOLDOUT), 2, marked=True),
            ),
        ),
        Chart("Learning rate", "step", "rate", (Series("rate", _by_step(steps, "learning_rate")),)),
        Chart(
            "Throughput",
            "step",
            "pairs/s",
            (Series("pairs per second", _by_step(steps, "pairs_per_second"), 3),),
        ),
    ]


def compared_figures(runs: Sequence[TrainingRun]) -> list[Chart]:
    """Loss and MRR@10, one line for each run in the order given."""
    losses = [
        Series(_name(run), _by_step(list(run.step_points.all()), "loss"), colour)
        for colour, run in enumerate(runs)
    ]
    metrics = [
        Series(_name(run), _metric(list(run.epoch_points.all()), VALIDATION), colour, marked=True)
        for colour, run in enumerate(runs)
    ]
    return [
        Chart("Training loss", "step", "loss", tuple(losses)),
        Chart("Validation MRR@10, text to image", "epoch", "MRR@10", tuple(metrics)),
    ]


def _name(run: TrainingRun) -> str:
    return f"run {run.pk}: {run.preset}"


def _by_step(points: Sequence[StepPoint], name: str) -> list[Point]:
    return [(float(point.step), float(getattr(point, name))) for point in points]


def _validation_losses(epochs: Sequence[EpochPoint]) -> list[Point]:
    return [
        (float(point.step), point.validation_loss)
        for point in epochs
        if point.validation_loss is not None
    ]


def _metric(epochs: Sequence[EpochPoint], name: str) -> list[Point]:
    return [
        (float(point.epoch), float(point.metrics[name]))
        for point in epochs
        if name in point.metrics
    ]
