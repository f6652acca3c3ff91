from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from ingest.models import Image
from jobs.admin import JobAdmin
from search.engine import engine_name
from search.models import Feedback, IndexBuild, LiveIndex, Rejection, SearchEvaluation
from training.curves import Chart, Series


class RejectionInline(admin.TabularInline[Rejection, IndexBuild]):
    """What the build could not take in, and why."""

    model = Rejection
    fields = readonly_fields = ("image", "reason")
    extra = 0
    can_delete = False
    verbose_name_plural = "refused images"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rejection]:
        return super().get_queryset(request).select_related("image")


@admin.register(IndexBuild)
class IndexBuildAdmin(JobAdmin[IndexBuild]):
    settings_fields = ("checkpoint", "promote_when_done")
    result_fields = ("engine", "slot", "documents", "fingerprint", "verified_at", "passed")
    list_display = (*JobAdmin.list_display, "documents", "live")
    list_select_related = ("checkpoint", "started_by")

    def describe(self, job: IndexBuild) -> str:
        images = Image.objects.count()
        then = " and then answers searches" if job.promote_when_done else ""
        return (
            f"This encodes all {images} images with {job.checkpoint} into a new index beside the "
            f"live one{then}, in about {max(images // 40, 5)} s on two cores. Searches go on."
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[IndexBuild]:
        live = LiveIndex.objects.filter(build=OuterRef("pk"), engine=engine_name())
        return super().get_queryset(request).annotate(answers=Exists(live))

    @admin.display(description="live", boolean=True)
    def live(self, build: Any) -> bool:
        return bool(build.answers)

    def get_inlines(self, request: HttpRequest, obj: IndexBuild | None = None) -> Any:
        return [RejectionInline] if obj is not None and obj.rejections.exists() else []

    @admin.display(description="verification")
    def passed(self, build: IndexBuild) -> str:
        told = build.verification
        if not told:
            return "Not verified."
        return (
            f"{told['documents']} documents; recall@10 of the graph {told['recall_at_10']:.3f} "
            f"over {told['recall_queries']} searches; {told['golden_found']} of "
            f"{told['golden_queries']} sampled images found by their own picture and caption."
        )

    def get_urls(self) -> list[URLPattern]:
        name = "clipsite_search_indexbuild"
        promote = self.admin_site.admin_view(require_POST(self.promote_view))
        clear = self.admin_site.admin_view(require_POST(self.clear_view))
        return [
            path("<int:pk>/promote/", promote, name=f"{name}_promote"),
            path("<int:pk>/clear/", clear, name=f"{name}_clear"),
            *super().get_urls(),
        ]

    def promote_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act(request, pk, IndexBuild.promote, "Made live: it answers searches now.")

    def clear_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Free the room of a build that nobody searches; the row and its numbers stay."""
        return self._act(request, pk, IndexBuild.clear, "Cleared: its documents are being removed.")

    def _act(
        self, request: HttpRequest, pk: int, action: Callable[[IndexBuild], None], done: str
    ) -> HttpResponse:
        if not request.user.has_perm("clipsite_search.promote_indexbuild"):
            raise PermissionDenied
        build = get_object_or_404(self.get_queryset(request), pk=pk)
        try:
            action(build)
        except ValueError as exc:
            messages.error(request, str(exc))
        else:
            self.log_change(request, build, done)
            messages.success(request, f"{build}: {done[0].lower()}{done[1:]}")
        return HttpResponseRedirect(self.page_of(build))

    def page_context(self, request: HttpRequest, job: IndexBuild) -> dict[str, Any]:
        may = request.user.has_perm("clipsite_search.promote_indexbuild")
        if not may or not job.may_be_cleared:
            return {}
        actions = [("Remove its documents", "clear")]
        if job.can_answer:
            actions.insert(0, ("Make it live", "promote"))
        return {
            "job_actions": [
                {"label": label, "url": self._url(name, job), "method": "post"}
                for label, name in actions
            ]
        }


@admin.register(SearchEvaluation)
class SearchEvaluationAdmin(JobAdmin[SearchEvaluation]):
    settings_fields = ("collection", "split", "most_queries", "masked")
    result_fields = ("build", "dataset_hash")
    list_display = (*JobAdmin.list_display, "half_and_half")
    list_select_related = ("collection", "started_by")
    change_form_template = "admin/jobs/search_evaluation.html"

    def describe(self, job: SearchEvaluation) -> str:
        captioned = job.collection.images.filter(split=job.split).exclude(caption_clean="").count()
        captions = min(captioned, job.most_queries)
        return (
            f"This asks the live index {4 * captions} questions, {captions} captions of the "
            f"{job.split} split of {job.collection} in four forms, about {max(captions // 2, 2)} s "
            "on two cores. Searches go on, somewhat slower."
        )

    @admin.display(description="conversational MRR@10, α = .5")
    def half_and_half(self, job: SearchEvaluation) -> str:
        for form in job.result.get("forms", ())[-1:]:
            for mode in form["modes"]:
                if mode["alpha"] == 0.5:
                    return f"{mode['metrics']['mrr@10']:.3f} of {job.result['candidates']}"
        return ""

    def page_context(self, request: HttpRequest, job: SearchEvaluation) -> dict[str, Any]:
        if not job.result:
            return {}
        forms = [
            {**form, "modes": _modes(form["modes"], job.METRICS)} for form in job.result["forms"]
        ]
        return {
            "result": job.result,
            "forms": forms,
            "metric_names": job.METRICS,
            "figures": [alpha_chart(job.result["forms"])],
        }


def _modes(modes: list[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of a table; the ends of α are the two legs, which stand there by name."""
    best = max(mode["metrics"]["mrr@10"] for mode in modes)
    return [
        {
            "name": mode["mode"] if mode["alpha"] is None else f"hybrid, α = {mode['alpha']:.1f}",
            "cells": [(mode["metrics"][name], mode["intervals"][name]) for name in names],
            "is_best": best > 0 and mode["metrics"]["mrr@10"] == best,
        }
        for mode in modes
        if mode["alpha"] not in (0.0, 1.0)
    ]


def alpha_chart(forms: Sequence[dict[str, Any]]) -> Chart:
    """MRR@10 from words alone to pictures alone, a line for each form of query."""
    lines = [
        [(m["alpha"], m["metrics"]["mrr@10"]) for m in form["modes"] if m["alpha"] is not None]
        for form in forms
    ]
    return Chart(
        title="MRR@10 over α",
        x_label="α, from words alone to pictures alone",
        y_label="MRR@10",
        series=tuple(
            Series(form["form"], line, colour, marked=True)
            for colour, (form, line) in enumerate(zip(forms, lines, strict=True))
        ),
    )


@admin.register(Feedback)
class FeedbackAdmin(admin.ModelAdmin[Feedback]):
    list_display = ("turn", "image", "user", "value", "updated_at")
    list_filter = ("value",)
    list_select_related = ("turn", "image", "user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Feedback | None = None) -> bool:
        return False
