"""Training runs with their curves, and sweeps of them."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from ingest.models import Collection, DatasetVersion
from jobs.models import Job
from training.clip.config import PRESETS, Config, configure


def preset_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in PRESETS]


class Sweep(models.Model):
    """Several runs that were started as one, on the same pairs and from the same base."""

    name = models.CharField(max_length=100)
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="sweeps")
    base = models.CharField(max_length=300, default="packaged")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


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

    dataset = models.ForeignKey(
        DatasetVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="runs",
        editable=False,
    )
    manifest = models.JSONField(default=dict, editable=False)
    sweep = models.ForeignKey(
        "Sweep",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="runs",
        editable=False,
    )
    again_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="repeats",
        editable=False,
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


def checkpoint_folder(run: TrainingRun) -> Path:
    return Path(settings.CHECKPOINT_DIR) / f"run-{run.pk}"
