"""Talking to Vespa over HTTP: own retries, and every failure as one of our family.

What a server says about a failed question goes to the log, never to the person who asked.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Literal, NoReturn, TypeVar, cast

import httpr
from tenacity import (
    AsyncRetrying,
    retry_any,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random,
)
from vespa.application import Vespa
from vespa.retries import NO_RETRY, retry_if_status

from search.engines.base import BadQuery, EngineError, FeedError, Full, Timeout, Unavailable

logger = logging.getLogger(__name__)

NAMESPACE, SCHEMA, CLUSTER = "clipsite", "image", "images"
# Seconds: Vespa itself gives up first, so that a slow answer is still an answer.
GRACE = 0.5
FEED_TIMEOUT = 30.0
# Visits and work on selections answer after this many seconds at the latest, to be gone on with.
CHUNK = 15
# How long a document is offered again to a server that is overloaded or away.
PATIENCE = 60.0
LONGEST_PAUSE = 5.0
IN_FLIGHT = 32
VISIT_PAGE = 1024
# Stands for a status where there was no answer.
LOST = 599

A = TypeVar("A")
Method = Literal["GET", "PUT", "DELETE"]

_TIMED_OUT, _NO_SPACE = 12, 19
_BAD_QUESTION = {1, 2, 3, 4, 7, 17}


class Connection:
    """The HTTP side of one engine. Safe to share between threads and event loops."""

    def __init__(self, url: str, timeout: float) -> None:
        self._app = Vespa(url=url.rstrip("/"))
        self._timeout = timeout
        self._asking: httpr.AsyncClient | None = None
        self._feeding: httpr.AsyncClient | None = None

    def close(self) -> None:
        for client in (self._asking, self._feeding):
            if client is not None:
                client.close()
        self._asking = self._feeding = None

    async def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The `root` of an answer, which may be partial (see `coverage_of`).

        Asked a second time at most, and only if the first failure came early.
        """
        if self._asking is None:
            self._asking = self._client(self._timeout + GRACE)
        once_more = AsyncRetrying(
            stop=stop_after_attempt(2) | stop_after_delay(self._timeout / 2),
            wait=wait_random(0, 0.1),
            retry=retry_any(retry_if_exception(_is_lost), retry_if_status(503)),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        timed = {**body, "timeout": f"{round(self._timeout * 1000)}ms"}
        shared = [self._asking]

        async def attempt() -> Any:
            # Questions share a connection, and a cut takes all of them: the second try has its own.
            own = None if shared else self._client(self._timeout + GRACE)
            try:
                return await self._query(own or shared.pop(), timed)
            finally:
                if own is not None:
                    await own.aclose()

        try:
            async with asyncio.timeout(self._timeout + 2 * GRACE):
                answer: Any = await once_more(attempt)
        except (TimeoutError, httpr.TimeoutException) as exc:
            raise Timeout(f"Vespa did not answer within {self._timeout:g} s.") from exc
        except (httpr.RequestError, RuntimeError) as exc:
            raise Unavailable("Vespa cannot be reached.") from exc
        return _root(answer.status_code, answer.json)

    async def _query(self, client: httpr.AsyncClient, body: Mapping[str, Any]) -> Any:
        async with self._app.asyncio(client=client, compress=False) as session:
            return await session.query(dict(body), retry_policy=NO_RETRY)

    async def put(self, image_id: int, fields: Mapping[str, Any], *, create: bool) -> str:
        """Assign fields of one document; returns "" or why it was refused."""

        async def send(session: Any) -> Any:
            return await session.update_data(
                SCHEMA, str(image_id), dict(fields), create=create, namespace=NAMESPACE
            )

        return await self._write(send)

    async def delete(self, image_id: int, condition: str) -> str:
        """Remove one document if the condition holds."""

        async def send(session: Any) -> Any:
            return await session.delete_data(
                SCHEMA, str(image_id), namespace=NAMESPACE, condition=condition
            )

        return await self._write(send)

    async def visit(self, selection: str, fields: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
        """Every document that the selection names, in no order."""
        asked = {
            "selection": selection,
            "fieldSet": f"{SCHEMA}:{','.join(fields)}",
            "wantedDocumentCount": str(VISIT_PAGE),
            "timeout": f"{CHUNK}s",
        }
        async for page in self._pages("GET", asked):
            for document in page.get("documents", ()):
                yield document

    async def put_where(self, selection: str, fields: Mapping[str, Any]) -> None:
        content = {"fields": {name: {"assign": value} for name, value in fields.items()}}
        async for _ in self._pages("PUT", _in_chunks(selection), content):
            pass

    async def delete_where(self, selection: str) -> None:
        async for _ in self._pages("DELETE", _in_chunks(selection)):
            pass

    async def health(self) -> str:
        """What /state/v1/health says: up, down or initializing."""
        status, answer = await self._request("GET", "/state/v1/health", {})
        if status != 200:
            raise _error_of(status, None)
        return str(answer.get("status", {}).get("code", "down"))

    async def _write(self, send: Callable[[Any], Awaitable[Any]]) -> str:
        status, said = await _patiently(lambda: self._attempt(send))
        if status in (200, 412):
            return ""
        logger.warning("Vespa refused a document with %s: %s", status, said)
        return f"Vespa refused it ({status}): {said[:200]}"

    async def _attempt(self, send: Callable[[Any], Awaitable[Any]]) -> tuple[int, str]:
        """Status and message; LOST for a connection that failed."""
        client = self._feeding_client()
        session_of = self._app.asyncio(client=client, compress=False, docv1_retry_policy=NO_RETRY)
        try:
            async with session_of as session:
                answer = await send(session)
        except (httpr.RequestError, RuntimeError) as exc:
            return LOST, type(exc).__name__
        return answer.status_code, str((answer.json or {}).get("message", ""))

    async def _pages(
        self, method: Method, parameters: Mapping[str, str], content: Any = None
    ) -> AsyncIterator[dict[str, Any]]:
        path = f"/document/v1/{NAMESPACE}/{SCHEMA}/docid"
        asked = {**parameters, "cluster": CLUSTER}
        while True:
            status, page = await _patiently(lambda: self._request(method, path, asked, content))
            if status != 200:
                _raise(status, str(page.get("message", "")))
            yield page
            if not page.get("continuation"):
                return
            asked["continuation"] = page["continuation"]

    async def _request(
        self, method: Method, path: str, parameters: Mapping[str, str], content: Any = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer; LOST for a connection that failed."""
        body = {} if content is None else {"json": content}
        url = f"{self._app.end_point}{path}"
        try:
            answer = await self._feeding_client().request(
                method, url, params=dict(parameters), **body
            )
            found = answer.json()
        except (httpr.RequestError, RuntimeError, ValueError) as exc:
            return LOST, {"message": type(exc).__name__}
        return int(answer.status_code), found if isinstance(found, dict) else {}

    def _feeding_client(self) -> httpr.AsyncClient:
        if self._feeding is None:
            self._feeding = self._client(FEED_TIMEOUT)
        return self._feeding

    def _client(self, timeout: float) -> httpr.AsyncClient:
        """HTTP/2 with prior knowledge, which Vespa's containers speak."""
        made: Any = self._app.get_async_session(timeout=timeout, max_concurrency=IN_FLIGHT)
        return cast(httpr.AsyncClient, made)


def _in_chunks(selection: str) -> dict[str, str]:
    """Vespa works for this long before it answers with where to go on."""
    return {"selection": selection, "timeChunk": f"{CHUNK}s"}


async def _patiently(send: Callable[[], Awaitable[tuple[int, A]]]) -> tuple[int, A]:
    """Ask again while Vespa is overloaded or away.

    Raises Full at once, and FeedError when it stays away for longer than PATIENCE.
    """
    began, attempt = monotonic(), 0
    while True:
        status, answer = await send()
        if status == 507:
            raise Full("Vespa takes no documents: its disk or memory is full.")
        if status < 429:
            return status, answer
        attempt += 1
        if monotonic() - began > PATIENCE:
            raise FeedError(
                f"Vespa stayed overloaded or away for {PATIENCE:.0f} s (last answer: {status})."
            )
        await asyncio.sleep(min(LONGEST_PAUSE, 0.05 * 2**attempt) * random.random())  # noqa: S311


def _is_lost(exc: BaseException) -> bool:
    """A connection that was refused or cut: a second try may find another, or a new server."""
    return isinstance(exc, httpr.RequestError) and not isinstance(exc, httpr.TimeoutException)


def coverage_of(root: Mapping[str, Any]) -> float:
    """Share of the documents that were asked, 0 to 1. A soft timeout lowers it."""
    coverage = root.get("coverage")
    if coverage is None:
        return 0.0 if root.get("errors") else 1.0
    share = float(coverage.get("coverage", 100)) / 100
    return min(share, 0.99) if coverage.get("degraded") or root.get("errors") else share


def _root(status: int, answer: Any) -> dict[str, Any]:
    root = answer.get("root") if isinstance(answer, dict) else None
    errors = root.get("errors", []) if isinstance(root, dict) else []
    code = errors[0].get("code") if errors else None
    if status != 200 or not isinstance(root, dict):
        _raise(status, str(errors[0].get("message", "")) if errors else "", code)
    if code is not None and code != _TIMED_OUT and not root.get("children"):
        _raise(status, str(errors[0].get("message", "")), code)
    return root


def _raise(status: int, said: str, code: int | None = None) -> NoReturn:
    logger.warning("Vespa answered %s, code %s: %s", status, code, said[:300])
    raise _error_of(status, code)


def _error_of(status: int, code: int | None) -> EngineError:
    """Status and `root.errors` code to our family; the table is in docs/vespa.md."""
    if code == _NO_SPACE or status == 507:
        return Full("Vespa's disk or memory is full.")
    if code == _TIMED_OUT or status in (408, 504):
        return Timeout("Vespa did not answer in time.")
    if code in _BAD_QUESTION or status in (400, 413):
        return BadQuery("The search engine did not understand the question.")
    if status == LOST:
        return Unavailable("Vespa cannot be reached.")
    if status in (401, 403):
        return Unavailable("Vespa refused our credentials.")
    if status in (429, 503):
        return Unavailable("Vespa is overloaded or starting.")
    if status == 404:
        return Unavailable("There is no such application on Vespa; deploy it with vespa_deploy.")
    return Unavailable(f"Vespa failed (status {status}).")
