from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from ingest.models import Collection, Image, Import
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
