"""Long work is a row: the abstract `Job` that imports, runs, evaluations and builds inherit."""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypedDict, TypeVar

from asgiref.sync import async_to_sync
from celery import current_app
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

LOG_TAIL = 16_000
WRITE_EVERY = 0.5


class JobStopped(Exception):
    """The work must end now; the row already says, or will say, why."""


class JobCancelled(JobStopped):
    """Somebody asked for it."""


class LeaseLost(JobStopped):
    """Another process holds this row; nothing more may be written to it."""


class JobSnapshot(TypedDict):
    kind: str
    pk: int
    status: str
    done: int
    total: int
    unit: str
    message: str
    error: str
    seconds: float
    seconds_left: float | None


J = TypeVar("J", bound="Job")


class JobQuerySet(models.QuerySet[J]):
    def silent(self) -> Self:
        """Running rows whose worker has not been heard of for too long."""
        oldest = timezone.now() - timedelta(seconds=settings.JOB_HEARTBEAT_TIMEOUT)
        return self.filter(status=Job.Status.RUNNING, heartbeat_at__lt=oldest)

    def mark_lost(self) -> int:
        return self.silent().update(
            status=Job.Status.LOST,
            finished_at=timezone.now(),
            error="The worker stopped without a word. Start it again to go on.",
        )


