"""One search as a stream of events: the same for the socket, the API, the page and the command."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from time import perf_counter

import numpy as np
from asgiref.sync import sync_to_async
from django.conf import settings

from ingest.models import Image
from search.encoding import EncoderUnavailable, text_vectors
from search.engines.base import FACET_FIELDS, Clause, Engine, Index, Match, Scope, Vector
from search.fusion import Ranked, fuse, rank_leg
from search.models import IndexBuild
from search.query import clauses_of, scope_of
from search.understanding.state import QueryState

# Candidates each leg brings into the pool; scores are normalised over the pool, never the page.
POOL = 200
# How far an excluded finding pushes the query vector away.
PUSH_AWAY = 0.3


class NothingIndexed(Exception):
    """No build is live; says what to do."""


@dataclass(frozen=True)
class LegHits:
    leg: str
    hits: Sequence[Ranked]
    took_ms: float


@dataclass(frozen=True)
class Facets:
    counts: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Finished:
    """`total` images pass the filters and exclusions; `hits` is the whole ranked pool."""

    hits: Sequence[Ranked]
    total: int
    timing: dict[str, float]
    notices: Sequence[str]


Event = LegHits | Facets | Finished


@cache
def engine() -> Engine:
    """The engine of this process; imported late, as it is heavy."""
    from search.engines.lance import LanceEngine

    return LanceEngine(settings.INDEX_DIR)


async def retrieve(state: QueryState, build: IndexBuild | None) -> AsyncIterator[Event]:
    """Lexical hits, semantic hits, the fused order, facets, then the summary.

    A leg that was not asked, or cannot answer, is left out; notices say why in the latter case.
    Raises NothingIndexed or an EngineError.
    """
    if build is None:
        raise NothingIndexed("Nothing is indexed yet. An administrator starts an index build.")
    index = await engine().open(build.generation)
    search = _Search(state, build, index, scope_of(state))
    if state.encoder_text or state.images:
        encoding = asyncio.ensure_future(search.encode())
        try:
            await search.look_for_words()
            if search.clauses:
                yield LegHits("lexical", rank_leg(search.lexical, lexical=True), search.took_ms)
            await encoding
        finally:
            encoding.cancel()
        if search.vector is not None:
            await search.look_for_pictures(search.vector)
            yield LegHits("semantic", rank_leg(search.semantic, lexical=False), search.took_ms)
        hits = await search.fused()
    else:
        hits = await search.browsed()
    yield LegHits("fused", hits, search.took_ms)
    yield Facets(await search.facets())
    total = await index.count(search.scope)
    search.note("total_ms", search.began)
    yield Finished(hits, total, search.timing, search.notices)


@dataclass
class _Search:
    """What one search gathers on its way."""

    state: QueryState
    build: IndexBuild
    index: Index
    scope: Scope
    clauses: list[Clause] = field(default_factory=list)
    vector: Vector | None = None
    lexical: list[Match] = field(default_factory=list)
    semantic: list[Match] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    timing: dict[str, float] = field(default_factory=dict)
    took_ms: float = 0.0
    began: float = field(default_factory=perf_counter)

    def note(self, name: str, since: float) -> None:
        self.took_ms = self.timing[name] = round((perf_counter() - since) * 1000, 2)

    async def look_for_words(self) -> None:
        since = perf_counter()
        if self.state.mode == "semantic" or self._alpha_leaves_out("words"):
            return
        self.clauses = clauses_of(self.state, await _captions(self.state))
        if self.clauses:
            self.lexical = await self.index.lexical(self.clauses, self.scope, POOL)
            self.note("lexical_ms", since)
        elif self.state.mode == "lexical":
            self.notices.append("There are no words to look for in captions.")

    async def encode(self) -> None:
        """Set the query vector; without an encoder the words answer alone, and a notice says so."""
        since = perf_counter()
        if self.state.mode == "lexical" or self._alpha_leaves_out("pictures"):
            return
        try:
            texts = await asyncio.to_thread(_weighted_texts, self.state, self.build)
        except EncoderUnavailable as exc:
            self.notices.append(f"Searching captions only. {exc}")
            return
        wanted = {image.image_id: image.weight for image in self.state.images}
        found = await self.index.embeddings(list(wanted))
        if len(found) < len(wanted):
            self.notices.append("An example image is not in this index and was left out.")
        parts = texts + [wanted[i] * vector for i, vector in found.items()]
        if parts:
            self.vector = _unit(np.sum(parts, axis=0))
        self.note("encode_ms", since)

    async def look_for_pictures(self, vector: Vector) -> None:
        since = perf_counter()
        self.semantic = await self.index.semantic(vector, self.scope, POOL)
        self.note("semantic_ms", since)

    async def fused(self) -> list[Ranked]:
        """Every candidate of the pool gets its true BM25 and its true cosine, whoever found it."""
        since = perf_counter()
        bm25 = {match.image_id: match.score for match in self.lexical}
        cosine = {match.image_id: match.score for match in self.semantic}
        if not self.clauses or self.vector is None:
            hits = rank_leg(self.lexical or self.semantic, lexical=bool(self.lexical))
        else:
            bm25 |= await self.index.bm25(self.clauses, sorted(cosine.keys() - bm25.keys()))
            unseen = await self.index.embeddings(sorted(bm25.keys() - cosine.keys()))
            cosine |= {i: float(vector @ self.vector) for i, vector in unseen.items()}
            hits = fuse(
                self.lexical,
                self.semantic,
                bm25,
                cosine,
                alpha=self.state.alpha,
                fusion=self.state.fusion,
            )
        self.note("fuse_ms", since)
        return hits

    async def browsed(self) -> list[Ranked]:
        """Filters alone order nothing: what passes them, in the order of the corpus."""
        since = perf_counter()
        image_ids = await self.index.browse(self.scope, POOL)
        self.note("fuse_ms", since)
        return [Ranked(image_id, rank, 0.0) for rank, image_id in enumerate(image_ids, start=1)]

    async def facets(self) -> dict[str, dict[str, int]]:
        since = perf_counter()
        counts = {name: await self.index.facet(name, self.scope) for name in FACET_FIELDS}
        self.note("facets_ms", since)
        return counts

    def _alpha_leaves_out(self, leg: str) -> bool:
        """At its ends α is one leg alone, exactly."""
        if self.state.mode != "hybrid" or self.state.fusion != "linear":
            return False
        return self.state.alpha == {"words": 1.0, "pictures": 0.0}[leg]


def _weighted_texts(state: QueryState, build: IndexBuild) -> list[Vector]:
    """The wanted words as one text, each excluded finding as a push away from it."""
    wanted = [state.encoder_text] if state.encoder_text else []
    unwanted = [phrase.text for phrase in state.phrases if phrase.excluded]
    vectors = text_vectors(build, wanted + unwanted)
    weights = [1.0] * len(wanted) + [-PUSH_AWAY] * len(unwanted)
    return [weight * vector for weight, vector in zip(weights, vectors, strict=True)]


def _unit(vector: Vector) -> Vector:
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)


@sync_to_async
def _captions(state: QueryState) -> dict[int, str]:
    wanted = [image.image_id for image in state.images if image.with_caption]
    if not wanted:
        return {}
    return dict(Image.objects.filter(pk__in=wanted).values_list("pk", "caption_clean"))
