"""The search socket as a test opens it, asks over it, and hears what comes."""

from typing import Any

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from clipsite.asgi import application

FRAMES = ["ack", "chips", "hits", "hits", "hits", "facets", "done"]


async def connected(user: Any) -> WebsocketCommunicator:
    client = Client()
    await sync_to_async(client.force_login)(user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    headers = [
        (b"cookie", cookie.encode()),
        (b"origin", b"http://localhost"),
        (b"host", b"localhost"),
    ]
    communicator = WebsocketCommunicator(application, "/ws/search/", headers)
    accepted, _ = await communicator.connect(timeout=10)
    assert accepted
    return communicator


async def frames_until(socket: WebsocketCommunicator, *last: str) -> list[dict[str, Any]]:
    frames = []
    while not frames or frames[-1]["type"] not in last:
        frames.append(await socket.receive_json_from(timeout=20))
    return frames


async def ask(socket: WebsocketCommunicator, utterance: str, **more: Any) -> list[dict[str, Any]]:
    await socket.send_json_to({"type": "query", "utterance": utterance, **more})
    return await frames_until(socket, "done", "error")
