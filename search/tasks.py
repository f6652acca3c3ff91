from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings

from jobs.running import run
from search.models import Conversation, IndexBuild, SearchEvaluation, Share
from search.query_images import forget_expired


@shared_task
def run_index_build(pk: int) -> None:
    from search.indexing import build_index

    run(IndexBuild.objects.get(pk=pk), build_index)


@shared_task
def run_search_evaluation(pk: int) -> None:
    from search.judging import judge_search

    run(SearchEvaluation.objects.get(pk=pk), judge_search)


@shared_task
def clear_index_build(pk: int) -> None:
    """Its row says already that it cannot answer; now its documents go, and its slot is free."""
    from asgiref.sync import async_to_sync

    from search.engine import engine

    build = IndexBuild.objects.get(pk=pk)
    if not build.may_be_cleared or build.verified_at is not None:
        # It was started again or made live, or another build writes over what it left.
        return
    async_to_sync(engine().drop)(build.generation)
    IndexBuild.objects.filter(pk=pk).update(slot="")


@shared_task
def forget_query_images() -> None:
    forget_expired()


@shared_task
def forget_old_conversations() -> None:
    Conversation.forget_old(settings.CONVERSATION_DAYS)


@shared_task
def forget_ended_shares() -> None:
    Share.forget_ended()


@worker_ready.connect
def forget_query_images_at_start(**kwargs: Any) -> None:
    forget_expired()
