"""Evaluations in the admin."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from ingest.models import Image
from jobs.admin import JobAdmin
from training import charts
from training.models import Checkpoint, Evaluation
from training.report import Found, Heatmap, Slices, WorstQuery

# Metrics of which less is better.
LESS_IS_BETTER = ("median_rank",)


@admin.register(Evaluation)
class EvaluationAdmin(JobAdmin[Evaluation]):
    settings_fields = ("checkpoint", "collection", "split", "protocol", "baseline")
    list_select_related = ("checkpoint", "collection", "started_by")
    result_fields = ("dataset_hash",)
    list_display = (*JobAdmin.list_display, "headline")
    change_form_template = "admin/jobs/evaluation.html"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The live checkpoint as the baseline, as it is where none is chosen."""
        live = Checkpoint.objects.filter(is_live=True).values_list("pk", flat=True).first()
        given: Mapping[str, Any] = super().get_changeform_initial_data(request)
        return {"baseline": live, **given}

    def describe(self, job: Evaluation) -> str:
        images = job.collection.images.filter(split=job.split).exclude(caption_clean="").count()
        rival = job.rival() if job.judges_corpus else None
        models, compared = (2, f" and with {rival}") if rival else (1, "")
        return (
            f"This encodes {images} {job.split} images of {job.collection} and their captions with "
            f"{job.checkpoint}{compared}, and ranks them; about {max(models * images // 40, 2)} s "
            "on two cores."
        )

    @admin.display(description="text→image MRR@10")
    def headline(self, job: Evaluation) -> str:
        score = job.score("text→image")
        return f"{score['metrics']['mrr@10']:.3f} of {score['candidates']}" if score else ""

    def page_context(self, request: HttpRequest, job: Evaluation) -> dict[str, Any]:
        report = job.report
        # What the product is judged by first: over the whole corpus, by text.
        told = sorted(job.scores, key=lambda score: score["protocol"])
        scores = [_score(job, score) for score in told]
        return {
            "scores": [score for score in scores if score["relevance"] == "strict"],
            "lenient_scores": [score for score in scores if score["relevance"] != "strict"],
            "compared_with": report.get("comparison", {}).get("baseline", ""),
            "slices": _slices(report["slices"]) if "slices" in report else None,
            "heatmap": _heatmap(report["heatmap"]) if "heatmap" in report else None,
            "worst": _worst(report.get("worst", [])),
        }


def _score(job: Evaluation, score: dict[str, Any]) -> dict[str, Any]:
    """A table of one protocol and direction, with the baseline's numbers beside its own."""
    is_corpus = score["protocol"] == Evaluation.Protocol.CORPUS
    compared = job.compared_metrics(score["direction"], score["relevance"]) if is_corpus else {}
    shuffled = score.get("shuffled", {})
    rows = [
        {
            "name": name.replace("_", " "),
            "digits": 1 if name in LESS_IS_BETTER else 3,
            "value": value,
            "interval": score["intervals"].get(name),
            "shuffled": shuffled.get(name),
            "compared": _compared(name, compared.get(name)),
        }
        for name, value in score["metrics"].items()
    ]
    return {**score, "rows": rows, "is_compared": bool(compared), "is_shuffled": bool(shuffled)}


def _compared(name: str, row: dict[str, Any] | None) -> dict[str, Any] | None:
    """`verdict` is empty unless the interval of the difference leaves out 0."""
    if row is None:
        return None
    is_clear = row["low"] > 0 or row["high"] < 0
    is_better = (row["difference"] < 0) == (name in LESS_IS_BETTER)
    digits = 1 if name in LESS_IS_BETTER else 3
    return {
        **row,
        "shown": f"{row['difference']:+.{digits}f}".replace("-", "−"),
        "range": f"{row['low']:+.{digits}f} to {row['high']:+.{digits}f}".replace("-", "−"),
        "p_shown": "< .01" if row["p"] < 0.01 else f"{row['p']:.2f}",
        "verdict": ("better" if is_better else "worse") if is_clear else "",
    }


def _slices(slices: Slices) -> dict[str, Any]:
    highest = max(row["interval"][1] for table in slices["tables"] for row in table["rows"])
    tables = [
        {
            "by": table["by"],
            "rows": [
                {**row, "bar": charts.interval_bar(row["mean"], row["interval"], highest)}
                for row in table["rows"]
            ],
        }
        for table in slices["tables"]
    ]
    return {"metric": slices["metric"], "tables": tables, "highest": highest}


def _heatmap(heatmap: Heatmap) -> dict[str, Any]:
    cosines = np.array(heatmap["cosines"]) / 1000
    others = cosines[~np.eye(len(cosines), dtype=bool)]
    return {
        "drawn": charts.heatmap(heatmap),
        "key": charts.heatmap_key(),
        "size": len(cosines),
        "lowest": float(cosines.min()),
        "highest": float(cosines.max()),
        "own": float(np.diagonal(cosines).mean()),
        "others": float(others.mean()) if others.size else None,
    }


def _worst(worst: list[WorstQuery]) -> list[dict[str, Any]]:
    """Only images that are still there get a picture."""
    numbers = {shown["image"] for miss in worst for shown in [miss, *miss["found"]]}
    there = set(Image.objects.filter(pk__in=numbers).values_list("pk", flat=True))
    return [
        {
            **miss,
            "own": _picture(miss, there),
            "others": [_picture(found, there) for found in miss["found"]],
        }
        for miss in worst
    ]


def _picture(shown: WorstQuery | Found, there: set[int]) -> dict[str, Any]:
    """Pictures are shown by another app; without it, or once deleted, there is the key alone."""
    picture = {"key": shown["key"], "cosine": shown["cosine"], "thumbnail": "", "page": ""}
    if shown["image"] not in there:
        return picture
    try:
        address = {
            "thumbnail": reverse("search:thumbnail", args=[shown["image"]]),
            "page": reverse("search:image", args=[shown["image"]]),
        }
    except NoReverseMatch:
        return picture
    return {**picture, **address}
