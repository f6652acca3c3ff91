"""HTTP/2 with prior knowledge and HTTP/1.1 on one port, fast enough to feed thousands a second."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import h11

from tests.vespa_stub.app import Application, Reply, Request

_PREFACE = b"PRI * HTTP/2.0"
_STREAM_WINDOW = 2**24
# Received bytes after which the connection's window is opened again.
_ACKNOWLEDGE = 2**18


class Side(Protocol):
    """What speaks one version of the protocol on one connection."""

    def receive(self, data: bytes) -> None: ...

    def lost(self) -> None: ...


class Connection(asyncio.Protocol):
    """Finds out by the first bytes which protocol the client speaks."""

    def __init__(self, application: Application, connections: set["Connection"]) -> None:
        self._application = application
        self._connections = connections
        self._begun = b""
        self._side: Side | None = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._side is not None:
            self._side.lost()

    def data_received(self, data: bytes) -> None:
        if self._side is None:
            self._begun += data
            if len(self._begun) < len(_PREFACE) and _PREFACE.startswith(self._begun):
                return
            kind = _Http2 if self._begun.startswith(_PREFACE) else _Http1
            self._side = kind(self._application, self.transport)
            data = self._begun
        self._side.receive(data)


class _Exchange:
    """A request on its way: counted from its headers to its answer."""

    def __init__(
        self,
        application: Application,
        request: Callable[[bytes], Request],
        send: Callable[[Reply], None],
    ) -> None:
        self._application, self._request, self._send = application, request, send
        self._body: list[bytes] = []
        self._pending: asyncio.TimerHandle | None = None
        head = request(b"")
        self._area = head.area
        self._open = True
        requests = application.requests
        requests.began(head.area, head.method, head.path, head.protocol)

    def add(self, data: bytes) -> None:
        self._body.append(data)

    def complete(self) -> None:
        reply = self._application.safe_reply(self._request(b"".join(self._body)))
        if reply.delay:
            loop = asyncio.get_running_loop()
            self._pending = loop.call_later(reply.delay, self._answer, reply)
        else:
            self._answer(reply)

    def cancel(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
        self._end(0)

    def _answer(self, reply: Reply) -> None:
        self._end(reply.status)
        self._send(reply)

    def _end(self, status: int) -> None:
        if self._open:
            self._application.requests.ended(self._area, status)
        self._open = False


def _headers(reply: Reply) -> list[tuple[str, str]]:
    return [("content-type", reply.content_type), ("content-length", str(len(reply.body)))]


class _Http2:
    def __init__(self, application: Application, transport: asyncio.Transport) -> None:
        self._application, self._transport = application, transport
        settings = h2.settings.SettingCodes
        config = h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8", validate_inbound_headers=False
        )
        self._connection = h2.connection.H2Connection(config)
        self._connection.local_settings.update(
            {settings.MAX_CONCURRENT_STREAMS: 1000, settings.INITIAL_WINDOW_SIZE: _STREAM_WINDOW}
        )
        self._connection.initiate_connection()
        self._connection.increment_flow_control_window(_STREAM_WINDOW)
        self._exchanges: dict[int, _Exchange] = {}
        self._unsent: dict[int, bytes] = {}
        self._received = 0

    def receive(self, data: bytes) -> None:
        try:
            events = self._connection.receive_data(data)
        except h2.exceptions.ProtocolError:
            events = []
            self._transport.close()
        for event in events:
            self._handle(event)
        if self._received > _ACKNOWLEDGE:
            self._connection.increment_flow_control_window(self._received)
            self._received = 0
        self._flush()

    def lost(self) -> None:
        for exchange in self._exchanges.values():
            exchange.cancel()
        self._exchanges.clear()

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._begin(event)
        elif isinstance(event, h2.events.DataReceived):
            self._received += event.flow_controlled_length
            if event.stream_id in self._exchanges:
                self._exchanges[event.stream_id].add(event.data)
        elif isinstance(event, h2.events.StreamEnded):
            self._exchanges[event.stream_id].complete()
        elif isinstance(event, h2.events.StreamReset):
            self._unsent.pop(event.stream_id, None)
            if exchange := self._exchanges.pop(event.stream_id, None):
                exchange.cancel()
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for stream in list(self._unsent):
                self._send_rest(stream)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._transport.close()

    def _begin(self, event: h2.events.RequestReceived) -> None:
        headers = {str(name): str(value) for name, value in event.headers}
        method, target = headers[":method"], headers[":path"]
        stream = event.stream_id

        def request(body: bytes) -> Request:
            return Request(method, target, headers, body, "2")

        def send(reply: Reply) -> None:
            self._send(stream, reply)

        self._exchanges[stream] = _Exchange(self._application, request, send)

    def _send(self, stream: int, reply: Reply) -> None:
        self._exchanges.pop(stream, None)
        if reply.reset:
            self._transport.abort()
            return
        try:
            self._write(stream, reply)
        except h2.exceptions.ProtocolError:
            # The client has given this stream up.
            self._unsent.pop(stream, None)

    def _write(self, stream: int, reply: Reply) -> None:
        headers = [(":status", str(reply.status)), *_headers(reply)]
        self._connection.send_headers(stream, headers, end_stream=not reply.body)
        if reply.truncated:
            self._connection.send_data(stream, reply.body[: len(reply.body) // 2])
            self._flush()
            self._transport.close()
        elif reply.body:
            self._unsent[stream] = reply.body
            self._send_rest(stream)
        if reply.delay:
            self._flush()

    def _send_rest(self, stream: int) -> None:
        """As much as the client's window takes; the rest when it opens."""
        body = self._unsent.pop(stream)
        while body:
            window = self._connection.local_flow_control_window(stream)
            size = min(window, self._connection.max_outbound_frame_size, len(body))
            if size <= 0:
                self._unsent[stream] = body
                return
            self._connection.send_data(stream, body[:size], end_stream=size == len(body))
            body = body[size:]

    def _flush(self) -> None:
        if data := self._connection.data_to_send():
            self._transport.write(data)


