"""Runs in the admin: start, watch, compare."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse

from jobs.admin import JobAdmin
from training.admin.checkpoints import checkpoint_actions
from training.curves import loss_curve
from training.models import TrainingRun


@admin.register(TrainingRun)
class TrainingRunAdmin(JobAdmin[TrainingRun]):
    settings_fields = ("collection", "base", "preset", "settings")
    list_select_related = ("collection", "started_by")
    change_form_template = "admin/jobs/training_run.html"

    def describe(self, job: TrainingRun) -> str:
        pairs = job.collection.images.filter(split="train").exclude(caption_clean="").count()
        config = job.config()
        seen = (config.samples_per_epoch or pairs) * config.epochs
        return (
            f"This tunes {job.base} on {pairs} captioned images of {job.collection}, at most "
            f"{config.epochs} epochs or {seen} pairs, on the GPU worker. The live index stays as "
            "it is until you build a new one from the checkpoint."
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.curve_view)
        name = "clipsite_training_trainingrun_curve"
        return [path("<int:pk>/curve.svg", view, name=name), *super().get_urls()]

    def curve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = get_object_or_404(self.get_queryset(request), pk=pk)
        return HttpResponse(loss_curve(run), content_type="image/svg+xml")

    def page_context(self, request: HttpRequest, job: TrainingRun) -> dict[str, Any]:
        return _result(job)


def _result(run: TrainingRun) -> dict[str, Any]:
    epochs = list(run.epoch_points.all())
    names = sorted({name for epoch in epochs for name in epoch.metrics})
    rows = [
        {
            "epoch": epoch.epoch,
            "train_loss": epoch.train_loss,
            "validation_loss": epoch.validation_loss,
            "selected": epoch.selected,
            "values": [epoch.metrics.get(name) for name in names],
        }
        for epoch in epochs
    ]
    actions = checkpoint_actions(run.checkpoint) if hasattr(run, "checkpoint") else []
    return {
        "curve": loss_curve(run),
        "curve_url": reverse("admin:clipsite_training_trainingrun_curve", args=[run.pk]),
        "epochs": rows,
        "metric_names": names,
        "job_actions": actions,
    }
