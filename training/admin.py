from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html

from jobs.admin import JobAdmin
from training.curves import loss_curve
from training.models import Checkpoint, Evaluation, TrainingRun


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
    actions = _checkpoint_actions(run.checkpoint) if hasattr(run, "checkpoint") else []
    return {
        "curve": loss_curve(run),
        "curve_url": reverse("admin:clipsite_training_trainingrun_curve", args=[run.pk]),
        "epochs": rows,
        "metric_names": names,
        "job_actions": actions,
    }


def _checkpoint_actions(checkpoint: Checkpoint) -> list[dict[str, str]]:
    """Links to the forms that go on from a checkpoint. The index form belongs to another app."""
    evaluate = reverse("admin:clipsite_training_evaluation_add")
    collection = f"&collection={checkpoint.run.collection_id}" if checkpoint.run else ""
    actions = [{"label": "Evaluate", "url": f"{evaluate}?checkpoint={checkpoint.pk}{collection}"}]
    try:
        build = reverse("admin:clipsite_search_indexbuild_add")
    except NoReverseMatch:
        return actions
    return [*actions, {"label": "Build index", "url": f"{build}?checkpoint={checkpoint.pk}"}]


@admin.register(Checkpoint)
class CheckpointAdmin(admin.ModelAdmin[Checkpoint]):
    list_display = ("name", "base", "dimension", "created_at", "next_steps")
    list_select_related = ("run",)
    readonly_fields = ("name", "run", "base", "dimension", "fingerprint", "folder", "next_steps")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="")
    def next_steps(self, checkpoint: Checkpoint) -> str:
        evaluate, *build = _checkpoint_actions(checkpoint)
        links = format_html('<a href="{}">{}</a>', evaluate["url"], evaluate["label"])
        for action in build:
            links += format_html(' · <a href="{}">{}</a>', action["url"], action["label"])
        return links


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
