"""What is in the corpus: collections, images with their captions and facts, imports."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import storages
from django.db import models
from django.utils.translation import gettext as _

from ingest.vocabulary import label_of
from jobs.models import Job


class Unchangeable(Exception):
    """The row stands for something that was; the message says what to do instead."""


def media_storage() -> Any:
    return storages["default"]


class Collection(models.Model):
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    synthetic = models.BooleanField(
        default=False, help_text="Drawn by a program. Its images are labelled so wherever shown."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Image(models.Model):
    class Split(models.TextChoices):
        TRAIN = "train"
        VALIDATION = "validation"
        TEST = "test"

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="images")
    external_id = models.CharField(max_length=200, help_text="The image's name in its source.")
    source_name = models.CharField(max_length=500, help_text="Path inside the source, at import.")
    sha256 = models.CharField(max_length=64, db_index=True, editable=False)
    file = models.FileField(storage=media_storage, max_length=120, editable=False)
    thumbnail = models.FileField(storage=media_storage, max_length=120, editable=False)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)

    caption = models.TextField(blank=True, help_text="As given.")
    caption_clean = models.TextField(blank=True, editable=False, help_text="As read by the model.")
    modality = models.CharField(max_length=20, blank=True, db_index=True)
    anatomy = models.CharField(max_length=20, blank=True, db_index=True)
    sex = models.CharField(max_length=10, blank=True)
    age = models.FloatField(null=True, blank=True, help_text="Years.")
    laterality = models.CharField(max_length=10, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=500, blank=True)
    credit = models.TextField(blank=True)
    group_key = models.CharField(
        max_length=200, db_index=True, help_text="Article, case or patient: never split apart."
    )
    split = models.CharField(max_length=10, choices=Split, blank=True, db_index=True)
    perceptual_hash = models.CharField(max_length=64, blank=True, editable=False)
    truth = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "external_id"], name="one_image_per_external_id"
            )
        ]

    def __str__(self) -> str:
        return self.external_id

    @property
    def alt(self) -> str:
        """What is said in place of the picture."""
        if self.caption:
            return self.caption
        known = [
            label_of(field, value)
            for field, value in (("modality", self.modality), ("anatomy", self.anatomy))
            if value
        ]
        return _("%s, without a caption") % (", ".join(known) or self.external_id)

    @property
    def modality_label(self) -> str:
        return label_of("modality", self.modality)

    @property
    def anatomy_label(self) -> str:
        return label_of("anatomy", self.anatomy)


class DatasetVersionQuerySet(models.QuerySet["DatasetVersion"]):
    def update(self, **values: Any) -> int:
        raise Unchangeable("A dataset version is never changed; freeze the collection again.")


class DatasetVersion(models.Model):
    """
    The captioned images of a collection as they were once: never changed, named by its hash.

    `sha256`: of its manifest, which `ingest.datasets` writes and reads. `counts`: images by
    split. `leakage`: what stands on more than one side of the split, by `ingest.leakage`.
    A version that runs were trained on cannot be deleted (they hold it by PROTECT).
    """

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="versions")
    sha256 = models.CharField(max_length=64, editable=False)
    counts = models.JSONField(default=dict, editable=False)
    leakage = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DatasetVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["collection", "sha256"], name="one_version_per_content")
        ]

    def __str__(self) -> str:
        return f"{self.collection} {self.sha256[:8]}"

    def save(self, *args: Any, **values: Any) -> None:
        if not self._state.adding:
            raise Unchangeable("A dataset version is never changed; freeze the collection again.")
        super().save(*args, **values)

    @property
    def size(self) -> int:
        """Captioned images on all sides."""
        return sum(self.counts.values())


class Import(Job):
    task_name = "ingest.tasks.run_import"

    class Format(models.TextChoices):
        AUTO = "auto", "recognise it"
        CSV = "csv", "CSV with columns file, caption, …"
        IMAGECLEF2017 = "imageclef2017", "ImageCLEF 2017 folders"
        FOLDER = "folder", "folder of images with .txt captions"
        PHANTOMS = "phantoms", "synthetic demo corpus"

    collection_name = models.CharField(max_length=100)
    path = models.CharField(max_length=1000, blank=True, help_text="Folder or CSV file to read.")
    format = models.CharField(max_length=20, choices=Format, default=Format.AUTO)
    dry_run = models.BooleanField(default=False, help_text="Only report what would change.")
    collection = models.ForeignKey(
        Collection, null=True, on_delete=models.SET_NULL, related_name="imports", editable=False
    )
    created = models.PositiveIntegerField(default=0, editable=False)
    updated = models.PositiveIntegerField(default=0, editable=False)
    unchanged = models.PositiveIntegerField(default=0, editable=False)
    refused = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"import {self.pk} into {self.collection_name}"


class ImportIssue(models.Model):
    """One record that was refused, or taken in with something put right."""

    import_run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="issues")
    line = models.PositiveIntegerField()
    record = models.CharField(max_length=500, blank=True)
    reason = models.CharField(max_length=500)
    refused = models.BooleanField(default=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
