"""What the GPU did, as rows: runs with their curves, checkpoints, evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from ingest.models import Collection, Image
from jobs.models import Job
from training.clip.config import PRESETS, Config, configure

if TYPE_CHECKING:
    from training.clip.encoder import DualEncoder


def preset_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in PRESETS]


class TrainingRun(Job):
    task_name = "training.tasks.run_finetune"

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="runs")
    base = models.CharField(
        max_length=300,
        default="packaged",
        help_text="packaged, scratch:tiny, a checkpoint's name, a local folder, or a hub id such "
        "as openai/clip-vit-base-patch32.",
    )
    preset = models.CharField(max_length=30, choices=preset_choices, default="recommended")
    settings = models.JSONField(
        default=dict, blank=True, help_text='Changes to the preset, e.g. {"epochs": "4"}.'
    )

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.preset} on {self.collection}"

    def clean(self) -> None:
        try:
            self.config()
        except ValueError as exc:
            raise ValidationError({"settings": str(exc)}) from exc

    def config(self) -> Config:
        if not isinstance(self.settings, dict):
            raise ValueError('Settings are written as {"name": "value"}.')
        return configure(self.preset, {key: str(value) for key, value in self.settings.items()})


class StepPoint(models.Model):
    """One point of the curves. `loss` is the mean per pair, `seconds` since the run began."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="step_points")
    step = models.PositiveIntegerField()
    epoch = models.PositiveIntegerField()
    loss = models.FloatField()
    learning_rate = models.FloatField()
    pairs_per_second = models.FloatField()
    seconds = models.FloatField()

    class Meta:
        ordering = ["step"]

    def __str__(self) -> str:
        return f"step {self.step}: loss {self.loss:.3f}"


class EpochPoint(models.Model):
    """What the validation pairs said after an epoch."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="epoch_points")
    step = models.PositiveIntegerField()
    epoch = models.PositiveIntegerField()
    train_loss = models.FloatField()
    validation_loss = models.FloatField(null=True)
    metrics = models.JSONField(default=dict)
    selected = models.BooleanField(default=False)

    class Meta:
        ordering = ["epoch"]

    def __str__(self) -> str:
        return f"epoch {self.epoch}: train loss {self.train_loss:.3f}"


class Checkpoint(models.Model):
    """A model that can encode: a folder on disk and what is known of it."""

    run = models.OneToOneField(
        TrainingRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="checkpoint"
    )
    name = models.CharField(max_length=100, unique=True)
    folder = models.CharField(max_length=1000)
    base = models.CharField(max_length=300)
    dimension = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    def encoder(self) -> DualEncoder:
        """Load the model; seconds of work. Raises CheckpointError with a sentence."""
        from training.clip.encoder import DualEncoder
        from training.clip.errors import CheckpointError

        encoder = DualEncoder.load(Path(self.folder))
        if encoder.fingerprint != self.fingerprint:
            raise CheckpointError(f"The files of checkpoint {self.name} are not the ones it made.")
        return encoder

    @classmethod
    def named(cls, text: str) -> Checkpoint:
        """By primary key, name, folder, or `latest`. Raises DoesNotExist with a sentence."""
        if text == "latest":
            found = cls.objects.first()
        elif text.isdecimal():
            found = cls.objects.filter(pk=int(text)).first()
        else:
            is_it = Q(name=text) | Q(folder=str(Path(text).resolve()))
            found = cls.objects.filter(is_it).first()
        if found is None:
            names = ", ".join(cls.objects.values_list("name", flat=True)[:10]) or "none yet"
            raise cls.DoesNotExist(f"There is no checkpoint {text!r}. There are: {names}.")
        return found


class Evaluation(Job):
    task_name = "training.tasks.run_evaluation"

    class Protocol(models.TextChoices):
        SEED_INBATCH = "seed-inbatch-v1", "seed-inbatch-v1: image to text within batches of 64"
        CORPUS = "corpus-v1", "corpus-v1: both directions over all pairs"

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.CASCADE, related_name="evaluations")
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="evaluations")
    split = models.CharField(max_length=10, choices=Image.Split, default=Image.Split.TEST)
    protocol = models.CharField(
        max_length=20, choices=Protocol, blank=True, help_text="Empty: both."
    )
    dataset_hash = models.CharField(max_length=64, blank=True, editable=False)
    scores = models.JSONField(default=list, editable=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.checkpoint} on {self.collection} {self.split}"

    def score(self, direction: str, relevance: str = "strict") -> dict[str, Any] | None:
        """The corpus-v1 numbers of one direction."""
        for score in self.scores:
            if (score["protocol"], score["direction"], score["relevance"]) == (
                self.Protocol.CORPUS, direction, relevance,
            ):  # fmt: skip
                return dict(score)
        return None


def checkpoint_folder(run: TrainingRun) -> Path:
    return Path(settings.CHECKPOINT_DIR) / f"run-{run.pk}"
