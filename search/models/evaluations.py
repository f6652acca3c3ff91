"""How good the search itself is, as rows."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from ingest.models import Collection, Image
from jobs.models import Job
from search.models.builds import IndexBuild


class SearchEvaluation(Job):
    """`search-v1`: captions of one split as queries, end to end through the live index.

    `result` is a `search.judging.Result`.
    """

    task_name = "search.tasks.run_search_evaluation"
    METRICS = ("mrr@10", "ndcg@10", "recall@10")

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="search_evaluations"
    )
    split = models.CharField(max_length=10, choices=Image.Split, default=Image.Split.TEST)
    most_queries = models.PositiveIntegerField(
        "most captions",
        default=200,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="So many captions at most, always the same ones; each is asked in four forms.",
    )
    masked = models.BooleanField(
        default=True,
        help_text="Take an image's own caption out of the words it is found by; otherwise a "
        "caption finds itself.",
    )
    build = models.ForeignKey(
        IndexBuild, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    dataset_hash = models.CharField(max_length=64, blank=True, editable=False)
    result = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"search-v1 on {self.collection} {self.split}"
