"""The search socket: parses frames, runs one search at a time, forwards what it yields."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from time import perf_counter
from typing import Any

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from search import asking, embedding, wire
from search.engines.base import EngineError
from search.health import warm_up
from search.links import link_of
from search.models import Conversation, Feedback, IndexBuild, Turn
from search.offering import offers
from search.problems import ENGINE_DOWN
from search.retrieval import Facets, Finished, LegHits, NothingIndexed, retrieve
from search.understanding.state import InvalidState, QueryState

logger = logging.getLogger(__name__)

VERSION = 1
LARGEST_FRAME = 64 * 1024
FAILED = gettext_lazy("This search failed. It was noted.")
STILL_WORKS = gettext_lazy("The conversation is kept; ask again or change a chip.")

Frame = dict[str, Any]

# What each frame of the page may hold beside `type` and `v`, as frames.schema.json has it.
MEMBERS = {
    "query": {"utterance", "conversation", "after", "settings", "pictures"},
    "edit_chips": {"turn", "edits"},
    "page": {"turn", "offset", "limit"},
    "cancel": set(),
    "resume": {"turn", "last_seq"},
    "feedback": {"turn", "image_id", "value"},
}


class BadFrame(Exception):
    """A frame from the page that does not have the agreed form; says what is wrong."""


class _Sequence:
    """Numbers the frames of one turn, and drops those the page has seen before it reconnected."""

    def __init__(self, turn: Turn, skip: int = 0) -> None:
        self.turn, self.skip, self.seq, self.began = turn, skip, 0, perf_counter()

    def frame(self, type_: str, data: Any) -> Frame | None:
        self.seq += 1
        if self.seq <= self.skip:
            return None
        t_ms = round((perf_counter() - self.began) * 1000)
        return _frame(self.turn.pk, self.seq, type_, data, t_ms)


class SearchConsumer(AsyncJsonWebsocketConsumer):
    # It listens to its page alone, so a broker that is down does not stop a search.
    channel_layer_alias = "none"
    running: asyncio.Task[None] | None = None
    key = embedding.OWN
    addresses: Callable[[], AbstractContextManager[None]] = nullcontext

    async def connect(self) -> None:
        route = self.scope["url_route"]["kwargs"]
        if "key" in route:
            self.key = route["key"]
            frame = self.scope["path"].removesuffix("ws/search/")
            self.addresses = partial(embedding.addresses_below, frame)
        try:
            self.user = await self._searcher()
        except embedding.Refused:
            await self.close(code=4401)
            return
        await self.accept()
        self.warming = asyncio.create_task(asyncio.to_thread(warm_up))

    async def disconnect(self, code: int) -> None:
        self._cancel()

    async def receive(self, text_data: str | None = None, **kwargs: Any) -> None:
        """One frame in. Whatever it holds, the socket lives on and says what was wrong."""
        try:
            if text_data is None or len(text_data) > LARGEST_FRAME:
                raise BadFrame("A frame is JSON text of at most 64 kB.")
            content = _object(text_data)
            await self._searcher()
            with self.addresses():
                await self._handler(content)(content)
        except (BadFrame, InvalidState, ValueError) as exc:
            await self._error("bad_frame", str(exc))
        except embedding.Refused as exc:
            await self._error("refused", str(exc), still_works="")
        except Exception:
            logger.exception("a frame failed")
            await self._error("failed", str(FAILED))

    async def _searcher(self) -> Any:
        opened = await sync_to_async(embedding.opened)(self.key, self.scope["user"])
        return opened.user

    def _handler(self, content: Frame) -> Callable[[Frame], Awaitable[None]]:
        handlers = {
            "query": self._query,
            "edit_chips": self._edit_chips,
            "page": self._page,
            "cancel": self._stop,
            "resume": self._resume,
            "feedback": self._feedback,
        }
        type_, version = content.get("type"), content.get("v", VERSION)
        if not isinstance(type_, str) or type_ not in handlers:
            raise BadFrame(f"A frame's type is one of {', '.join(handlers)}.")
        if isinstance(version, bool) or version != VERSION:
            raise BadFrame(f"Frames of version {VERSION} are understood here.")
        for name in content.keys() - {"type", "v"} - MEMBERS[type_]:
            raise BadFrame(f"A frame of type {type_} has no {name[:40]!r}.")
        return handlers[type_]

    async def _query(self, content: Frame) -> None:
        utterance, settings = content.get("utterance"), content.get("settings", {})
        pictures = _objects(content.get("pictures", []), "Pictures")
        if not isinstance(utterance, str) or not isinstance(settings, dict):
            raise BadFrame("A query has an utterance, and settings as an object.")

        def said() -> Turn:
            conversation = self._conversation(content)
            after = None if content.get("after") is None else self._turn(content, "after")
            return asking.say(self.user, utterance, conversation, settings, after, pictures)

        self._start(await sync_to_async(said)())

    async def _edit_chips(self, content: Frame) -> None:
        changes = _objects(content.get("edits"), "Edits")

        def edited() -> Turn:
            return asking.edit(self.user, self._turn(content), changes)

        self._start(await sync_to_async(edited)())

    async def _resume(self, content: Frame) -> None:
        turn = await sync_to_async(self._turn)(content)
        self._start(turn, skip=_whole(content, "last_seq"))

    async def _stop(self, content: Frame) -> None:
        self._cancel()

    async def _page(self, content: Frame) -> None:
        turn = await sync_to_async(self._turn)(content)
        offset, limit = _whole(content, "offset"), min(_whole(content, "limit") or wire.PAGE, 100)
        try:
            response = await wire.answer_turn(turn, offset=offset, limit=limit)
        except (NothingIndexed, EngineError) as exc:
            await self._failed(exc, turn)
            return
        data = {"leg": "page", "hits": response["hits"], "ranked": response["ranked"]}
        timing = {"took_ms": response["timing"].get("total_ms", 0.0), "offset": offset}
        await self.send_json(_frame(turn.pk, 0, "hits", {**data, **timing}, 0))

    async def _feedback(self, content: Frame) -> None:
        turn = await sync_to_async(self._turn)(content)
        image_id, value = _whole(content, "image_id"), content.get("value")
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadFrame("A vote is 1, -1 or 0.")
        stored = await sync_to_async(Feedback.give)(self.user, turn, image_id, value)
        data = {"turn": turn.pk, "image_id": image_id, "value": stored}
        await self.send_json(_frame(turn.pk, 0, "feedback", data, 0))

    def _start(self, turn: Turn, skip: int = 0) -> None:
        self._cancel()
        self.running = asyncio.create_task(self._stream(_Sequence(turn, skip)))

    def _cancel(self) -> None:
        if self.running is not None:
            self.running.cancel()
            self.running = None

    async def _stream(self, sequence: _Sequence) -> None:
        """Send the frames of one turn. A failure ends the turn, never the socket."""
        try:
            async for type_, data in _events(sequence.turn):
                frame = sequence.frame(type_, data)
                if frame is not None:
                    await self.send_json(frame)
        except (NothingIndexed, EngineError) as exc:
            await self._failed(exc, sequence.turn)
        except Exception:
            logger.exception("turn %s failed", sequence.turn.pk)
            await self._error("failed", str(FAILED), sequence.turn)

    async def _failed(self, exc: Exception, turn: Turn) -> None:
        if isinstance(exc, NothingIndexed):
            await self._error("nothing_indexed", str(exc), turn)
            return
        logger.error("turn %s: the engine failed", turn.pk, exc_info=exc)
        await self._error("engine_unavailable", str(ENGINE_DOWN), turn)

    async def _error(
        self, code: str, message: str, turn: Turn | None = None, still_works: str | None = None
    ) -> None:
        still_works = str(STILL_WORKS) if still_works is None else still_works
        data = {"code": code, "message": message, "still_works": still_works}
        await self.send_json(_frame(turn.pk if turn else None, 0, "error", data, 0))

    def _conversation(self, content: Frame) -> Conversation | None:
        if content.get("conversation") is None:
            return None
        mine = Conversation.objects.filter(user=self.user)
        found = mine.filter(pk=_whole(content, "conversation")).first()
        if found is None:
            raise BadFrame(_("There is no such conversation of yours."))
        return found

    def _turn(self, content: Frame, name: str = "turn") -> Turn:
        turns = Turn.objects.filter(conversation__user=self.user)
        turns = turns.select_related("conversation__saved", "build__checkpoint")
        found = turns.filter(pk=_whole(content, name)).first()
        if found is None:
            raise BadFrame(_("There is no such turn of yours."))
        return found


async def _events(turn: Turn) -> AsyncIterator[tuple[str, Any]]:
    """The frames of a turn, in order, before they are numbered."""
    state = turn.query_state
    conversation = turn.conversation
    opening = {"conversation": conversation.pk, "title": conversation.title}
    yield "ack", {**opening, "utterance": turn.utterance}
    understood, build = await sync_to_async(_understood)(turn, state)
    yield "chips", understood
    counts: dict[str, dict[str, int]] = {}
    async for event in retrieve(state, build, conversation.user_id):
        match event:
            case LegHits():
                page = event.hits[: wire.PAGE]
                hits = await sync_to_async(wire.hits_json)(page, state, turn, event.strong)
                size = {"ranked": len(event.hits), "took_ms": event.took_ms, "offset": 0}
                yield "hits", {"leg": event.leg, "hits": hits, **size}
            case Facets():
                counts = event.counts
                yield "facets", {"fields": wire.facets_json(event.counts, state)}
            case Finished():
                ids = [hit.image_id for hit in event.hits]
                await sync_to_async(turn.answered)(event.total, ids)
                places = len(event.hits)
                size = {"total": event.total, "ranked": places, "strong": event.strong}
                data = {**size, "folded": len(event.pool) - places, "timing": event.timing}
                offered = await offers(state, build, event.hits, counts, event.total)
                yield "done", {**data, "notices": list(event.notices), "offers": offered}


def _understood(turn: Turn, state: QueryState) -> tuple[dict[str, Any], IndexBuild | None]:
    """The chips, and the build that answers: one wait for the database."""
    chips = wire.chips_json(state, turn.conversation.user_id)
    understood = {"state": state.as_json(), "link": link_of(state), "chips": chips}
    understood |= {"notices": turn.notices, **wire.turn_json(turn)}
    return understood, turn.answering_build()


def _frame(turn: int | None, seq: int, type_: str, data: Any, t_ms: int) -> Frame:
    return {"v": VERSION, "turn": turn, "seq": seq, "type": type_, "t_ms": t_ms, "data": data}


def _object(text: str) -> Frame:
    try:
        content = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        raise BadFrame("That frame is not JSON, or too deep.") from exc
    if not isinstance(content, dict):
        raise BadFrame("A frame is a JSON object.")
    return content


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _objects(value: object, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise BadFrame(f"{what} are a list of objects.")
    return value


def _whole(content: Frame, name: str) -> int:
    value = content.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise BadFrame(f"{name} must be a whole number.")
    return value
