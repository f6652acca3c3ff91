"""Training runs with their curves, and sweeps of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from ingest.models import Collection, DatasetVersion
from jobs.models import Job
from training.clip.config import PRESETS, RECOMMENDED, Config, configure


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
        changes = {key: str(value) for key, value in self.settings.items()}
        return configure(self.preset, changes, self.origin)

    @property
    def origin(self) -> str:
        """What the base began as, where it is a checkpoint, or one of a checkpoint."""
        from training.models.checkpoints import Checkpoint

        base, before = self.base, ""
        while base != before and base.partition(":")[0] not in RECOMMENDED:
            before = base
            found = Checkpoint.objects.filter(name=base).first()
            base = found.base if found else base
        return base

    def repeat(self) -> TrainingRun:
        """
        A new run, not yet saved, on the same pairs from the same base with the settings that
        this one had, also where its preset has changed since. Raises ValueError.
        """
        if self.dataset is None:
            raise ValueError(
                f"Run {self.pk} never came to freeze its pairs, so it cannot be repeated; "
                "start a new one."
            )
        return TrainingRun(
            collection=self.collection,
            base=self.base,
            preset=self.preset,
            settings={**self.settings, **self._changed_since()},
            dataset=self.dataset,
            again_of=self,
        )

    def _changed_since(self) -> dict[str, str]:
        """Settings whose value in the manifest is no longer what preset and settings give."""
        then = self.manifest.get("config", {})
        now = json.loads(json.dumps(asdict(self.config())))
        return {
            name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in then.items()
            if name in now and now[name] != value
        }


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
