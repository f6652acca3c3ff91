"""Models that can encode."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from training.models.runs import TrainingRun

if TYPE_CHECKING:
    from training.clip.encoder import DualEncoder


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
    is_live = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_used(self) -> bool:
        """Whether rows of any app stand on it: evaluations, index builds."""
        return any(
            relation.related_model._default_manager.filter(**{relation.field.name: self}).exists()
            for relation in self._meta.related_objects
        )

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
