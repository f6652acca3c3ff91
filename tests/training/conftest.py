"""A small collection, runs over it, and one that was really trained."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ingest.models import Collection, DatasetVersion, Image, Import
from tests.conftest import Prepared
from training.models import Checkpoint, EpochPoint, StepPoint, TrainingRun, checkpoint_folder

KINDS = ["chest x-ray", "knee MRI", "abdomen CT", "head CT"]


@pytest.fixture
def collection(
    corpus: Callable[..., Path],
    run_import: Callable[..., Any],
    media: Path,
    prepared: Callable[[str], Prepared],
) -> Collection:
    """40 images in four kinds; enough for a few steps and for every split."""
    forty = prepared("forty")
    if forty.is_kept:
        forty.lay_out(media)
    else:
        rows = [
            (f"{n}.png", f"{KINDS[n % 4]} number {n} with finding {n % 7}", side)
            for n, side in enumerate(["train"] * 30 + ["validation"] * 5 + ["test"] * 5)
        ]
        run_import(corpus(rows, "file,caption,split"))
        forty.keep(media, Collection, Import, Image)
    return Collection.objects.get()


@pytest.fixture
def checkpoints(settings: Any, tmp_path: Path) -> Path:
    settings.CHECKPOINT_DIR = tmp_path / "state" / "checkpoints"
    settings.DATASET_DIR = tmp_path / "state" / "datasets"
    return tmp_path / "state" / "checkpoints"


@pytest.fixture
def make_run(collection: Collection) -> Callable[..., TrainingRun]:
    def make(**over: Any) -> TrainingRun:
        values = {
            "collection": collection,
            "base": "scratch:tiny",
            "preset": "tiny",
            "settings": {"epochs": "2"},
        }
        return TrainingRun.objects.create(**{**values, **over})

    return make


@pytest.fixture
def train(checkpoints: Path) -> Callable[[TrainingRun], TrainingRun]:
    """Really train, as a worker does; an error is in the row that comes back."""
    from jobs.running import run
    from training.clip.errors import CheckpointError, TrainingError
    from training.finetuning import finetune

    def start(job: TrainingRun) -> TrainingRun:
        with suppress(CheckpointError, TrainingError):
            run(job, finetune)
        job.refresh_from_db()
        return job

    return start


@pytest.fixture
def trained(
    make_run: Callable[..., TrainingRun],
    train: Callable[[TrainingRun], TrainingRun],
    checkpoints: Path,
    prepared: Callable[[str], Prepared],
) -> TrainingRun:
    run = prepared("trained")
    if run.is_kept:
        run.lay_out(checkpoints.parent)
        job = TrainingRun.objects.get()
        Checkpoint.objects.update(folder=str(checkpoint_folder(job)))
        return job
    job = train(make_run())
    run.keep(checkpoints.parent, DatasetVersion, TrainingRun, StepPoint, EpochPoint, Checkpoint)
    return job
