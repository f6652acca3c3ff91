from celery import shared_task

from ingest.models import Import
from jobs.running import run


@shared_task
def run_import(pk: int) -> None:
    from ingest.importing import import_corpus

    run(Import.objects.get(pk=pk), import_corpus)
