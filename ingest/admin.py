from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from ingest.leakage import KINDS, leakage_line
from ingest.models import Collection, DatasetVersion, Image, Import
from ingest.readers import readable_path
from jobs.admin import JobAdmin

MOST_ISSUES = 500


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin[Collection]):
    list_display = ("name", "size", "synthetic", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        return super().get_queryset(request).annotate(size=Count("images"))

    @admin.display(description="images", ordering="size")
    def size(self, collection: Any) -> int:
        return int(collection.size)


@admin.register(Image)
class ImageAdmin(admin.ModelAdmin[Image]):
    list_display = ("picture", "external_id", "short_caption", "modality", "anatomy", "split")
    list_display_links = ("picture", "external_id")
    list_filter = ("collection", "modality", "anatomy", "sex", "split", "licence")
    search_fields = ("external_id", "caption")
    list_select_related = ("collection",)
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = ("picture", "external_id", "collection", "source_name", "truth")

    @admin.display(description="")
    def picture(self, image: Image) -> str:
        return format_html(
            '<img src="{}" alt="" height="64" loading="lazy">',
            reverse("search:thumbnail", args=[image.pk]),
        )

    @admin.display(description="caption")
    def short_caption(self, image: Image) -> str:
        return image.caption[:120]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(DatasetVersion)
class DatasetVersionAdmin(admin.ModelAdmin[DatasetVersion]):
    list_display = ("__str__", "size", "sides", "leaks", "created_at")
    list_select_related = ("collection",)
    list_filter = ("collection",)
    fields = readonly_fields = ("collection", "sha256", "sides", "created_at")
    change_form_template = "admin/jobs/dataset_version.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: DatasetVersion | None = None
    ) -> bool:
        return False

    @admin.display(description="images")
    def size(self, version: DatasetVersion) -> int:
        return version.size

    @admin.display(description="by side")
    def sides(self, version: DatasetVersion) -> str:
        return ", ".join(f"{side or 'no side'} {n:,}" for side, n in version.counts.items())

    @admin.display(description="leakage")
    def leaks(self, version: DatasetVersion) -> str:
        return leakage_line(version.leakage)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if version is not None:
            context = {
                "title": f"Dataset {version}",
                "subtitle": None,
                "version": version,
                "leakage_line": leakage_line(version.leakage),
                "leakage": leakage_rows(version),
            }
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )


def leakage_rows(version: DatasetVersion) -> list[dict[str, Any]]:
    """What was found of each kind, the examples with thumbnails where the images still are."""
    findings = {kind: version.leakage[kind] for kind in KINDS if version.leakage[kind]["count"]}
    keys = {
        key
        for finding in findings.values()
        for example in finding["examples"]
        for _, key in example["images"]
    }
    rows = version.collection.images.filter(external_id__in=keys)
    numbers = dict(rows.values_list("external_id", "pk"))
    return [
        {
            **finding,
            "title": f"{finding['count']:,} {KINDS[kind][finding['count'] > 1]}",
            "kind": kind,
            "examples": [
                {
                    "what": example["what"],
                    "images": [
                        {"side": side, "key": key, "thumbnail": _thumbnail(numbers.get(key))}
                        for side, key in example["images"]
                    ],
                }
                for example in finding["examples"]
            ],
        }
        for kind, finding in findings.items()
    ]


def _thumbnail(pk: int | None) -> str:
    """The view that serves it belongs to another app."""
    if pk is None:
        return ""
    try:
        return reverse("search:thumbnail", args=[pk])
    except NoReverseMatch:
        return ""


class ImportForm(forms.ModelForm[Import]):
    class Meta:
        model = Import
        fields = ("collection_name", "format", "path", "dry_run")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("format") != Import.Format.PHANTOMS:
            try:
                path = readable_path(values.get("path", ""), settings.IMPORT_ROOTS)
            except ValueError as exc:
                raise ValidationError({"path": str(exc)}) from exc
            values["path"] = str(path)
        return values


@admin.register(Import)
class ImportAdmin(JobAdmin[Import]):
    form = ImportForm
    settings_fields = ("collection_name", "format", "path", "dry_run")
    result_fields = ("created", "updated", "unchanged", "refused")
    change_form_template = "admin/jobs/import.html"

    def describe(self, job: Import) -> str:
        if job.dry_run:
            return "This only reads and reports. Nothing is changed."
        return (
            "This reads the source and stores its images; it takes about a second for every "
            "hundred small images. Images that are there already stay as they are."
        )

    def page_context(self, request: HttpRequest, job: Import) -> dict[str, Any]:
        issues = job.issues.all()
        return {"issues": issues[:MOST_ISSUES], "issue_count": issues.count()}
