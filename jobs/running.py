"""Run one job: take the lease, keep the heart beating, save the outcome."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from django.db import OperationalError, connection
from django.utils import timezone

from jobs.models import Job, JobStopped, LeaseLost

logger = logging.getLogger(__name__)

BEAT_EVERY = 3.0

J = TypeVar("J", bound=Job)


def run(job: J, work: Callable[[J], str]) -> bool:
    """Do `work(job)` once; it returns the closing message. False if the lease was not to be had.

    Cancelling and a lost lease end quietly, every other error is saved and raised again.
    """
    if not job.start():
        logger.info("%s %s is already taken or has ended", job.kind, job.pk)
        return False
    stop = threading.Event()
    threading.Thread(target=_beat, args=(job, stop), daemon=True).start()
    try:
        message = work(job)
        job.finish(message)
    except LeaseLost as lost:
        logger.warning("%s", lost)
    except JobStopped as stopped:
        job.fail(stopped)
    except BaseException as exc:
        logger.exception("%s %s failed", job.kind, job.pk)
        job.fail(exc)
        raise
    finally:
        stop.set()
    return True


def _beat(job: Job, stop: threading.Event) -> None:
    """Beat from a thread, since loading a model or one slow batch is silent but not lost."""
    rows = type(job)._default_manager.filter(pk=job.pk, lease=job.lease)
    try:
        while not stop.wait(BEAT_EVERY):
            # A database that is busy for one beat is no reason to stop beating.
            with suppress(OperationalError):
                rows.filter(status=Job.Status.RUNNING).update(heartbeat_at=timezone.now())
    finally:
        connection.close()
