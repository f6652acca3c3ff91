"""The live progress of a job, over a real Valkey."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from clipsite.asgi import application
from ingest.models import Import

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]


async def watch(user: Any, job: Import) -> tuple[WebsocketCommunicator, bool]:
    client = Client()
    await sync_to_async(client.force_login)(user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    origin = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    headers = [(b"cookie", cookie.encode()), *origin]
    communicator = WebsocketCommunicator(application, f"/{job.socket_path}", headers)
    accepted, _ = await communicator.connect(timeout=10)
    return communicator, accepted


async def test_a_watching_page_hears_of_progress_even_after_a_long_silence(admin_user: Any) -> None:
    """Slow: the silence must outlast the five seconds a channel layer waits for a message."""
    job = await Import.objects.acreate(collection_name="c")
    socket, accepted = await watch(admin_user, job)
    assert accepted
    assert (await socket.receive_json_from(timeout=5))["status"] == "queued"
    await asyncio.sleep(6)
    await sync_to_async(job.start)()
    heard = await socket.receive_json_from(timeout=5)
    assert (heard["status"], heard["pk"], heard["kind"]) == ("running", job.pk, "import")
    await socket.disconnect()


async def test_a_job_is_hidden_from_those_who_may_not_see_it(editor: Any) -> None:
    job = await Import.objects.acreate(collection_name="c")
    _, accepted = await watch(editor, job)
    assert not accepted
