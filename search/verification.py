"""What a generation must pass before anybody searches it."""

from collections.abc import Collection, Sequence
from typing import TypedDict

from asgiref.sync import async_to_sync

from ingest.models import Image
from search.documents import document_of
from search.engines.base import Blend, Clause, EngineError, Index, Match, Scope, Vector
from training.clip.encoder import DualEncoder

RECALL_QUERIES, RECALL_AT, RECALL_NEEDED = 100, 10, 0.98
GOLDEN_QUERIES, GOLDEN_POOL = 20, 200
# Refused documents up to this share of the corpus are listed; more fail the build.
MOST_REJECTED = 0.01
# Scores closer than this are ties.
TIE = 1e-6


class Verification(TypedDict):
    documents: int
    recall_at_10: float
    recall_queries: int
    golden_found: int
    golden_queries: int


def verify(
    index: Index, encoder: DualEncoder, last: int, rejected: Collection[int]
) -> Verification:
    """Every image up to number `last` is in, once; the graph finds what an exact scan finds.

    Images that came in later are not asked for. Raises EngineError with the numbers.
    """
    wanted = set(Image.objects.filter(pk__lte=last).values_list("pk", flat=True))
    documents = _check_counts(index, wanted, rejected)
    there = sorted(wanted - set(rejected))
    sample = _sample(there, RECALL_QUERIES)
    recall = _check_recall(index, encoder, sample)
    golden = _sample(there, GOLDEN_QUERIES)
    _check_golden(index, golden)
    return Verification(
        documents=documents,
        recall_at_10=round(recall, 4),
        recall_queries=len(sample),
        golden_found=len(golden),
        golden_queries=len(golden),
    )


def _check_coverage(index: Index) -> None:
    """What was found in a part of the documents says nothing of the whole."""
    if index.coverage < 1:
        raise EngineError(
            f"The build could not be verified: the engine answered for {index.coverage:.0%} of the "
            "documents only. Start it again when all its nodes are up, or allow it more time."
        )


def _check_counts(index: Index, wanted: set[int], rejected: Collection[int]) -> int:
    if len(rejected) > MOST_REJECTED * len(wanted):
        raise EngineError(
            f"The build did not pass: {len(rejected)} of {len(wanted)} images were refused; "
            "the reasons are listed below. Start it again when they are mended."
        )
    documents = async_to_sync(index.count)(Scope())
    _check_coverage(index)
    indexed = set(async_to_sync(index.digests)())
    missing = wanted - indexed - set(rejected)
    if missing or documents != len(indexed):
        raise EngineError(
            f"The build did not pass: {len(missing)} images are missing and "
            f"{documents - len(indexed)} stand twice. Start it again."
        )
    return documents


def _check_recall(index: Index, encoder: DualEncoder, images: Sequence[Image]) -> float:
    """Share of the true first ten that the graph finds, asked with sampled captions."""
    vectors = encoder.encode_texts([image.caption_clean for image in images])
    found = [async_to_sync(_recall_of)(index, vector) for vector in vectors]
    _check_coverage(index)
    recall = sum(found) / max(len(found), 1)
    if recall < RECALL_NEEDED:
        raise EngineError(
            f"The build did not pass: the graph finds {recall:.1%} of the true first "
            f"{RECALL_AT} of {len(images)} sampled searches, {RECALL_NEEDED:.0%} are needed "
            '(docs/vespa.md, "Tuning").'
        )
    return recall


async def _recall_of(index: Index, vector: Vector) -> float:
    exact = await index.semantic(vector, Scope(), RECALL_AT, exact=True)
    if not exact:
        return 1.0
    found = await index.semantic(vector, Scope(), RECALL_AT)
    good = [match for match in found if match.score >= exact[-1].score - TIE]
    return len(good) / len(exact)


def _check_golden(index: Index, images: Sequence[Image]) -> None:
    """Sampled images must be found by their own vector and by their own caption."""
    lost = [image.pk for image in images if not async_to_sync(_finds)(index, image)]
    _check_coverage(index)
    if lost:
        raise EngineError(
            f"The build did not pass: {len(lost)} of {len(images)} sampled images are not found "
            f"by their own picture and caption, image {lost[0]} first."
        )


async def _finds(index: Index, image: Image) -> bool:
    vector = (await index.embeddings([image.pk])).get(image.pk)
    if vector is None:
        return False
    clauses = [Clause(document_of(image).caption)]
    candidates = await index.candidates([image.pk], clauses, vector, Blend())
    if not candidates:
        return False
    own = candidates[0]
    by_picture = await index.semantic(vector, Scope(), RECALL_AT)
    by_words = await index.lexical(clauses, Scope(), GOLDEN_POOL)
    seen = _stands(by_picture, image.pk, own.cosine, RECALL_AT)
    return seen and (own.bm25 == 0 or _stands(by_words, image.pk, own.bm25, GOLDEN_POOL))


def _stands(matches: Sequence[Match], image_id: int, score: float, limit: int) -> bool:
    """It is among them, or the list is full of others that score the same."""
    if any(match.image_id == image_id for match in matches):
        return True
    return len(matches) == limit and score <= matches[-1].score + TIE


def _sample(image_ids: Sequence[int], size: int) -> list[Image]:
    """Evenly over the corpus and the same each time."""
    chosen = image_ids[:: max(len(image_ids) // size, 1)][:size]
    return list(Image.objects.filter(pk__in=chosen).select_related("collection").order_by("pk"))
