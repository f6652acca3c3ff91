"""How good a checkpoint is, as rows."""

from __future__ import annotations

from typing import Any

from django.db import models

from ingest.models import Collection, Image
from jobs.models import Job
from training.models.checkpoints import Checkpoint


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
    baseline = models.ForeignKey(
        Checkpoint,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Compare with this one, query by query.",
    )
    scores = models.JSONField(default=list, editable=False)
    report = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.checkpoint} on {self.collection} {self.split}"

    @property
    def judges_corpus(self) -> bool:
        return self.protocol in ("", self.Protocol.CORPUS)

    def rival(self) -> Checkpoint | None:
        """What it has to beat: the baseline, or else the checkpoint that answers searches now.

        None where that is the judged one itself.
        """
        others = Checkpoint.objects.exclude(pk=self.checkpoint_id)
        if self.baseline_id is not None:
            return others.filter(pk=self.baseline_id).first()
        return others.filter(is_live=True).first()

    def compared_metrics(self, direction: str, relevance: str) -> dict[str, dict[str, Any]]:
        """By metric, how one row of `scores` of corpus-v1 differs from the baseline's."""
        return {
            row["metric"]: row
            for row in self.report.get("comparison", {}).get("rows", ())
            if (row["direction"], row["relevance"]) == (direction, relevance)
        }

    def score(self, direction: str, relevance: str = "strict") -> dict[str, Any] | None:
        """The corpus-v1 numbers of one direction."""
        for score in self.scores:
            if (score["protocol"], score["direction"], score["relevance"]) == (
                self.Protocol.CORPUS, direction, relevance,
            ):  # fmt: skip
                return dict(score)
        return None
