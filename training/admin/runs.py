"""Runs in the admin: start, watch, repeat, compare."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from ingest.admin import leakage_rows
from ingest.datasets import version_to_show
from ingest.errors import IngestError
from ingest.leakage import leakage_line
from jobs.admin import JobAdmin
from training import comparing
from training.admin.checkpoints import checkpoint_actions
from training.figures import compared_figures, figures_of
from training.models import TrainingRun
from training.sweeps import pairs_in_training, pairs_to_see

NAME = "admin:clipsite_training_trainingrun"
MOST_COMPARED = 12


@admin.register(TrainingRun)
class TrainingRunAdmin(JobAdmin[TrainingRun]):
    settings_fields = ("collection", "base", "preset", "settings")
    list_select_related = ("collection", "started_by")
    change_form_template = "admin/jobs/training_run.html"
    confirm_template = "admin/jobs/confirm_training.html"
    actions = ("compare",)

    def describe(self, row: TrainingRun) -> str:
        pairs = pairs_in_training(row.collection)
        config = row.config()
        return (
            f"This tunes {row.base} on {pairs:,} captioned images of {row.collection}, at most "
            f"{config.epochs} epochs or {pairs_to_see(config, pairs):,} pairs, on the GPU worker. "
            "The live index stays as it is until you build a new one from the checkpoint."
        )

    def confirm_context(self, request: HttpRequest, row: TrainingRun) -> dict[str, Any]:
        return leakage_context(row)

    @admin.action(description="Compare the chosen runs", permissions=["view"])
    def compare(self, request: HttpRequest, queryset: QuerySet[TrainingRun]) -> HttpResponse:
        ids = ",".join(str(pk) for pk in queryset.order_by("pk").values_list("pk", flat=True))
        return HttpResponseRedirect(f"{reverse(f'{NAME}_compare')}?ids={ids}")

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "clipsite_training_trainingrun"
        repeat = wrap(require_POST(self.repeat_view))
        return [
            path("compare/", wrap(self.compare_view), name=f"{name}_compare"),
            path("<int:pk>/live/", wrap(self.live_view), name=f"{name}_live"),
            path("<int:pk>/repeat/", repeat, name=f"{name}_repeat"),
            *super().get_urls(),
        ]

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What of the page changes while the run goes on, as HTML."""
        run = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        return render(request, "admin/jobs/_training_live.html", _live(run))

    def repeat_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._startable(request, pk)
        try:
            again = run.repeat()
        except ValueError as exc:
            messages.error(request, str(exc))
            return redirect(self.page_of(run))
        again.started_by_id = request.user.pk
        again.save()
        again.enqueue()
        messages.success(request, f"{again} is queued, with the settings and pairs of run {pk}.")
        return redirect(self.page_of(again))

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        runs = self._chosen(request)
        if len(runs) < 2:
            messages.error(request, "Choose two runs or more to compare.")
            return redirect(f"{NAME}_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Compare {len(runs)} runs",
            "opts": self.opts,
            "runs": [{"run": run, "url": self.page_of(run)} for run in runs],
            "settings": comparing.differing_settings(runs),
            "figures": compared_figures(runs),
            "metrics": comparing.final_metrics(runs),
            "judged": comparing.judged_alike(runs),
        }
        return TemplateResponse(request, "admin/jobs/compare_runs.html", context)

    def _chosen(self, request: HttpRequest) -> list[TrainingRun]:
        """In the order in which they are named, at most MOST_COMPARED."""
        words = [word for word in request.GET.get("ids", "").split(",") if word]
        if not all(word.isdecimal() and len(word) < 19 for word in words):
            raise Http404
        rows = self.get_queryset(request).select_related("collection", "dataset", "checkpoint")
        children = ("epoch_points", "step_points", "checkpoint__evaluations")
        found = rows.prefetch_related(*children).in_bulk(
            [int(word) for word in words[:MOST_COMPARED]]
        )
        return list(dict.fromkeys(found[int(word)] for word in words if int(word) in found))

    def page_context(self, request: HttpRequest, job: TrainingRun) -> dict[str, Any]:
        actions = checkpoint_actions(job.checkpoint) if hasattr(job, "checkpoint") else []
        if job.has_ended and job.dataset:
            url = self._url("repeat", job)
            actions.append({"label": "Run again on the same pairs", "url": url, "method": "post"})
        return {
            **_live(job),
            "live_url": self._url("live", job),
            "job_actions": actions,
            "settings": comparing.settings_table(job),
            "leakage_line": leakage_line(job.dataset.leakage) if job.dataset else "",
            "manifest_text": json.dumps(job.manifest, indent=2, ensure_ascii=False),
        }


def leakage_context(run: TrainingRun) -> dict[str, Any]:
    """For a confirmation: what leaks in the pairs that the run would be trained on."""
    if not run.collection.images.exclude(caption_clean="").exists():
        return {}
    try:
        version = version_to_show(run.collection)
    except IngestError:
        # The run will say what keeps it from being written.
        version = None
    if version is None:
        return {"unmeasured": run.collection.name}
    return {
        "version": version,
        "leakage_line": leakage_line(version.leakage),
        "leakage": leakage_rows(version),
    }


def _live(run: TrainingRun) -> dict[str, Any]:
    epochs = list(run.epoch_points.all())
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch.metrics))
    rows = [
        {"epoch": epoch, "values": [epoch.metrics.get(name) for name in names]} for epoch in epochs
    ]
    return {
        "figures": figures_of(run),
        "numbers": _numbers(run),
        "epochs": rows,
        "metric_names": names,
    }


def _numbers(run: TrainingRun) -> list[tuple[str, str]]:
    """Name and value, as they are to be read."""
    last = run.step_points.last()
    if last is None:
        return []
    config = comparing.config_of(run)
    left = run.snapshot()["seconds_left"]
    numbers = [
        ("epoch", f"{last.epoch} of {config.get('epochs', '?')}"),
        ("step", f"{last.step:,}" + (f" of {run.total:,}" if run.unit == "steps" else "")),
        ("pairs seen", _pairs_seen(run, last.step)),
        ("pairs per second", f"{last.pairs_per_second:,.0f}"),
    ]
    if left is not None and run.unit == "steps":
        numbers.append(("time left", _duration(left)))
    return numbers


def _pairs_seen(run: TrainingRun, step: int) -> str:
    """Exact once the run has ended, before that the share of the steps that are done."""
    if run.has_ended and "outcome" in run.manifest:
        return f"{run.manifest['outcome']['pairs_seen']:,}"
    if run.unit != "steps" or not run.total or run.dataset is None:
        return "–"
    try:
        in_all = pairs_to_see(run.config(), run.dataset.counts.get("train", 0))
    except ValueError:
        return "–"
    return f"about {round(in_all * step / run.total):,}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
