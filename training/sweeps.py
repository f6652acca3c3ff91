"""Several runs as one: presets crossed with a grid of settings, on the same pairs and base."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from ingest.models import Collection
from training.clip.config import PRESETS, Config
from training.models import Sweep, TrainingRun

SEED_PRESETS = [name for name in PRESETS if name.startswith("seed-run")]
MOST_RUNS = 50

Grid = Mapping[str, Sequence[str]]


def parse_grid(value: Any) -> dict[str, list[str]]:
    """{"learning_rate": ["5e-5", "1e-4"]} as it came from JSON. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError('A grid is written as {"learning_rate": ["5e-5", "1e-4"]}.')
    grid = {}
    for name, values in value.items():
        listed = values if isinstance(values, list) else [values]
        if not listed or any(isinstance(item, list | dict) for item in listed):
            raise ValueError(f'The grid needs a list of values for {name}, e.g. ["1", "2"].')
        grid[str(name)] = list(dict.fromkeys(str(item) for item in listed))
    return grid


def plan(
    collection: Collection, base: str, presets: Sequence[str], grid: Grid
) -> list[TrainingRun]:
    """
    The runs, not yet saved: every preset with every choice of the grid. Raises ValueError with
    a sentence for a preset or a setting that does not exist, or for more than MOST_RUNS runs.
    """
    if not presets:
        raise ValueError("A sweep needs one preset or more.")
    choices = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    count = len(presets) * len(choices)
    if count > MOST_RUNS:
        raise ValueError(f"That makes {count} runs; a sweep may have {MOST_RUNS} at most.")
    runs = [
        TrainingRun(collection=collection, base=base, preset=preset, settings=settings)
        for preset in presets
        for settings in choices
    ]
    for run in runs:
        run.config()
    return runs


def save(sweep: Sweep, runs: Sequence[TrainingRun]) -> None:
    """All rows or none."""
    with transaction.atomic():
        sweep.save()
        for run in runs:
            run.sweep, run.started_by = sweep, sweep.started_by
            run.save()


def pairs_in_training(collection: Collection) -> int:
    return collection.images.filter(split="train").exclude(caption_clean="").count()


def pairs_to_see(config: Config, train: int) -> int:
    """How many pairs go through the towers at most, of so many in the train split."""
    an_epoch = config.samples_per_epoch or round(train * (1 - config.holdout_fraction))
    return an_epoch * config.epochs


def say_cost(runs: Sequence[TrainingRun]) -> str:
    """One sentence: how many runs and how many pairs in all."""
    train = pairs_in_training(runs[0].collection)
    pairs = sum(pairs_to_see(run.config(), train) for run in runs)
    many = "1 run" if len(runs) == 1 else f"{len(runs)} runs, one after another"
    return (
        f"{many}, from {runs[0].base} on the {train:,} training pairs of {runs[0].collection}: "
        f"at most {pairs:,} pairs in all"
    )


def refusal(exc: ValueError | ValidationError) -> str:
    return " ".join(exc.messages) if isinstance(exc, ValidationError) else str(exc)
