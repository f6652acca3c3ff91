"""How any job looks and is handled in the admin: start with a confirmation, watch, cancel."""

from typing import Any, ClassVar, TypeVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from jobs.models import Job

M = TypeVar("M", bound=Model)
J = TypeVar("J", bound=Job)


class ConfirmedAdmin(admin.ModelAdmin[M]):
    """Rows that start work: the form first, then what it will do, then the start."""

    confirm_template = "admin/jobs/confirm.html"

    def describe(self, row: M) -> str:
        """What starting it will do and about how long it takes, for the confirmation."""
        raise NotImplementedError

    def confirm_context(self, request: HttpRequest, row: M) -> dict[str, Any]:
        """What the confirmation shows beyond the description and what was chosen."""
        return {}

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Rows of work that was started are looked at, never edited."""
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST" and "_confirmed" not in request.POST:
            if not self.has_add_permission(request):
                raise PermissionDenied
            form = self.get_form(request)(request.POST)
            if form.is_valid():
                return self._confirmation(request, form)
        verb = f"Start {self.opts.verbose_name}"
        context = {
            "title": verb,
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
        }
        return super().add_view(request, form_url, {**context, **(extra_context or {})})

    def _confirmation(self, request: HttpRequest, form: Any) -> HttpResponse:
        shown = [(form[name].label, _written(form.cleaned_data[name])) for name in form.fields]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Start {self.opts.verbose_name}?",
            "opts": self.opts,
            "description": self.describe(form.instance),
            "shown": shown,
            "posted": [(k, v) for k, values in request.POST.lists() for v in values],
            **self.confirm_context(request, form.instance),
        }
        return TemplateResponse(request, self.confirm_template, context)

    def response_add(
        self, request: HttpRequest, obj: M, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, f"{obj} is queued.")
        return HttpResponseRedirect(self.page_of(obj))

    def page_of(self, row: M) -> str:
        return self._url("change", row)

    def _url(self, name: str, row: M) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=[row.pk])


def _written(value: Any) -> Any:
    """Lists and settings as a person writes them; `{}` as nothing."""
    if isinstance(value, dict):
        return ", ".join(f"{name} = {_written(setting)}" for name, setting in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


class JobAdmin(ConfirmedAdmin[J]):
    """`settings_fields` are asked for when a job is started and shown afterwards."""

    settings_fields: tuple[str, ...] = ()
    result_fields: tuple[str, ...] = ()
    list_display: tuple[str, ...] = (
        "__str__",
        "state",
        "progress",
        "started_by",
        "created_at",
        "duration",
    )
    list_filter = ("status",)
    list_select_related: ClassVar[tuple[str, ...]] = ("started_by",)
    change_form_template = "admin/jobs/change_form.html"

    def page_context(self, request: HttpRequest, job: J) -> dict[str, Any]:
        """What its page shows beyond what every job shows."""
        return {}

    def get_fields(self, request: HttpRequest, obj: J | None = None) -> tuple[str, ...]:
        if obj is None:
            return self.settings_fields
        return (*self.settings_fields, *self.result_fields, "log", "traceback")

    def get_readonly_fields(self, request: HttpRequest, obj: J | None = None) -> tuple[str, ...]:
        return () if obj is None else self.get_fields(request, obj)

    @admin.display(description="state", ordering="status")
    def state(self, job: J) -> str:
        return format_html('<span class="job-state {0}">{0}</span>', job.status)

    @admin.display(description="progress")
    def progress(self, job: J) -> str:
        if job.status == Job.Status.RUNNING and job.total:
            return format_html(
                '<progress value="{}" max="{}"></progress> {} of {} {}',
                job.done, job.total, job.done, job.total, job.unit,
            )  # fmt: skip
        return job.error or job.message

    @admin.display(description="took")
    def duration(self, job: J) -> str:
        return f"{job.seconds:.0f} s" if job.started_at else ""

    def save_model(self, request: HttpRequest, obj: J, form: Any, change: bool) -> None:
        obj.started_by_id = request.user.pk
        super().save_model(request, obj, form, change)
        obj.enqueue()

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/progress/", wrap(self.progress_view), name=f"{name}_progress"),
            path("<int:pk>/cancel/", wrap(require_POST(self.cancel_view)), name=f"{name}_cancel"),
            path("<int:pk>/again/", wrap(require_POST(self.again_view)), name=f"{name}_again"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        job = self.get_object(request, object_id)
        context: dict[str, Any] = {"title": str(job or ""), "subtitle": None}
        if job is not None:
            context |= {
                "job": job,
                "may_start": self.has_add_permission(request),
                "progress_url": self._url("progress", job),
                "cancel_url": self._url("cancel", job),
                "again_url": self._url("again", job),
                **self.page_context(request, job),
                "socket_path": f"{reverse('search:page')}{job.socket_path}",
            }
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        return JsonResponse(job.snapshot())

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = self._startable(request, pk)
        job.request_cancel()
        messages.info(request, f"{job} was asked to stop.")
        return HttpResponseRedirect(self.page_of(job))

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = self._startable(request, pk)
        job.enqueue()
        messages.success(request, f"{job} is queued again.")
        return HttpResponseRedirect(self.page_of(job))

    def _startable(self, request: HttpRequest, pk: int) -> J:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)
