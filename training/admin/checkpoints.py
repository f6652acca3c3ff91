"""Checkpoints in the admin, and what can be done with one next."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from training.models import Checkpoint


def checkpoint_actions(checkpoint: Checkpoint) -> list[dict[str, str]]:
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
        evaluate, *build = checkpoint_actions(checkpoint)
        links = format_html('<a href="{}">{}</a>', evaluate["url"], evaluate["label"])
        for action in build:
            links += format_html(' · <a href="{}">{}</a>', action["url"], action["label"])
        return links
