"""`search-v1`: how well the search as people use it finds an image by the words of its caption."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

import numpy as np
from asgiref.sync import async_to_sync

from ingest.models import Image
from search import encoding
from search.asking import read
from search.engine import engine
from search.engines.base import Blend, Candidate, EngineError, Match
from search.fusion import Ranked, fuse, rank_leg
from search.models import IndexBuild, LiveIndex, SearchEvaluation
from search.query_forms import CONVERSATIONAL, FORMS
from search.retrieval import Finished, retrieve
from search.understanding.state import QueryState
from training.clip.bootstrap import Numbers, Resamples, Table, summary
from training.clip.data import Pair
from training.pairs import dataset_hash

PROTOCOL, DIRECTION = "search-v1", "query→image"
CUTOFF = 10
ALPHAS = tuple(round(step / 10, 1) for step in range(11))
LEXICAL, SEMANTIC, RRF = "lexical", "semantic", "rrf"


class ModeResult(TypedDict):
    """`mode` is lexical, semantic, hybrid or rrf; only hybrid has an `alpha`."""

    mode: str
    alpha: float | None
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]


class FormResult(TypedDict):
    """`latency`: ms of whole hybrid searches, one after another, their texts not seen before."""

    form: str
    example: str
    modes: list[ModeResult]
    latency: dict[str, float]


class Result(TypedDict):
    protocol: str
    direction: str
    relevance: str
    candidates: int
    queries: int
    masked: bool
    forms: list[FormResult]


@dataclass(frozen=True)
class Pool:
    """What one search gathered: enough to put its images in order by any mode."""

    candidates: Sequence[Candidate]
    lexical: Sequence[Match]
    semantic: Sequence[Match]

    def without_words_of(self, image_id: int) -> "Pool":
        """As if the caption of this one image had no words.

        Its BM25 is 0 and it does not come from the lexical leg, so it is in the pool only if its
        picture brought it there. Two traces stay: the other images' BM25 was computed with its
        words in the statistics, and it took one of the 200 places of the leg.
        """
        lexical = [match for match in self.lexical if match.image_id != image_id]
        there = {match.image_id for match in (*lexical, *self.semantic)}
        wordless = [
            replace(one, bm25=0.0) if one.image_id == image_id else one
            for one in self.candidates
            if one.image_id in there
        ]
        return Pool(wordless, lexical, self.semantic)

    def ranked(self, mode: str, alpha: float | None = None) -> list[Ranked]:
        """As `retrieval` orders it: at its ends α is one leg alone."""
        if mode == LEXICAL or alpha == 0.0:
            return rank_leg(self.lexical, lexical=True)
        if mode == SEMANTIC or alpha == 1.0:
            return rank_leg(self.semantic, lexical=False)
        blend = Blend("rrf") if mode == RRF else Blend(alpha=0.5 if alpha is None else alpha)
        return fuse(self.candidates, self.lexical, self.semantic, blend)


@dataclass(frozen=True)
class _Query:
    image_id: int
    text: str


MODES: tuple[tuple[str, float | None], ...] = (
    (LEXICAL, None),
    (SEMANTIC, None),
    *(("hybrid", alpha) for alpha in ALPHAS),
    (RRF, None),
)


def judge_search(job: SearchEvaluation) -> str:
    """Fill `build`, `dataset_hash` and `result`; returns the headline as a sentence.

    Only a query's own image is relevant. Filters that the understanding reads in a caption hold
    as in any search, and may be wrong. Raises EngineError, or EncoderUnavailable, with a sentence.
    """
    build = LiveIndex.current()
    if build is None:
        raise EngineError("Nothing is indexed yet. Start an index build, then judge the search.")
    encoding.encoder_of(build)
    images = _sample(job, build)
    job.note(f"Asking {len(images)} captions in {len(FORMS)} forms")
    resamples = Resamples([image.group_key for image in images])
    forms = []
    for number, (name, form) in enumerate(FORMS.items()):
        queries = [
            _Query(image.pk, form(image.caption_clean, place)) for place, image in enumerate(images)
        ]
        progress = _Progress(job, number * len(images), len(FORMS) * len(images), name)
        forms.append(_judge_form(name, queries, build, resamples, job.masked, progress))
    job.build, job.dataset_hash = build, dataset_hash(_pairs(images))
    result = Result(
        protocol=PROTOCOL,
        direction=DIRECTION,
        relevance="strict",
        candidates=build.documents,
        queries=len(images),
        masked=job.masked,
        forms=forms,
    )
    job.result = dict(result)
    job.save(update_fields=["build", "dataset_hash", "result"])
    return headline(result)


def headline(result: Result) -> str:
    """The form and the blend that people meet first."""
    form = next(f for f in result["forms"] if f["form"] == CONVERSATIONAL)
    best = max(form["modes"], key=lambda mode: mode["metrics"]["mrr@10"])
    half = next(mode for mode in form["modes"] if mode["alpha"] == 0.5)
    return (
        f"{form['form']}: mrr@10 {half['metrics']['mrr@10']:.3f} at α = .5, best "
        f"{best['metrics']['mrr@10']:.3f} ({name_of(best)}), over {result['candidates']} images"
    )


def name_of(mode: ModeResult) -> str:
    return mode["mode"] if mode["alpha"] is None else f"α = {mode['alpha']:.1f}"


@dataclass(frozen=True)
class _Progress:
    job: SearchEvaluation
    before: int
    total: int
    what: str

    def asked(self, number: int) -> None:
        message = f"Searching by {self.what}"
        self.job.advance(self.before + number, self.total, unit="searches", message=message)


def _sample(job: SearchEvaluation, build: IndexBuild) -> list[Image]:
    """In the order of their content's hash, so by no rule and the same each time.

    Raises EngineError with a sentence if the build has none of them.
    """
    index = async_to_sync(engine().open)(build.generation)
    indexed = set(async_to_sync(index.digests)())
    captioned = job.collection.images.filter(split=job.split).exclude(caption_clean="")
    keys = captioned.order_by("sha256", "pk").values_list("pk", flat=True)
    chosen = [pk for pk in keys if pk in indexed][: job.most_queries]
    if not chosen:
        raise EngineError(
            f"The live index has no captioned image of the {job.split} split of "
            f"{job.collection}; choose another, or build the index again."
        )
    images = Image.objects.in_bulk(chosen)
    return [images[pk] for pk in chosen]


def _pairs(images: Sequence[Image]) -> list[Pair]:
    return [Pair(Path(str(i.file)), i.caption_clean, i.group_key, i.external_id) for i in images]


def _judge_form(
    name: str,
    queries: Sequence[_Query],
    build: IndexBuild,
    resamples: Resamples,
    masked: bool,
    progress: _Progress,
) -> FormResult:
    ranks: dict[tuple[str, float | None], list[float]] = {mode: [] for mode in MODES}
    took = []
    for number, (query, pool, total_ms) in enumerate(_searches(queries, build), start=1):
        seen = pool.without_words_of(query.image_id) if masked else pool
        for mode in MODES:
            ranks[mode].append(rank_of(query.image_id, seen.ranked(*mode)))
        took.append(total_ms)
        progress.asked(number)
    return FormResult(
        form=name,
        example=queries[0].text,
        modes=[_mode(mode, np.array(found), resamples) for mode, found in ranks.items()],
        latency={f"p{p}": round(float(np.percentile(took, p)), 1) for p in (50, 95)},
    )


def _searches(queries: Sequence[_Query], build: IndexBuild) -> Iterator[tuple[_Query, Pool, float]]:
    """Each query asked once, as the page asks it, with the pool it gathered and its time in ms."""
    # What a process has encoded before costs it nothing, and would make the search look faster.
    encoding.forget_texts()
    pool_of(read("warm up").state, build)
    for query in queries:
        yield query, *pool_of(read(query.text).state, build)


def rank_of(image_id: int, hits: Sequence[Ranked]) -> float:
    """inf where it is not among them."""
    return next((float(hit.rank) for hit in hits if hit.image_id == image_id), np.inf)


def _mode(mode: tuple[str, float | None], ranks: Numbers, resamples: Resamples) -> ModeResult:
    table = metrics_of(ranks)
    return ModeResult(
        mode=mode[0], alpha=mode[1], metrics=summary(table), intervals=resamples.intervals(table)
    )


def metrics_of(ranks: Numbers) -> Table:
    """For each query; with one relevant image the best order has it first, so its gain is 1."""
    found = ranks <= CUTOFF
    return {
        f"ndcg@{CUTOFF}": np.where(found, 1 / np.log2(1 + ranks), 0.0),
        f"mrr@{CUTOFF}": np.where(found, 1 / ranks, 0.0),
        f"recall@{CUTOFF}": found.astype(float),
    }


def pool_of(state: QueryState, build: IndexBuild) -> tuple[Pool, float]:
    """One whole search by both legs, and how long it took in ms.

    The fused order names the true BM25 and cosine of every candidate and its rank in each leg,
    so it can be put in order again by other modes without searching again. Raises EngineError
    where a part of the search did not answer: such numbers would say nothing.
    """
    finished = async_to_sync(_finished)(replace(state, mode="hybrid", alpha=0.5), build)
    if finished.notices:
        raise EngineError(f"{finished.notices[0]} Judge the search again when all of it answers.")
    candidates = [Candidate(hit.image_id, hit.bm25, hit.cosine) for hit in finished.pool]
    pool = Pool(
        candidates,
        _leg([(h.lexical_rank, Match(h.image_id, h.bm25)) for h in finished.pool]),
        _leg([(h.semantic_rank, Match(h.image_id, h.cosine)) for h in finished.pool]),
    )
    return pool, finished.timing["total_ms"]


async def _finished(state: QueryState, build: IndexBuild) -> Finished:
    async for event in retrieve(state, build):
        if isinstance(event, Finished):
            return event
    raise EngineError("A search ended without an answer.")


def _leg(matches: Sequence[tuple[int | None, Match]]) -> list[Match]:
    there = [(rank, match) for rank, match in matches if rank is not None]
    return [match for _, match in sorted(there, key=lambda ranked: ranked[0])]
