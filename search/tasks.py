from celery import shared_task

from jobs.running import run
from search.models import IndexBuild


@shared_task
def run_index_build(pk: int) -> None:
    from search.indexing import build_index

    run(IndexBuild.objects.get(pk=pk), build_index)
