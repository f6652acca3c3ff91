"""Build a generation beside the live one: read rows, encode pictures, feed, verify, promote."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

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

T = TypeVar("T")

BATCH = 64
# How long a build waits between two looks at an engine that is full, and how often. Seconds.
PAUSE = 30.0
MOST_PAUSES = 20


def build_index(build: IndexBuild) -> str:
    """Goes on where an interrupted build stopped: what was fed as it is now is not encoded again.

    Nothing that stands in its slot is touched before the engine has agreed to take it.
    """
    total = Image.objects.count()
    if not total:
        raise EngineError("There are no images to index; import some first.")
    prepare_cpu(settings.MODEL_THREADS)
    encoder = build.checkpoint.encoder().on_fastest_device()
    build.reserve(encoder.fingerprint, engine().slots)
    index = async_to_sync(engine().create)(build.generation, encoder.dimension)
    build.take_over()
    fed = async_to_sync(index.digests)()
    _forget_removed(index, fed)
    build.rejections.all().delete()
    done, last = 0, 0
    for images in _batches():
        last = images[-1].pk
        if unfed := [image for image in images if fed.get(image.pk) != document_of(image).digest]:
            build.keep_rejected(_feed(build, index, unfed, encoder))
        done += len(images)
        build.advance(done, total, unit="images", message="Encoding and feeding")
    build.note("Making the text index")
    _patiently(build, async_to_sync(index.settle))
    build.note("Verifying")
    verification = verify(index, encoder, last, build.rejected_ids())
    build.stop_if_cancelled()
    build.pass_with(verification)
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
    return rejected + _patiently(build, lambda: async_to_sync(index.feed)(documents, vectors))


def _patiently(build: IndexBuild, work: Callable[[], T]) -> T:
    pauses = 0
    while True:
        try:
            return work()
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


def _forget_removed(index: Index, fed: Mapping[int, str]) -> None:
    """Images deleted since an interrupted build fed them."""
    gone = fed.keys() - set(Image.objects.values_list("pk", flat=True))
    async_to_sync(index.remove)(sorted(gone))
