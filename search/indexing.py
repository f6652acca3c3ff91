"""Build a generation beside the live one: read rows, encode pictures, feed, verify, promote."""

import logging
import time
from collections.abc import Iterator, Sequence

from asgiref.sync import async_to_sync
from django.conf import settings

from ingest.models import Image
from search.documents import document_of, encode
from search.engine import engine
from search.engines.base import EngineError, Full, Index, Rejected
from search.models import IndexBuild
from search.verification import verify
from training.clip.cpu import prepare_cpu
from training.clip.encoder import DualEncoder

logger = logging.getLogger(__name__)

BATCH = 64
# How long a build waits between two looks at an engine that is full, and how often. Seconds.
PAUSE = 30.0
MOST_PAUSES = 20


def build_index(build: IndexBuild) -> str:
    """Goes on where an interrupted build stopped: what was fed is not encoded again."""
    prepare_cpu(settings.MODEL_THREADS)
    encoder = build.checkpoint.encoder().on_fastest_device()
    build.begin(encoder.fingerprint, engine().slots)
    index = async_to_sync(engine().create)(build.generation, encoder.dimension)
    fed = set(async_to_sync(index.digests)())
    total = Image.objects.count()
    if not total:
        raise EngineError("There are no images to index; import some first.")
    _forget_removed(index, fed)
    build.rejections.all().delete()
    done, last = len(fed), 0
    for images in _batches():
        last = images[-1].pk
        if unfed := [image for image in images if image.pk not in fed]:
            build.keep_rejected(_feed(build, index, unfed, encoder))
            done += len(unfed)
            build.advance(done, total, unit="images", message="Encoding and feeding")
    build.note("Making the text index")
    async_to_sync(index.settle)()
    build.note("Verifying")
    build.pass_with(verify(index, encoder, last, build.rejected_ids()))
    if build.promote_when_done:
        build.promote()
    return _outcome(build)


def _outcome(build: IndexBuild) -> str:
    rejected = build.rejections.count()
    refused = f", {rejected} refused (listed below)" if rejected else ""
    return f"{build.documents} documents{refused}{', live now' if build.promote_when_done else ''}"


def _batches() -> Iterator[list[Image]]:
    """By primary key, so that a long build holds no cursor open."""
    last = 0
    while images := list(
        Image.objects.filter(pk__gt=last).select_related("collection").order_by("pk")[:BATCH]
    ):
        last = images[-1].pk
        yield images


def _feed(
    build: IndexBuild, index: Index, images: Sequence[Image], encoder: DualEncoder
) -> list[Rejected]:
    """Encode and feed one batch; while the engine is full, wait and say so on the row."""
    readable, vectors, rejected = encode(encoder, images)
    documents = [document_of(image) for image in readable]
    pauses = 0
    while True:
        try:
            return rejected + async_to_sync(index.feed)(documents, vectors)
        except Full as exc:
            pauses += 1
            if pauses > MOST_PAUSES:
                raise
            logger.error("index build %s is paused: %s", build.pk, exc)
            build.note(f"Paused. {exc} Make room; the build then goes on by itself.")
            _wait(build, PAUSE)


def _wait(build: IndexBuild, seconds: float) -> None:
    """Stay alive and cancellable meanwhile."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        build.advance(build.done, build.total, unit="images", message=build.message)
        time.sleep(min(1.0, seconds))


def _forget_removed(index: Index, fed: set[int]) -> None:
    """Images deleted since an interrupted build fed them."""
    gone = fed - set(Image.objects.values_list("pk", flat=True))
    async_to_sync(index.remove)(sorted(gone))
    fed -= gone
