"""One training run: pairs from the database in, curves and a checkpoint out."""

from collections.abc import Sequence
from dataclasses import asdict
from time import monotonic
from typing import Any

from django.conf import settings

from ingest.datasets import freeze
from ingest.leakage import leakage_line
from ingest.models import DatasetVersion
from jobs.models import JobCancelled
from training import manifest
from training.clip import finetune as clip
from training.clip.bases import load_base
from training.clip.cpu import prepare_cpu
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.parallel import finetune_everywhere
from training.models import (
    Checkpoint,
    EpochPoint,
    StepPoint,
    TrainingRun,
    checkpoint_folder,
)
from training.pairs import pairs_of_version

ASK_EVERY = 0.5


class _Watcher:
    """Carries what the loop reports into rows, and a wish to cancel back into the loop."""

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self.points: list[StepPoint] = []
        self.step = 0
        self.stopping = False
        self.asked_at = 0.0

    def on_start(self, step: int, epochs: int) -> None:
        """Forget what was told after the state that the run goes on from, if it goes on."""
        self.run.step_points.filter(step__gt=step).delete()
        last = self.run.epoch_points.order_by("epoch")[:epochs].values_list("pk", flat=True)
        self.run.epoch_points.exclude(pk__in=list(last)).delete()
        if step:
            self.run.note(f"Going on after step {step}")

    def on_step(self, point: clip.StepPoint) -> None:
        self.step = point.step
        values = asdict(point)
        total = values.pop("total_steps")
        self.points.append(StepPoint(run=self.run, **values))
        self._advance(
            point.step, total, f"epoch {point.epoch}, loss {point.loss:.3f}", unit="steps"
        )

    def on_epoch(self, point: clip.EpochPoint) -> None:
        self.save_points()
        if point.selected:
            self.run.epoch_points.update(selected=False)
        EpochPoint.objects.create(run=self.run, step=self.step, **asdict(point))
        shown = ", ".join(f"{key} {value:.3f}" for key, value in point.metrics.items())
        self.run.note(f"epoch {point.epoch}: train loss {point.train_loss:.3f}, {shown}")

    def on_read(self, done: int, total: int, part: str) -> None:
        self._advance(done, total, f"Reading {part} images", unit="images")

    def should_stop(self) -> bool:
        if not self.stopping and monotonic() - self.asked_at > ASK_EVERY:
            self.asked_at = monotonic()
            self.save_points()
            self._advance(self.run.done, self.run.total, self.run.message, unit=self.run.unit)
        return self.stopping

    def save_points(self) -> None:
        StepPoint.objects.bulk_create(self.points)
        self.points.clear()

    def _advance(self, done: int, total: int, message: str, *, unit: str) -> None:
        try:
            self.run.advance(done, total, unit=unit, message=message)
        except JobCancelled:
            self.stopping = True


def finetune(run: TrainingRun) -> str:
    """Freeze the pairs, train, save the points as they come, and register the checkpoint.

    A run that was cut goes on from its last state, on the pairs it began with, unless its
    settings or its base changed.
    """
    config = run.config()
    prepare_cpu(settings.MODEL_THREADS)
    version = _dataset(run)
    train = pairs_of_version(version, "train")
    validation = pairs_of_version(version, "validation")
    _refuse_missing([*train, *validation], version)
    run.note(f"{len(train)} training pairs, {len(validation)} validation pairs of {version}")
    run.note(leakage_line(version.leakage))
    encoder = _base(run, [pair.caption for pair in train])
    _keep_manifest(run, manifest.of_start(run, encoder.fingerprint))
    watcher = _Watcher(run)
    folder = checkpoint_folder(run)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _set_aside_if_used(run)
    state_file = folder.with_name(f"{folder.name}.state")
    outcome = finetune_everywhere(
        encoder,
        train,
        validation,
        config,
        folder,
        on_step=watcher.on_step,
        on_epoch=watcher.on_epoch,
        on_read=watcher.on_read,
        should_stop=watcher.should_stop,
        on_start=watcher.on_start,
        on_note=run.note,
        state_file=state_file,
        cache_folder=settings.PIXEL_CACHE_DIR,
    )
    if not outcome.steps:
        raise JobCancelled("Cancelled on request.")
    watcher.save_points()
    # Refused where another worker holds the run by now.
    run.note("Saving the checkpoint")
    _keep_manifest(run, {**run.manifest, "outcome": manifest.of_end(outcome)})
    manifest.write(folder, run.manifest)
    _register(run)
    if outcome.stopped:
        raise JobCancelled("Cancelled on request.")
    state_file.unlink(missing_ok=True)
    return f"Best epoch {outcome.best_epoch}, {outcome.samples_seen} pairs seen"


def _dataset(run: TrainingRun) -> DatasetVersion:
    """What the run, or another of its sweep, was started on before; else what there is now."""
    if run.dataset is not None:
        return run.dataset
    captioned = run.collection.images.exclude(caption_clean="")
    if not captioned.filter(split="train").exists():
        raise TrainingError(f"{run.collection} has no captioned image in its train split.")

    def tell(done: int, total: int, what: str) -> None:
        run.advance(done, total, unit="images", message=what)

    siblings = DatasetVersion.objects.filter(runs__sweep=run.sweep) if run.sweep else None
    run.dataset = (siblings and siblings.first()) or freeze(run.collection, tell)
    run.save(update_fields=["dataset"])
    return run.dataset


def _refuse_missing(pairs: Sequence[Pair], version: DatasetVersion) -> None:
    for pair in pairs:
        if not pair.image.exists():
            raise TrainingError(
                f"The picture of {pair.key} in dataset {version} is gone: {pair.image}. Import its "
                "source again to bring it back, or start a new run on what there is now."
            )


def _keep_manifest(run: TrainingRun, facts: dict[str, Any]) -> None:
    run.manifest = facts
    run.save(update_fields=["manifest"])


def _base(run: TrainingRun, captions: list[str]) -> DualEncoder:
    checkpoint = Checkpoint.objects.filter(name=run.base).first()
    encoder = checkpoint.encoder() if checkpoint else load_base(run.base, captions=captions)
    original = run.again_of
    then = original.manifest.get("base", {}).get("fingerprint") if original else None
    if then is not None and original is not None and then != encoder.fingerprint:
        raise TrainingError(
            f"The base {run.base} is no longer the one that run {original.pk} began with: its "
            f"fingerprint is {encoder.fingerprint[:12]}, not {then[:12]}. Start a new run."
        )
    return encoder


def _set_aside_if_used(run: TrainingRun) -> None:
    """An index or an evaluation stands on the weights that a cancelled run left: they stay."""
    checkpoint = Checkpoint.objects.filter(run=run).first()
    if checkpoint is None or not checkpoint.is_used or not checkpoint_folder(run).exists():
        return
    mark = checkpoint.fingerprint[:8]
    kept = checkpoint_folder(run).with_name(f"run-{run.pk}-{mark}")
    checkpoint_folder(run).rename(kept)
    checkpoint.run, checkpoint.folder = None, str(kept)
    checkpoint.name = f"{checkpoint.name[:91]}-{mark}"
    checkpoint.save(update_fields=["run", "folder", "name"])


def _register(run: TrainingRun) -> Checkpoint:
    saved = DualEncoder.load(checkpoint_folder(run))
    checkpoint, _ = Checkpoint.objects.update_or_create(
        run=run,
        defaults={
            "name": f"{run.collection.name[:70]}-run-{run.pk}",
            "folder": str(checkpoint_folder(run)),
            "base": run.base,
            "dimension": saved.dimension,
            "fingerprint": saved.fingerprint,
        },
    )
    return checkpoint
