"""What stands in the database against what the engine holds, and how to make them equal again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from asgiref.sync import async_to_sync

from ingest.models import Image
from search.documents import document_of, encode
from search.encoding import encoder_of
from search.engine import engine
from search.engines.base import Index, Rejected
from search.models import IndexBuild

BATCH = 64

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Difference:
    """Image ids. `stale_words` need no new vector, `stale_pictures` do."""

    missing: tuple[int, ...] = ()
    extra: tuple[int, ...] = ()
    stale_words: tuple[int, ...] = ()
    stale_pictures: tuple[int, ...] = ()

    def __len__(self) -> int:
        every = (self.missing, self.extra, self.stale_words, self.stale_pictures)
        return sum(len(ids) for ids in every)


def compare(build: IndexBuild) -> Difference:
    """Reads digests only, so neither captions nor vectors travel. Raises EngineError."""
    index = async_to_sync(engine().open)(build.generation)
    held = async_to_sync(index.digests)()
    missing: list[int] = []
    words: list[int] = []
    pictures: list[int] = []
    seen = set()
    for image in Image.objects.select_related("collection").order_by("pk").iterator(1000):
        seen.add(image.pk)
        digest = document_of(image).digest
        if image.pk not in held:
            missing.append(image.pk)
        elif held[image.pk].split("-")[0] != digest.split("-")[0]:
            pictures.append(image.pk)
        elif held[image.pk] != digest:
            words.append(image.pk)
    extra = sorted(held.keys() - seen)
    return Difference(tuple(missing), tuple(extra), tuple(words), tuple(pictures))


def repair(build: IndexBuild, difference: Difference, progress: Progress) -> list[Rejected]:
    """Remove, update and feed what differs; returns what was refused.

    Raises EngineError, or EncoderUnavailable when vectors are needed and their model is gone.
    """
    index = async_to_sync(engine().create)(build.generation, build.checkpoint.dimension)
    done, refused = 0, list[Rejected]()
    for work, image_ids in (
        (_remove, difference.extra),
        (_update, difference.stale_words),
        (_feed, (*difference.missing, *difference.stale_pictures)),
    ):
        for ids in _batches(image_ids):
            refused += work(build, index, ids)
            done += len(ids)
            progress(done, len(difference))
    async_to_sync(index.settle)()
    return refused


def _remove(build: IndexBuild, index: Index, image_ids: Sequence[int]) -> list[Rejected]:
    async_to_sync(index.remove)(image_ids)
    return []


def _update(build: IndexBuild, index: Index, image_ids: Sequence[int]) -> list[Rejected]:
    return async_to_sync(index.update)([document_of(image) for image in _images(image_ids)])


def _feed(build: IndexBuild, index: Index, image_ids: Sequence[int]) -> list[Rejected]:
    images, vectors, refused = encode(encoder_of(build), _images(image_ids))
    documents = [document_of(image) for image in images]
    return refused + async_to_sync(index.feed)(documents, vectors)


def _images(image_ids: Sequence[int]) -> list[Image]:
    return list(Image.objects.filter(pk__in=image_ids).select_related("collection"))


def _batches(image_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(image_ids), BATCH):
        yield image_ids[start : start + BATCH]