class _Http1:
    def __init__(self, application: Application, transport: asyncio.Transport) -> None:
        self._application, self._transport = application, transport
        self._connection = h11.Connection(h11.SERVER)
        self._exchange: _Exchange | None = None

    def receive(self, data: bytes) -> None:
        self._connection.receive_data(data)
        try:
            self._read()
        except h11.RemoteProtocolError:
            self._transport.close()

    def lost(self) -> None:
        if self._exchange is not None:
            self._exchange.cancel()

    def _read(self) -> None:
        while True:
            event = self._connection.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                self._go_ahead()
                return
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data) and self._exchange:
                self._exchange.add(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and self._exchange:
                self._exchange.complete()
            elif isinstance(event, h11.ConnectionClosed):
                self._transport.close()
                return

    def _go_ahead(self) -> None:
        if self._connection.they_are_waiting_for_100_continue:
            going_on = h11.InformationalResponse(status_code=100, headers=[])
            self._transport.write(self._connection.send(going_on) or b"")

    def _begin(self, event: h11.Request) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        method, target = event.method.decode(), event.target.decode()

        def request(body: bytes) -> Request:
            return Request(method, target, headers, body)

        self._exchange = _Exchange(self._application, request, self._send)

    def _send(self, reply: Reply) -> None:
        self._exchange = None
        if reply.reset:
            self._transport.abort()
            return
        response = h11.Response(status_code=reply.status, headers=_headers(reply))
        sent = self._connection.send(response) or b""
        if reply.truncated:
            self._transport.write(sent + reply.body[: len(reply.body) // 2])
            self._transport.close()
            return
        sent += self._connection.send(h11.Data(data=reply.body)) or b""
        self._transport.write(sent + (self._connection.send(h11.EndOfMessage()) or b""))
        self._next(late=bool(reply.delay))

    def _next(self, *, late: bool) -> None:
        """The connection serves another request; one may have come in the meantime."""
        if self._connection.our_state is h11.MUST_CLOSE:
            self._transport.close()
        elif self._connection.their_state is h11.DONE:
            self._connection.start_next_cycle()
            if late:
                self._read()
