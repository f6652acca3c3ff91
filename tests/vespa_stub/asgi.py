"""The stub as an ASGI application, and hypercorn to serve it: HTTP/1.1 and HTTP/2 on one port.

A fault may cut the connection, for which ASGI has no word; so each connection has an application
of its own that knows its socket.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config

from tests.vespa_stub.app import Application, Reply, Request

BACKLOG = 256


class Connection:
    """What hypercorn calls for every request of one connection."""

    def __init__(self, application: Application, writer: asyncio.StreamWriter) -> None:
        self._application, self._writer = application, writer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        head = _request(scope, b"")
        requests = self._application.requests
        requests.began(head.area, head.method, head.path, head.protocol)
        status = 0
        try:
            body = await _body(receive)
            if body is not None:
                reply = self._application.safe_reply(_request(scope, body))
                await asyncio.sleep(reply.delay)
                status = reply.status
        finally:
            requests.ended(head.area, status)
        if body is not None:
            await self._answer(reply, send)

    async def _answer(self, reply: Reply, send: Any) -> None:
        if reply.reset:
            self._writer.transport.abort()
            return
        headers = [
            (b"content-type", reply.content_type.encode()),
            (b"content-length", str(len(reply.body)).encode()),
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if reply.truncated:
            half = reply.body[: len(reply.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            self._writer.transport.abort()
            return
        await send({"type": "http.response.body", "body": reply.body, "more_body": False})


def _request(scope: Any, body: bytes) -> Request:
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode()
    target = scope["raw_path"].decode() + (f"?{query}" if query else "")
    return Request(scope["method"], target, headers, body, scope["http_version"])


async def _body(receive: Any) -> bytes | None:
    """None if the client went away."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def serve(
    application: Application,
    listening: socket.socket,
    stopping: asyncio.Event,
    began: Callable[[], None],
) -> None:
    """Answer until the event is set; then every connection is closed."""
    config, context = Config(), WorkerContext(None)
    config.errorlog = config.accesslog = None
    config.h2_max_concurrent_streams = 1000
    # It would close a connection after so many requests; a client of ours makes more.
    config.keep_alive_max_requests = 10**9
    loop = asyncio.get_running_loop()
    connections: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections[task] = writer
        task.add_done_callback(connections.pop)
        # asyncio sees to this only for sockets that name their protocol; these do not.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        app = ASGIWrapper(Connection(application, writer))
        await TCPServer(app, loop, config, context, {}, reader, writer)

    server = await asyncio.start_server(connected, sock=listening, backlog=BACKLOG)
    began()
    await stopping.wait()
    server.close()
    await context.terminated.set()
    for writer in connections.values():
        writer.transport.abort()
    if connections:
        await asyncio.wait(list(connections), timeout=5)
    await server.wait_closed()
