"""One search as a stream of events: the same for the socket, the API, the page and the command."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from asgiref.sync import sync_to_async
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ingest.models import Image
from search.cutoff import strong, wanted_words
from search.encoding import EncoderUnavailable
from search.engine import engine
from search.engines.base import (
    FACET_FIELDS,
    Blend,
    Candidate,
    Clause,
    EngineError,
    Index,
    Match,
    Restriction,
    Scope,
    Timeout,
    Vector,
)
from search.folding import Look, fold
from search.fusion import Ranked, fuse, rank_leg
from search.models import IndexBuild
from search.ordering import Origin, ordered
from search.query import clauses_of, scope_of
from search.query_vector import query_vector
from search.understanding.state import QueryState
from search.understanding.values import NOT_STATED

# Candidates each leg brings into the pool; scores are normalised over the pool, never the page.
POOL = 200

NO_YEARS = gettext_lazy("No image here has a year, so the best match comes first.")
NOTHING_INDEXED = gettext_lazy("Nothing is indexed yet. An administrator starts an index build.")


class NothingIndexed(Exception):
    """No build is live; says what to do."""


@dataclass(frozen=True)
class LegHits:
    leg: str
    hits: Sequence[Ranked]
    took_ms: float
    strong: int | None = None


@dataclass(frozen=True)
class Facets:
    counts: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Finished:
    """
    `total` images pass the filters and exclusions. `pool` is all that was ranked; `hits` the same
    with images that look the same in one place, of which the first `strong` match well.
    """

    hits: Sequence[Ranked]
    pool: Sequence[Ranked]
    strong: int
    total: int
    timing: dict[str, float]
    notices: Sequence[str]


Event = LegHits | Facets | Finished


async def retrieve(
    state: QueryState, build: IndexBuild | None, owner: int | None = None
) -> AsyncIterator[Event]:
    """Lexical hits, semantic hits, the fused order, facets, then the summary.

    `owner` is the person who asks: of pictures that people brought, only theirs take part.

    The legs run side by side. One that was not asked, or cannot answer, is left out; notices say
    why in the latter case. Raises NothingIndexed, or an EngineError if nothing could answer.
    """
    if build is None:
        raise NothingIndexed(NOTHING_INDEXED)
    index = await engine().open(build.generation)
    search = _Search(state, build, index, scope_of(state), owner)
    running: list[asyncio.Future[Any]] = []
    try:
        if state.can_rank:
            words = asyncio.ensure_future(search.look_for_words())
            pictures = asyncio.ensure_future(search.look_for_pictures())
            running += [words, pictures]
            await words
            running.append(asyncio.ensure_future(search.count()))
            if search.lexical is not None:
                leg = await search.ordered(rank_leg(search.lexical, lexical=True))
                yield LegHits("lexical", leg, search.took_ms)
            await pictures
            if search.semantic is not None:
                leg = await search.ordered(rank_leg(search.semantic, lexical=False))
                yield LegHits("semantic", leg, search.took_ms)
            pool = await search.fused()
        else:
            running.append(asyncio.ensure_future(search.count()))
            pool = await search.browsed()
        hits = await search.folded(pool)
        well = search.strong(hits)
        hits = await search.ordered(hits, well)
        yield LegHits("fused", hits, search.took_ms, well)
        facets, total = await running[-1]
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    yield Facets(facets)
    search.note("total_ms", search.began)
    known = len(pool) if total is None else total
    yield Finished(hits, pool, well, known, search.timing, search.all_notices)


@dataclass
class _Search:
    """What one search gathers on its way. A leg is None until it has answered."""

    state: QueryState
    build: IndexBuild
    index: Index
    scope: Scope
    owner: int | None
    clauses: list[Clause] = field(default_factory=list)
    vector: Vector | None = None
    lexical: list[Match] | None = None
    semantic: list[Match] | None = None
    failure: EngineError | None = None
    notices: list[str] = field(default_factory=list)
    timing: dict[str, float] = field(default_factory=dict)
    took_ms: float = 0.0
    without_years: bool = False
    began: float = field(default_factory=perf_counter)

    def note(self, name: str, since: float) -> None:
        self.took_ms = self.timing[name] = round((perf_counter() - since) * 1000, 2)

    @property
    def all_notices(self) -> list[str]:
        notices = [*self.notices, str(NO_YEARS)] if self.without_years else self.notices
        share = self.index.coverage
        if share >= 1.0:
            return notices
        said = _(
            "Only %(share)s of the images could be searched in time; there may be better ones."
        )
        return [*notices, said % {"share": f"{share:.0%}"}]

    async def look_for_words(self) -> None:
        since = perf_counter()
        if self.state.mode == "semantic" or self._alpha_leaves_out("words"):
            return
        clauses = clauses_of(self.state, await self._captions())
        if not clauses:
            if self.state.mode == "lexical":
                self.notices.append(_("There are no words to look for in captions."))
            return
        try:
            self.lexical = await self.index.lexical(clauses, self.scope, POOL)
        except EngineError as exc:
            self.failure = exc
            self._lost("words", exc)
            return
        self.clauses = clauses
        self.note("lexical_ms", since)

    async def _captions(self) -> dict[int, str]:
        images = self.state.images
        wanted = [image.image_id for image in images if image.with_caption and image.image_id]
        if not wanted:
            return {}
        rows = Image.objects.filter(pk__in=wanted).values_list("pk", "caption_clean")
        return {image_id: caption async for image_id, caption in rows}

    async def look_for_pictures(self) -> None:
        """Without an encoder, or when this leg fails, the words answer alone."""
        if self.state.mode == "lexical" or self._alpha_leaves_out("pictures"):
            return
        since = perf_counter()
        try:
            vector, notices = await query_vector(self.state, self.build, self.index, self.owner)
            self.notices += notices
            self.note("encode_ms", since)
            if vector is None:
                return
            since = perf_counter()
            self.semantic = await self.index.semantic(vector, self.scope, POOL)
        except EncoderUnavailable as exc:
            self.notices.append(_("Searching captions only. %(why)s") % {"why": exc})
            return
        except EngineError as exc:
            self.failure = exc
            self._lost("pictures", exc)
            return
        self.vector = vector
        self.note("semantic_ms", since)

    async def fused(self) -> list[Ranked]:
        """Every candidate of the pool with its true BM25 and its true cosine, whoever found it.

        Raises what made the legs fail if none of them answered.
        """
        since = perf_counter()
        hits = await self._pooled()
        self.note("fuse_ms", since)
        return hits

    async def _pooled(self) -> list[Ranked]:
        if self.semantic is None or self.lexical is None:
            if self.failure is not None and self.lexical is None and self.semantic is None:
                raise self.failure
            alone = self.lexical if self.lexical is not None else self.semantic or []
            return rank_leg(alone, lexical=self.lexical is not None)
        blend = Blend(self.state.fusion, self.state.alpha)
        pool = sorted({match.image_id for match in (*self.lexical, *self.semantic)})
        try:
            candidates = await self._candidates(pool, blend)
        except EngineError as exc:
            self._lost("both together", exc)
            return rank_leg(self.lexical, lexical=True)
        return fuse(candidates, self.lexical, self.semantic, blend)

    async def _candidates(self, pool: Sequence[int], blend: Blend) -> list[Candidate]:
        if self.vector is None:
            return []
        return await self.index.candidates(pool, self.clauses, self.vector, blend)

    async def browsed(self) -> list[Ranked]:
        """Filters alone order nothing: what passes them, in the order of the corpus."""
        since = perf_counter()
        image_ids = await self._first_of_all()
        self.note("fuse_ms", since)
        return [Ranked(image_id, rank, 0.0) for rank, image_id in enumerate(image_ids, start=1)]

    async def _first_of_all(self) -> list[int]:
        """Of a field that sorts, what is not stated comes last, whichever way it goes."""
        if self.state.sort not in _BROWSED_BY:
            return await self.index.browse(self.scope, POOL)
        field, descending = _BROWSED_BY[self.state.sort]
        unstated = (NOT_STATED,)
        found: list[int] = []
        for restriction in (
            Restriction(field, none_of=unstated), Restriction(field, any_of=unstated)
        ):  # fmt: skip
            scope = replace(self.scope, restrictions=(*self.scope.restrictions, restriction))
            room = POOL - len(found)
            if room:
                found += await self.index.browse(scope, room, by=field, descending=descending)
        return found

    async def ordered(self, hits: list[Ranked], strong: int | None = None) -> list[Ranked]:
        if self.state.sort == "relevance":
            return hits
        origins = await _origins([hit.image_id for hit in hits])
        by_year = self.state.sort in ("newest", "oldest")
        if by_year and hits and all(origin.year is None for origin in origins.values()):
            self.without_years = True
        return ordered(hits, self.state.sort, origins, len(hits) if strong is None else strong)

    async def folded(self, pool: Sequence[Ranked]) -> list[Ranked]:
        since = perf_counter()
        hits = fold(pool, await _looks([hit.image_id for hit in pool]))
        self.note("fold_ms", since)
        return hits

    def strong(self, hits: Sequence[Ranked]) -> int:
        """How many match well; all of them where no words were asked for alone."""
        wanted = wanted_words(self.clauses)
        if self.lexical is None or not wanted or self.state.images:
            return len(hits)
        return strong(hits, wanted, self.build.documents)

    async def count(self) -> tuple[dict[str, dict[str, int]], int | None]:
        """Facets, and how many images pass; neither stops an answer."""
        since = perf_counter()
        try:
            counts = await self.index.facets(FACET_FIELDS, self.scope)
        except EngineError as exc:
            self._lost("counts", exc)
            return {name: {} for name in FACET_FIELDS}, None
        self.timing["facets_ms"] = round((perf_counter() - since) * 1000, 2)
        return counts.values, counts.total

    def _lost(self, part: str, exc: EngineError) -> None:
        """Note a part that could not answer; why is told only if nothing else could."""
        if isinstance(exc, Timeout):
            sentence = _("%(part)s did not answer in time.")
        else:
            sentence = _("%(part)s is not available just now.")
        self.notices.append(sentence % {"part": _PARTS[part]})

    def _alpha_leaves_out(self, leg: str) -> bool:
        """At its ends α is one leg alone, exactly."""
        if self.state.mode != "hybrid" or self.state.fusion != "linear":
            return False
        return self.state.alpha == {"words": 1.0, "pictures": 0.0}[leg]


# The field of the index that a sorted list without words goes by, and whether backwards.
_BROWSED_BY: dict[str, tuple[str, bool]] = {
    "newest": ("year", True),
    "oldest": ("year", False),
}

_PARTS = {
    "words": gettext_lazy("The search by words"),
    "pictures": gettext_lazy("The search by picture"),
    "both together": gettext_lazy("The order by words and pictures together"),
    "counts": gettext_lazy("Counting"),
}


@sync_to_async
def _origins(image_ids: Sequence[int]) -> dict[int, Origin]:
    rows = Image.objects.filter(pk__in=image_ids)
    told = rows.values_list("pk", "year", "collection__name", "group_key")
    return {pk: Origin(year, f"{collection}\0{group}") for pk, year, collection, group in told}


@sync_to_async
def _looks(image_ids: Sequence[int]) -> dict[int, Look]:
    rows = Image.objects.filter(pk__in=image_ids)
    return {pk: Look(*look) for pk, *look in rows.values_list("pk", "sha256", "perceptual_hash")}