class Job(models.Model):
    """One piece of long work.

    status       set by        means
    queued       enqueue       waits for a worker
    running      start         a worker holds the lease and beats
    succeeded    finish        done
    failed       fail          ended by an error, told in `error`
    cancelled    fail          ended because somebody asked
    lost         mark_lost     the worker vanished; `enqueue` starts it again
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        LOST = "lost"

    task_name: ClassVar[str]
    ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.LOST)

    status = models.CharField(
        max_length=10, choices=Status, default=Status.QUEUED, editable=False, db_index=True
    )
    done = models.PositiveIntegerField(default=0, editable=False)
    total = models.PositiveIntegerField(default=0, editable=False)
    unit = models.CharField(max_length=30, blank=True, editable=False)
    message = models.CharField(max_length=300, blank=True, editable=False)
    error = models.CharField(max_length=1000, blank=True, editable=False)
    traceback = models.TextField(blank=True, editable=False)
    log = models.TextField(blank=True, editable=False)
    cancel_requested = models.BooleanField(default=False, editable=False)
    lease = models.CharField(max_length=32, blank=True, editable=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, editable=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        abstract = True

    _written_at = 0.0

    @property
    def kind(self) -> str:
        return str(self._meta.model_name)

    @property
    def group(self) -> str:
        return f"job.{self.kind}.{self.pk}"

    @property
    def socket_path(self) -> str:
        return f"ws/jobs/{self.kind}/{self.pk}/"

    @property
    def has_ended(self) -> bool:
        return self.status in self.ENDED

    @property
    def seconds(self) -> float:
        if self.started_at is None:
            return 0.0
        return ((self.finished_at or timezone.now()) - self.started_at).total_seconds()

    def snapshot(self) -> JobSnapshot:
        left = None
        if self.status == self.Status.RUNNING and 0 < self.done < self.total:
            left = self.seconds / self.done * (self.total - self.done)
        return JobSnapshot(
            kind=self.kind,
            pk=self.pk,
            status=self.status,
            done=self.done,
            total=self.total,
            unit=self.unit,
            message=self.message,
            error=self.error,
            seconds=round(self.seconds, 1),
            seconds_left=None if left is None else round(left, 1),
        )

    def enqueue(self) -> None:
        """Queue a new row, or again one that ended early; sent once the row is committed.

        What succeeded is not done over: others may stand on its result.
        """
        kept = (self.Status.RUNNING, self.Status.SUCCEEDED)
        self._rows().exclude(status__in=kept).update(
            status=self.Status.QUEUED,
            cancel_requested=False,
            error="",
            traceback="",
            lease="",
            finished_at=None,
        )
        self.refresh_from_db()
        transaction.on_commit(self.send)

    def send(self) -> None:
        """Without a broker the row stays queued; the next worker that starts sends it again."""
        try:
            current_app.send_task(self.task_name, (self.pk,))
        except OperationalError:
            logger.warning("%s %s waits in the database: no broker", self.kind, self.pk)

    def start(self) -> bool:
        """Take the lease. False when another process has it or the row has ended."""
        now = timezone.now()
        self.lease = uuid.uuid4().hex
        taken = (
            self._rows()
            .filter(status=self.Status.QUEUED)
            .update(
                status=self.Status.RUNNING,
                lease=self.lease,
                started_at=now,
                heartbeat_at=now,
                finished_at=None,
                done=0,
                total=0,
                message="",
                error="",
                traceback="",
                log="",
            )
        )
        if taken:
            self.refresh_from_db()
            self.announce()
        return bool(taken)

    def advance(self, done: int, total: int = 0, *, unit: str = "", message: str = "") -> None:
        """Note progress; written at most twice a second. Raises JobCancelled when asked to stop."""
        self.done, self.total = done, total or self.total
        self.unit, self.message = unit or self.unit, (message or self.message)[:300]
        if time.monotonic() - self._written_at < WRITE_EVERY:
            return
        self._written_at = time.monotonic()
        self._write(
            done=self.done,
            total=self.total,
            unit=self.unit,
            message=self.message,
            heartbeat_at=timezone.now(),
        )
        self.announce()
        self.stop_if_cancelled()

    def stop_if_cancelled(self) -> None:
        if self._rows().filter(cancel_requested=True).exists():
            raise JobCancelled("Cancelled on request.")

    def note(self, line: str) -> None:
        """Add one line to the log and show it as the message."""
        self.message = line[:300]
        self.log = f"{self.log}{timezone.now():%H:%M:%S} {line}\n"[-LOG_TAIL:]
        self._write(message=self.message, log=self.log, heartbeat_at=timezone.now())
        self.announce()

    def finish(self, message: str = "") -> None:
        self._end(self.Status.SUCCEEDED, message=(message or self.message)[:300])

    def fail(self, exc: BaseException) -> None:
        """End as failed, or as cancelled where that was the cause. `error` is one sentence."""
        if isinstance(exc, JobCancelled):
            self._end(self.Status.CANCELLED, message="Cancelled on request.")
            return
        text = str(exc).strip() or type(exc).__name__
        self._end(
            self.Status.FAILED,
            error=text.splitlines()[0][:1000],
            traceback="".join(traceback.format_exception(exc)),
        )

    def request_cancel(self) -> None:
        """A queued row ends at once, a running one within a few steps."""
        now: datetime = timezone.now()
        self._rows().filter(status=self.Status.QUEUED).update(
            status=self.Status.CANCELLED, finished_at=now, message="Cancelled before it started."
        )
        self._rows().filter(status=self.Status.RUNNING).update(cancel_requested=True)
        self.refresh_from_db()
        self.announce()

    def announce(self) -> None:
        """Tell the pages that watch. They poll as well, so a broker that is down loses nothing."""
        layer = get_channel_layer()
        if layer is None:
            return
        event = {"type": "job.progress", "snapshot": self.snapshot()}
        try:
            async_to_sync(layer.group_send)(self.group, event)
        except (OSError, RedisError):
            return

    def _rows(self) -> models.QuerySet[Any]:
        return type(self)._default_manager.filter(pk=self.pk)

    def _end(self, status: Status, **values: Any) -> None:
        if status == self.Status.SUCCEEDED and self.total:
            values["done"] = self.total
        self._write(status=status, finished_at=timezone.now(), **values)
        self.refresh_from_db()
        self.announce()

    def _write(self, **values: Any) -> None:
        if not self._rows().filter(lease=self.lease, status=self.Status.RUNNING).update(**values):
            raise LeaseLost(f"{self.kind} {self.pk} is held by another process or has ended.")


def job_models() -> list[type[Job]]:
    """Every concrete kind of job that the installed apps define."""
    from django.apps import apps

    return [model for model in apps.get_models() if issubclass(model, Job)]
