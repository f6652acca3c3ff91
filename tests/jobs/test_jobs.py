"""Jobs through their smallest kind, the import row; nothing here reads a corpus."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from ingest.models import Import
from jobs import models
from jobs.models import Job, JobCancelled, LeaseLost
from jobs.running import run
from jobs.tasks import mark_lost_jobs, send_queued_jobs_again

pytestmark = pytest.mark.django_db


def make_job(**over: Any) -> Import:
    return Import.objects.create(**{"collection_name": "c", "path": "/nowhere", **over})


def running_job(silent_for: float = 0.0) -> Import:
    job = make_job()
    assert job.start()
    beat = timezone.now() - timedelta(seconds=silent_for)
    Import.objects.filter(pk=job.pk).update(heartbeat_at=beat)
    return job


def test_work_that_returns_succeeds_with_its_message() -> None:
    job = make_job()
    assert run(job, lambda _: "all done")
    job.refresh_from_db()
    assert (job.status, job.message, job.error) == ("succeeded", "all done", "")
    assert job.finished_at >= job.started_at


def test_work_that_raises_fails_with_one_sentence_and_keeps_the_traceback() -> None:
    def break_down(_: Import) -> str:
        raise RuntimeError("The disk is full.\nsecond line")

    job = make_job()
    with pytest.raises(RuntimeError):
        run(job, break_down)
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", "The disk is full.")
    assert "break_down" in job.traceback


def test_a_redelivered_task_sees_the_lease_and_leaves() -> None:
    job = running_job()
    twin = Import.objects.get(pk=job.pk)
    assert not run(twin, lambda _: pytest.fail("worked twice"))
    job.refresh_from_db()
    assert job.status == "running"


def test_a_job_that_has_ended_is_not_run_again_by_an_old_message() -> None:
    job = make_job()
    run(job, lambda _: "first")
    assert not run(Import.objects.get(pk=job.pk), lambda _: "second")
    job.refresh_from_db()
    assert job.message == "first"


def test_progress_is_written_at_most_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    job = running_job()
    writes: list[int] = []
    monkeypatch.setattr(job, "_write", lambda **values: writes.append(values["done"]))
    clock = iter([100.0 + i * 0.1 for i in range(21)])
    now = [100.0]
    monkeypatch.setattr(models.time, "monotonic", lambda: now[0])
    for done, now[0] in enumerate(clock):
        job.advance(done, 20)
    assert len(writes) == 5
    assert writes[0] == 0
    assert writes[-1] == 20


def test_a_cancelled_job_stops_at_its_next_written_step() -> None:
    job = running_job()
    Import.objects.get(pk=job.pk).request_cancel()
    with pytest.raises(JobCancelled):
        job.advance(1, 10)


def test_cancelling_ends_the_row_as_cancelled_not_failed() -> None:
    def work(job: Import) -> str:
        Import.objects.get(pk=job.pk).request_cancel()
        job.advance(1, 10)
        return "never said"

    job = make_job()
    run(job, work)
    job.refresh_from_db()
    assert (job.status, job.error) == ("cancelled", "")


def test_a_queued_job_is_cancelled_at_once_and_never_starts() -> None:
    job = make_job()
    job.request_cancel()
    assert job.status == "cancelled"
    assert not job.start()


def test_a_silent_job_is_marked_lost_and_a_beating_one_is_not() -> None:
    silent, beating = running_job(silent_for=120), running_job()
    mark_lost_jobs()
    silent.refresh_from_db()
    beating.refresh_from_db()
    assert (silent.status, beating.status) == ("lost", "running")
    assert "Start it again" in silent.error


def test_a_lost_worker_that_wakes_up_can_write_nothing_more() -> None:
    job = running_job(silent_for=120)
    mark_lost_jobs()
    with pytest.raises(LeaseLost):
        job.advance(5, 10)
    with pytest.raises(LeaseLost):
        job.finish("late")


def test_a_lost_job_can_be_queued_and_started_again() -> None:
    job = running_job(silent_for=120)
    mark_lost_jobs()
    job.refresh_from_db()
    job.enqueue()
    assert job.status == "queued"
    assert job.start()
    assert (job.error, job.done) == ("", 0)


def test_a_running_job_is_not_queued_a_second_time() -> None:
    job = running_job()
    Import.objects.get(pk=job.pk).enqueue()
    job.refresh_from_db()
    assert job.status == "running"


def test_what_succeeded_is_not_queued_again() -> None:
    job = make_job()
    run(job, lambda _: "done")
    Import.objects.get(pk=job.pk).enqueue()
    job.refresh_from_db()
    assert job.status == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_queued_rows_are_sent_again_when_a_worker_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(Job, "send", lambda job: sent.append(job.pk))
    waiting = make_job()
    running_job()
    send_queued_jobs_again()
    assert sent == [waiting.pk]


def test_the_log_keeps_its_tail_only() -> None:
    job = running_job()
    for number in range(400):
        job.note(f"line {number} " + "x" * 80)
    assert len(job.log) <= models.LOG_TAIL
    assert "line 399" in job.log


def test_time_left_is_told_from_the_pace_so_far() -> None:
    job = running_job()
    job.started_at = timezone.now() - timedelta(seconds=10)
    job.done, job.total = 25, 100
    left = job.snapshot()["seconds_left"]
    assert left is not None
    assert 29 < left < 32


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_busy_without_a_word_still_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.running.BEAT_EVERY", 0.05)
    job = make_job()
    seen: list[Any] = []

    def work(_: Import) -> str:
        first = Import.objects.get(pk=job.pk).heartbeat_at
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            seen[:] = [first, Import.objects.get(pk=job.pk).heartbeat_at]
            if seen[1] > first:
                break
            threading.Event().wait(0.05)
        return ""

    run(job, work)
    assert seen[1] > seen[0]
