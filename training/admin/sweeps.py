"""Sweeps in the admin: several runs with one click, and what came of them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from jobs.admin import ConfirmedAdmin
from training.admin.runs import leakage_context
from training.comparing import best_epoch
from training.figures import VALIDATION
from training.models import Sweep, TrainingRun, preset_choices
from training.sweeps import SEED_PRESETS, parse_grid, plan, save, say_cost

RUN = "admin:clipsite_training_trainingrun"


class SweepForm(forms.ModelForm[Sweep]):
    presets = forms.MultipleChoiceField(
        choices=preset_choices,
        initial=SEED_PRESETS,
        widget=forms.CheckboxSelectMultiple,
        help_text="One run for each; the five of the seed are chosen already.",
    )
    grid = forms.JSONField(
        required=False,
        initial=dict,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text='Every preset with every choice, e.g. {"learning_rate": ["5e-5", "1e-4"]}.',
    )

    class Meta:
        model = Sweep
        fields = ("name", "collection", "base")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.errors:
            return values
        try:
            grid = parse_grid(values["grid"] or {})
            self.runs = plan(values["collection"], values["base"], values["presets"], grid)
        except ValueError as exc:
            raise ValidationError(str(exc)) from exc
        return values

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        sweep: Any = self.instance
        sweep.planned = getattr(self, "runs", [])


@admin.register(Sweep)
class SweepAdmin(ConfirmedAdmin[Sweep]):
    form = SweepForm
    list_display = ("name", "collection", "base", "size", "started_by", "created_at")
    list_select_related = ("collection", "started_by")
    change_form_template = "admin/jobs/sweep.html"
    confirm_template = "admin/jobs/confirm_training.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(run_count=Count("runs"))

    @admin.display(description="runs", ordering="run_count")
    def size(self, sweep: Any) -> int:
        return int(sweep.run_count)

    def get_fields(self, request: HttpRequest, obj: Sweep | None = None) -> tuple[str, ...]:
        chosen = ("name", "collection", "base")
        return (*chosen, "presets", "grid") if obj is None else chosen

    def get_readonly_fields(self, request: HttpRequest, obj: Sweep | None = None) -> Any:
        return () if obj is None else (*self.get_fields(request, obj), "started_by")

    def describe(self, row: Any) -> str:
        return f"This queues {say_cost(row.planned)}. The live index stays as it is."

    def confirm_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return leakage_context(row.planned[0])

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.started_by_id = request.user.pk
        save(obj, obj.planned)
        for run in obj.planned:
            run.enqueue()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        sweep = self.get_object(request, object_id)
        context = sweep_context(sweep) if sweep else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )


def sweep_context(sweep: Sweep) -> dict[str, Any]:
    runs = list(sweep.runs.order_by("pk").prefetch_related("epoch_points"))
    ids = ",".join(str(run.pk) for run in runs)
    rows = [_row(run) for run in runs]
    known = [row["mrr"] for row in rows if row["mrr"] is not None]
    for row in rows:
        row["best"] = bool(known) and row["mrr"] == max(known)
    return {
        "title": str(sweep),
        "subtitle": None,
        "sweep_rows": rows,
        "compare_url": f"{reverse(f'{RUN}_compare')}?ids={ids}" if len(runs) > 1 else "",
    }


def _row(run: TrainingRun) -> dict[str, Any]:
    point = best_epoch(run)
    metrics = point.metrics if point else {}
    return {
        "run": run,
        "url": reverse(f"{RUN}_change", args=[run.pk]),
        "settings": ", ".join(f"{name} = {value}" for name, value in run.settings.items()),
        "mrr": metrics.get(VALIDATION),
        "epoch": point.epoch if point else None,
        "loss": point.validation_loss if point else None,
    }
