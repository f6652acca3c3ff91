"""One request in, one reply out: routing, faults and counters. Knows nothing of sockets."""

import gzip
import json
import traceback
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

import cbor2

from tests.vespa_stub import health
from tests.vespa_stub.config_server import ConfigServer
from tests.vespa_stub.documents import Documents, Operation
from tests.vespa_stub.errors import BadExpression, BadQuery
from tests.vespa_stub.faults import Fault, Faults, Requests
from tests.vespa_stub.parameters import flatten, read_body
from tests.vespa_stub.partial import spoilt
from tests.vespa_stub.search import failed, search

JSON, CBOR = "application/json", "application/cbor"
PROXY_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True)
class Request:
    method: str
    # As it was sent, with what follows the question mark.
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    protocol: str = "1.1"

    @property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @property
    def area(self) -> str:
        return _area(self.target)


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    content_type: str = JSON
    # Seconds before the first byte.
    delay: float = 0.0
    # The connection is closed instead of an answer, or in the middle of one.
    reset: bool = False
    truncated: bool = False


def _area(target: str) -> str:
    if target.startswith("/document/v1/"):
        return "document"
    if target.startswith("/search/"):
        return "search"
    return "config" if target.startswith("/application/v2/") else "other"


class Application:
    def __init__(self, url: str) -> None:
        self.config = ConfigServer(url)
        self.faults = Faults()
        self.requests = Requests()
        self.failures: list[str] = []
        # How many documents a change by selection handles before it gives a continuation.
        self.chunk: int | None = None

    def reset(self) -> None:
        """Forget documents, faults and counters; what is deployed stays."""
        if self.config.store is not None:
            self.config.store.clear()
        self.config.polls_until_converged = 0
        self.chunk = None
        self.faults.clear()
        self.requests.clear()

    def safe_reply(self, request: Request) -> Reply:
        """A failure of the stub itself is kept, to be told when it stops."""
        try:
            return self.reply(request)
        except Exception as exc:  # noqa: BLE001
            self.failures.append("".join(traceback.format_exception(exc)))
            return _json(500, {"message": f"The stub failed: {exc!r}"})

    def reply(self, request: Request) -> Reply:
        fault = self.faults.take(request.area, request.path, request.body)
        if fault is None:
            return self._right(request)
        if fault.kind in _INSTEAD:
            return _INSTEAD[fault.kind](request.area)
        if fault.kind in ("degraded", "soft_timeout", "zero_hits"):
            return self._spoilt(request, fault)
        reply = self._right(request)
        if fault.kind == "slow":
            return replace(reply, delay=fault.seconds)
        return replace(reply, truncated=True)

    def _right(self, request: Request) -> Reply:
        try:
            request = _unpacked(request)
        except ValueError as exc:
            return _json(400, {"message": f"The body cannot be unpacked: {exc}"})
        return self._routed(request)

    def _routed(self, request: Request) -> Reply:
        match request.area:
            case "search":
                return self._search(request)[0]
            case "document":
                return self._document(request)
            case "config":
                content_type = request.headers.get("content-type", "")
                status, answer = self.config.answer(
                    request.method, request.path, request.body, content_type
                )
                if isinstance(answer, bytes):
                    return Reply(status, answer, "text/plain")
                return _json(status, answer)
        return self._other(request)

    def _other(self, request: Request) -> Reply:
        found = health.answer(request.path, self.config.generation)
        if found is None:
            return _json(404, {"message": f"No binding for '{request.path}'"})
        if request.method != "GET":
            return _json(405, {"message": f"'{request.method}' not allowed"})
        if self.config.package is None:
            return Reply(503)
        return Reply(200, found[1], found[0])

    def _search(
        self, request: Request, change: Callable[[dict[str, Any]], None] | None = None
    ) -> tuple[Reply, dict[str, Any]]:
        if request.method not in ("GET", "POST"):
            return _json(405, {"message": f"'{request.method}' not allowed"}), {}
        if self.config.package is None or self.config.store is None:
            return Reply(503), {}
        cbor = CBOR in request.headers.get("accept", "")
        try:
            given = self._parameters(request)
            answer, asked = search(self.config.package, self.config.store, given)
            status, cbor = 200, cbor or asked
        except BadQuery as exc:
            status, answer = failed(exc.code, exc.summary, str(exc))
        except BadExpression as exc:
            status, answer = failed(4, "Invalid query parameter", str(exc))
        if change and status == 200:
            change(answer)
        return _encoded(status, answer, cbor), answer

    def _spoilt(self, request: Request, fault: Fault) -> Reply:
        return self._search(_unpacked(request), lambda answer: spoilt(fault.kind, answer))[0]

    def _parameters(self, request: Request) -> dict[str, Any]:
        if request.path != "/search/":
            raise BadQuery(f"Nothing at '{request.path}'", 16)
        pairs = parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
        body = read_body(request.body, request.headers.get("content-type", JSON))
        given = {**flatten(dict(pairs)), **body}
        self.requests.searches.append(given)
        return given

    def _document(self, request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(204)
        if self.config.package is None or self.config.store is None:
            return Reply(503)
        documents = Documents(self.config.package, self.config.store)
        if self.chunk is not None:
            documents.chunk = self.chunk
        parameters = dict(parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
        path = request.path.removesuffix("/")
        status, answer = documents.answer(Operation(request.method, path, parameters, request.body))
        return _json(status, answer)


def _unpacked(request: Request) -> Request:
    encoding = request.headers.get("content-encoding", "identity")
    if encoding == "identity":
        return request
    if encoding != "gzip":
        raise ValueError(f"unknown encoding {encoding}")
    try:
        return replace(request, body=gzip.decompress(request.body))
    except (OSError, EOFError, zlib.error) as exc:
        raise ValueError(str(exc)) from exc


def _encoded(status: int, answer: dict[str, Any], cbor: bool) -> Reply:
    return Reply(status, cbor2.dumps(answer), CBOR) if cbor else _json(status, answer)


def _json(status: int, answer: Any) -> Reply:
    return Reply(status, json.dumps(answer, separators=(",", ":")).encode())


def _search_error(code: int, message: str) -> Callable[[str], Reply]:
    def reply(area: str) -> Reply:
        status, answer = failed(code, message, message)
        return _json(status, answer if area == "search" else {"message": message})

    return reply


def _overloaded(area: str) -> Reply:
    message = "Rejecting execution due to overload: 256 requests already enqueued"
    return _json(429, {"message": message})


_INSTEAD: dict[str, Callable[[str], Reply]] = {
    "400": _search_error(4, "Invalid query parameter"),
    "404": lambda area: _json(404, {"message": "No binding"}),
    "429": _overloaded,
    "500": _search_error(18, "Internal server error"),
    "503": lambda area: Reply(503),
    "504": _search_error(12, "Timed out"),
    "507": _search_error(19, "External feed is blocked due to resource exhaustion"),
    "html": lambda area: Reply(502, PROXY_PAGE, "text/html"),
    "reset": lambda area: Reply(0, reset=True),
}
