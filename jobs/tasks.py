from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.db import close_old_connections

from jobs.models import Job, job_models


@shared_task
def mark_lost_jobs() -> None:
    for model in job_models():
        model.objects.mark_lost()


@worker_ready.connect
def send_queued_jobs_again(**kwargs: Any) -> None:
    """A message that died with its broker is made anew from the row; doubles see the lease."""
    close_old_connections()
    for model in job_models():
        for job in model.objects.filter(status=Job.Status.QUEUED):
            job.send()
