"""Evaluations in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from jobs.admin import JobAdmin
from training.models import Evaluation


@admin.register(Evaluation)
class EvaluationAdmin(JobAdmin[Evaluation]):
    settings_fields = ("checkpoint", "collection", "split", "protocol")
    list_select_related = ("checkpoint", "collection", "started_by")
    result_fields = ("dataset_hash",)
    list_display = (*JobAdmin.list_display, "headline")
    change_form_template = "admin/jobs/evaluation.html"

    def describe(self, job: Evaluation) -> str:
        images = job.collection.images.filter(split=job.split).exclude(caption_clean="").count()
        return (
            f"This encodes {images} {job.split} images of {job.collection} and their captions with "
            f"{job.checkpoint} and ranks them; about {max(images // 40, 2)} s on two cores."
        )

    @admin.display(description="text→image MRR@10")
    def headline(self, job: Evaluation) -> str:
        score = job.score("text→image")
        return f"{score['metrics']['mrr@10']:.3f} of {score['candidates']}" if score else ""

    def page_context(self, request: HttpRequest, job: Evaluation) -> dict[str, Any]:
        shown = [
            {**s, "rows": [(k, v, s["intervals"].get(k)) for k, v in s["metrics"].items()]}
            for s in job.scores
        ]
        return {"scores": shown}
