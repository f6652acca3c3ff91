"""The engine that scales: Vespa, reached with pyvespa; the application package is in vespa/.

Both generations stand in the same documents, each with a vector field of its own (slots a and b).
A document belongs to a generation if the number in its slot says so, and every query asks for that
number: what another build left or is just writing can never be found.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, TypeVar

import numpy as np

from search.engines import vespa_queries as queries
from search.engines.base import (
    FILTER_FIELDS,
    BadQuery,
    Blend,
    Candidate,
    Clause,
    Counts,
    Document,
    EngineError,
    Generation,
    Match,
    Rejected,
    Scope,
    Unavailable,
    Vector,
    Vectors,
    best_first,
    fields_by_scope,
    split_by_length,
)
from search.engines.vespa_http import IN_FLIGHT, Connection, coverage_of

STRING_FIELDS = ("caption", "negated", *FILTER_FIELDS, "words_digest")
# The condition under which a document may go.
IN_NONE = "image.generation_a == null and image.generation_b == null"
Root = Mapping[str, Any]
T = TypeVar("T")
# A generation that was there a moment ago is still there. Seconds.
SEEN_FOR = 5.0


class VespaIndex:
    def __init__(self, connection: Connection, generation: Generation, dimension: int = 0) -> None:
        """`dimension` is known, and needed, only where documents are fed."""
        self._connection = connection
        self._generation = generation
        self._dimension = dimension
        self.coverage = 1.0

    async def feed(self, documents: Sequence[Document], vectors: Vectors) -> list[Rejected]:
        good, bad = split_by_length(documents, vectors, self._dimension)
        puts = [(d.image_id, {**_fields(d), **self._filled(d, vector)}) for d, vector in good]
        return bad + await self._put_all(puts, create=True)

    async def settle(self) -> None:
        """Vespa searches what it acknowledged; what an older build left in the slot goes."""
        slot, number = self._generation.slot, self._generation.number
        await _clear(self._connection, slot, f"image.generation_{slot} != {number}")

    async def update(self, documents: Sequence[Document]) -> list[Rejected]:
        return await self._put_all([(d.image_id, _fields(d)) for d in documents], create=False)

    async def remove(self, image_ids: Sequence[int]) -> None:
        """Out of this generation; a document that is in none any more goes altogether."""
        emptied = _emptied(self._generation.slot)
        await self._put_all([(image_id, emptied) for image_id in image_ids], create=False)
        await asyncio.gather(*(self._connection.delete(i, IN_NONE) for i in image_ids))

    async def lexical(self, clauses: Sequence[Clause], scope: Scope, limit: int) -> list[Match]:
        body = queries.lexical(self._generation, clauses, scope, limit)
        return await self._ask(body, _matches) if body else []

    async def semantic(
        self, vector: Vector, scope: Scope, limit: int, *, exact: bool = False
    ) -> list[Match]:
        body = queries.semantic(self._generation, vector, scope, limit, exact)
        return await self._ask(body, _matches)

    async def candidates(
        self, image_ids: Sequence[int], clauses: Sequence[Clause], vector: Vector, blend: Blend
    ) -> list[Candidate]:
        if not image_ids:
            return []
        body = queries.candidates(self._generation, image_ids, clauses, vector, blend)
        return await self._ask(body, _candidates)

    async def browse(
        self, scope: Scope, limit: int, *, by: str = "", descending: bool = False
    ) -> list[int]:
        body = queries.browse(self._generation, scope, limit, by, descending)
        return await self._ask(body, lambda root: [f["image_id"] for f in _fields_of_hits(root)])

    async def embeddings(self, image_ids: Sequence[int]) -> dict[int, Vector]:
        if not image_ids:
            return {}
        name = f"embedding_{self._generation.slot}"
        return await self._ask(
            queries.embeddings(self._generation, image_ids),
            lambda root: {f["image_id"]: _vector(f[name]) for f in _fields_of_hits(root)},
        )

    async def count(self, scope: Scope) -> int:
        return await self._ask(queries.facets(self._generation, (), scope), _total)

    async def facets(self, fields: Sequence[str], scope: Scope) -> Counts:
        asked = fields_by_scope(fields, scope)
        bodies = [queries.facets(self._generation, together, seen) for together, seen in asked]
        counted = await asyncio.gather(
            *(self._ask(body, lambda root: (_total(root), _groups(root))) for body in bodies)
        )
        values: dict[str, dict[str, int]] = {field: {} for field in fields}
        for _, groups in counted:
            values |= groups
        return Counts(counted[0][0], values)

    async def digests(self) -> dict[int, str]:
        slot = self._generation.slot
        here = f"image.generation_{slot} == {self._generation.number}"
        picture = f"picture_digest_{slot}"
        found = self._connection.visit(here, ["image_id", "words_digest", picture])
        return {
            d["fields"]["image_id"]: f"{d['fields'].get(picture, '')}-"
            f"{d['fields'].get('words_digest', '')}"
            async for d in found
        }

    def _filled(self, document: Document, vector: Vector) -> dict[str, Any]:
        slot = self._generation.slot
        return {
            f"generation_{slot}": self._generation.number,
            f"picture_digest_{slot}": document.picture_digest,
            f"embedding_{slot}": {"values": bfloat16_hex(vector)},
        }

    async def _ask(self, body: Mapping[str, Any], read: Callable[[Root], T]) -> T:
        root = await self._connection.ask(body)
        self.coverage = min(self.coverage, coverage_of(root))
        try:
            return read(root)
        except (KeyError, TypeError, ValueError) as exc:
            raise Unavailable("Vespa's answer was not understood.") from exc

    async def _put_all(
        self, puts: Sequence[tuple[int, Mapping[str, Any]]], *, create: bool
    ) -> list[Rejected]:
        """All are tried; then the first failure that concerns the server is raised."""
        free = asyncio.Semaphore(IN_FLIGHT)

        async def put(image_id: int, fields: Mapping[str, Any]) -> Rejected | None:
            async with free:
                reason = await self._connection.put(image_id, fields, create=create)
            return Rejected(image_id, reason) if reason else None

        done = await asyncio.gather(*(put(*one) for one in puts), return_exceptions=True)
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in done if isinstance(outcome, Rejected)]


class VespaEngine:
    name = "vespa"
    slots: tuple[str, ...] = ("a", "b")

    def __init__(self, url: str, timeout: float) -> None:
        self._connection = Connection(url, timeout)
        self._seen: dict[Generation, float] = {}

    async def create(self, generation: Generation, dimension: int) -> VespaIndex:
        index = VespaIndex(self._connection, generation, dimension)
        probe = np.zeros(dimension, np.float32)
        probe[0] = 1.0
        try:
            await index.semantic(probe, Scope(), 1)
        except BadQuery as exc:
            raise EngineError(
                f"Slot {generation.slot} on Vespa does not take vectors of {dimension} numbers. "
                "Deploy it for this checkpoint first: manage.py vespa_deploy --checkpoint NAME."
            ) from exc
        return index

    async def open(self, generation: Generation) -> VespaIndex:
        index = VespaIndex(self._connection, generation)
        if monotonic() - self._seen.get(generation, -SEEN_FOR) > SEEN_FOR:
            is_there = generation.slot in self.slots and await index.count(Scope())
            if index.coverage < 1:
                raise Unavailable("Vespa is starting, or some of its nodes do not answer.")
            if not is_there:
                raise Unavailable(f"Vespa has no generation {generation.number}; build it again.")
            self._seen[generation] = monotonic()
        return index

    async def drop(self, generation: Generation) -> None:
        self._seen.pop(generation, None)
        slot, number = generation.slot, generation.number
        await _clear(self._connection, slot, f"image.generation_{slot} == {number}")

    async def empty(self, slot: str) -> None:
        """Whatever stands in it, of however many builds."""
        self._seen.clear()
        await _clear(self._connection, slot, "true")

    async def health(self) -> str:
        state = await self._connection.health()
        if state != "up":
            raise Unavailable(f"Vespa is {state}.")
        root = await self._connection.ask({"yql": "select * from image where true limit 0"})
        if coverage_of(root) < 1:
            raise Unavailable("Some of Vespa's nodes do not answer.")
        return f"Vespa, {_total(root)} documents."

    def close(self) -> None:
        self._connection.close()


async def _clear(connection: Connection, slot: str, selection: str) -> None:
    """Empty the slot of the selected documents; what is in no slot any more goes."""
    filled = f"image.generation_{slot} != null and {selection}"
    await connection.put_where(filled, _emptied(slot))
    await connection.delete_where(IN_NONE)


def _emptied(slot: str) -> dict[str, None]:
    return {f"{name}_{slot}": None for name in ("generation", "picture_digest", "embedding")}


def bfloat16_hex(vector: Vector) -> str:
    """Cells as Vespa reads them from hex: the upper half of a float32, rounded to even."""
    bits = np.ascontiguousarray(vector, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return rounded.astype(">u2").tobytes().hex()


def _fields(document: Document) -> dict[str, Any]:
    strings = {name: getattr(document, name) for name in STRING_FIELDS}
    return {"image_id": document.image_id, "language": "en", **strings}


def _total(root: Root) -> int:
    return int(root["fields"]["totalCount"])


def _hits(root: Root) -> list[dict[str, Any]]:
    return [child for child in root.get("children", ()) if "image_id" in child.get("fields", {})]


def _fields_of_hits(root: Root) -> list[dict[str, Any]]:
    return [hit["fields"] for hit in _hits(root)]


def _matches(root: Root) -> list[Match]:
    return best_first(
        [Match(hit["fields"]["image_id"], float(hit["relevance"])) for hit in _hits(root)]
    )


def _candidates(root: Root) -> list[Candidate]:
    return [
        Candidate(
            image_id=hit["fields"]["image_id"],
            bm25=hit["fields"]["matchfeatures"]["bm25_score"],
            cosine=hit["fields"]["matchfeatures"]["cosine"],
            score=float(hit["relevance"]),
        )
        for hit in _hits(root)
    ]


def _groups(root: Root) -> dict[str, dict[str, int]]:
    """Counts by field and value; images that have no value are left out."""
    lists = [
        lists
        for child in root.get("children", ())
        if child["id"].startswith("group:root")
        for lists in child.get("children", ())
    ]
    return {
        grouped["label"]: {
            group["value"]: int(group["fields"]["count()"])
            for group in grouped.get("children", ())
            if group["value"]
        }
        for grouped in lists
    }


def _vector(rendered: Any) -> Vector:
    cells = rendered.get("values", rendered) if isinstance(rendered, dict) else rendered
    return np.asarray(cells, np.float32)
