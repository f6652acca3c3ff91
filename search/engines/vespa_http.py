"""Talking to Vespa over HTTP: one client per process, own retries, every failure as one of ours.

Nothing that a server sends in an error is shown to a person; it goes to the log, without queries.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Literal, NoReturn, cast

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
# How long a document is offered again to a server that is overloaded or away.
PATIENCE = 60.0
LONGEST_PAUSE = 5.0
IN_FLIGHT = 32
VISIT_PAGE = 1024

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
        try:
            async with asyncio.timeout(self._timeout + 2 * GRACE):
                async with self._app.asyncio(client=self._asking, compress=False) as session:
                    answer = await session.query(timed, retry_policy=once_more)
        except (TimeoutError, httpr.TimeoutException) as exc:
            raise Timeout(f"Vespa did not answer within {self._timeout:g} s.") from exc
        except (httpr.RequestError, RuntimeError) as exc:
            raise Unavailable("Vespa cannot be reached.") from exc
        return _root(answer.status_code, answer.json)

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
        asked = {"selection": selection, "fieldSet": f"{SCHEMA}:{','.join(fields)}"}
        async for page in self._pages("GET", {**asked, "wantedDocumentCount": str(VISIT_PAGE)}):
            for document in page.get("documents", ()):
                yield document

    async def put_where(self, selection: str, fields: Mapping[str, Any]) -> None:
        content = {"fields": {name: {"assign": value} for name, value in fields.items()}}
        async for _ in self._pages("PUT", {"selection": selection}, content):
            pass

    async def delete_where(self, selection: str) -> None:
        async for _ in self._pages("DELETE", {"selection": selection}):
            pass

    async def health(self) -> str:
        """What /state/v1/health says: up, down or initializing."""
        answer = await self._request("GET", "/state/v1/health", {})
        return str(answer.get("status", {}).get("code", "down"))

    async def _write(self, send: Callable[[Any], Awaitable[Any]]) -> str:
        """One document operation, offered again while Vespa is overloaded or away."""
        began, attempt = monotonic(), 0
        while True:
            status, said = await self._attempt(send)
            if status == 200 or status == 412:
                return ""
            if status == 507:
                raise Full("Vespa takes no documents: its disk or memory is full.")
            if status in (400, 404, 413):
                logger.warning("Vespa refused a document with %s: %s", status, said)
                return f"Vespa refused it ({status}): {said[:200]}"
            attempt += 1
            if monotonic() - began > PATIENCE:
                raise FeedError(
                    f"Vespa did not take documents for {PATIENCE:.0f} s (last answer: {status})."
                )
            await asyncio.sleep(min(LONGEST_PAUSE, 0.05 * 2**attempt) * random.random())  # noqa: S311

    async def _attempt(self, send: Callable[[Any], Awaitable[Any]]) -> tuple[int, str]:
        """Status and message; a connection that failed counts as 503."""
        client = self._feeding_client()
        session_of = self._app.asyncio(client=client, compress=False, docv1_retry_policy=NO_RETRY)
        try:
            async with session_of as session:
                answer = await send(session)
        except (httpr.RequestError, RuntimeError) as exc:
            return 503, type(exc).__name__
        return answer.status_code, str((answer.json or {}).get("message", ""))

    async def _pages(
        self, method: Method, parameters: Mapping[str, str], content: Any = None
    ) -> AsyncIterator[dict[str, Any]]:
        path = f"/document/v1/{NAMESPACE}/{SCHEMA}/docid"
        asked = {**parameters, "cluster": CLUSTER}
        while True:
            page = await self._request(method, path, asked, content)
            yield page
            if not page.get("continuation"):
                return
            asked["continuation"] = page["continuation"]

    async def _request(
        self, method: Method, path: str, parameters: Mapping[str, str], content: Any = None
    ) -> dict[str, Any]:
        client = self._feeding_client()
        body = {} if content is None else {"json": content}
        try:
            url = f"{self._app.end_point}{path}"
            answer = await client.request(method, url, params=dict(parameters), **body)
            found = answer.json()
        except httpr.TimeoutException as exc:
            raise Timeout(f"Vespa did not answer within {FEED_TIMEOUT:g} s.") from exc
        except (httpr.RequestError, RuntimeError, ValueError) as exc:
            raise Unavailable("Vespa cannot be reached.") from exc
        if answer.status_code != 200:
            _raise(answer.status_code, found.get("message", ""))
        return dict(found)

    def _feeding_client(self) -> httpr.AsyncClient:
        if self._feeding is None:
            self._feeding = self._client(FEED_TIMEOUT)
        return self._feeding

    def _client(self, timeout: float) -> httpr.AsyncClient:
        """HTTP/2 with prior knowledge, which Vespa's containers speak."""
        made: Any = self._app.get_async_session(timeout=timeout, max_concurrency=IN_FLIGHT)
        return cast(httpr.AsyncClient, made)


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
    if status in (401, 403):
        return Unavailable("Vespa refused our credentials.")
    if status in (429, 503):
        return Unavailable("Vespa is overloaded or starting.")
    if status == 404:
        return Unavailable("There is no such application on Vespa; deploy it with vespa_deploy.")
    return Unavailable(f"Vespa failed (status {status}).")
