"""Build a generation beside the live one: read rows, encode pictures, feed, verify, promote."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone

from ingest.models import Image
from ingest.negation import split_mentions
from search.engines.base import Document, EngineError, Index, Scope
from search.models import IndexBuild
from search.retrieval import engine
from training.clip.cpu import prepare_cpu
from training.clip.encoder import DualEncoder

BATCH = 64


def build_index(build: IndexBuild) -> str:
    """Goes on where an interrupted build stopped: what was fed is not encoded again."""
    prepare_cpu(settings.MODEL_THREADS)
    encoder = build.checkpoint.encoder().on_fastest_device()
    build.fingerprint = encoder.fingerprint
    build.save(update_fields=["fingerprint"])
    index = async_to_sync(engine().create)(build.generation, encoder.dimension)
    fed = async_to_sync(index.image_ids)()
    total = Image.objects.count()
    if not total:
        raise EngineError("There are no images to index; import some first.")
    _forget_removed(index, fed)
    done = len(fed)
    for images in _batches(fed):
        async_to_sync(index.feed)(_documents(images, encoder))
        done += len(images)
        build.advance(done, total, unit="images", message="Encoding and feeding")
    build.note("Making the text index")
    async_to_sync(index.settle)()
    _verify(build, index)
    if build.promote_when_done:
        build.promote()
    live = ", live now" if build.promote_when_done else ""
    return f"{build.documents} documents{live}"


def _batches(fed: set[int]) -> Iterator[list[Image]]:
    """By primary key, so that a long build holds no cursor open."""
    last = 0
    while True:
        images = list(
            Image.objects.filter(pk__gt=last).select_related("collection").order_by("pk")[:BATCH]
        )
        if not images:
            return
        last = images[-1].pk
        if unfed := [image for image in images if image.pk not in fed]:
            yield unfed


def _documents(images: Sequence[Image], encoder: DualEncoder) -> list[Document]:
    root = Path(settings.MEDIA_ROOT)
    vectors = encoder.encode_images([root / str(image.file) for image in images])
    return [
        Document(
            image_id=image.pk,
            caption=split_mentions(image.caption_clean).asserted,
            collection=image.collection.name,
            modality=image.modality,
            anatomy=image.anatomy,
            sex=image.sex,
            laterality=image.laterality,
            year=str(image.year or ""),
            licence=image.licence,
            split=image.split,
            embedding=vector,
        )
        for image, vector in zip(images, vectors, strict=True)
    ]


def _forget_removed(index: Index, fed: set[int]) -> None:
    """Images deleted since an interrupted build fed them."""
    gone = fed - set(Image.objects.values_list("pk", flat=True))
    async_to_sync(index.remove)(sorted(gone))
    fed -= gone


def _verify(build: IndexBuild, index: Index) -> None:
    """Every image is in, none twice. Raises EngineError with the counts."""
    documents = async_to_sync(index.count)(Scope())
    indexed = async_to_sync(index.image_ids)()
    missing = set(Image.objects.values_list("pk", flat=True)) - indexed
    if missing or documents != len(indexed):
        raise EngineError(
            f"The build did not pass: {len(missing)} images are missing and "
            f"{documents - len(indexed)} stand twice. Start it again."
        )
    build.documents = documents
    build.verified_at = timezone.now()
    build.save(update_fields=["documents", "verified_at"])
