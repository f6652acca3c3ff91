from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from ingest.models import Image
from jobs.admin import JobAdmin
from search.models import Feedback, IndexBuild, LiveIndex


@admin.register(IndexBuild)
class IndexBuildAdmin(JobAdmin[IndexBuild]):
    settings_fields = ("checkpoint", "promote_when_done")
    result_fields = ("documents", "fingerprint", "verified_at")
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
        live = LiveIndex.objects.filter(build=OuterRef("pk"))
        return super().get_queryset(request).annotate(answers=Exists(live))

    @admin.display(description="live", boolean=True)
    def live(self, build: Any) -> bool:
        return bool(build.answers)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.promote_view))
        name = "clipsite_search_indexbuild_promote"
        return [path("<int:pk>/promote/", view, name=name), *super().get_urls()]

    def promote_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perm("clipsite_search.promote_indexbuild"):
            raise PermissionDenied
        build = get_object_or_404(self.get_queryset(request), pk=pk)
        try:
            build.promote()
        except ValueError as exc:
            messages.error(request, str(exc))
        else:
            self.log_change(request, build, "Made live.")
            messages.success(request, f"{build} answers searches now.")
        return HttpResponseRedirect(self.page_of(build))

    def page_context(self, request: HttpRequest, job: IndexBuild) -> dict[str, Any]:
        may_promote = request.user.has_perm("clipsite_search.promote_indexbuild")
        if not job.verified_at or job.is_live or not may_promote:
            return {}
        url = reverse("admin:clipsite_search_indexbuild_promote", args=[job.pk])
        return {"job_actions": [{"label": "Make it live", "url": url, "method": "post"}]}


@admin.register(Feedback)
class FeedbackAdmin(admin.ModelAdmin[Feedback]):
    list_display = ("turn", "image", "user", "value", "updated_at")
    list_filter = ("value",)
    list_select_related = ("turn", "image", "user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Feedback | None = None) -> bool:
        return False
