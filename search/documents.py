"""From a row of the corpus to what an engine keeps of it: a document and its vector."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from PIL import Image as Pillow

from ingest.models import Image
from ingest.negation import split_mentions
from search.engines.base import Document, Rejected, Vectors
from search.understanding.values import AGE_GROUPS, NOT_STATED

if TYPE_CHECKING:
    from training.clip.encoder import DualEncoder


def document_of(image: Image) -> Document:
    mentions = split_mentions(image.caption_clean)
    return Document(
        image_id=image.pk,
        caption=mentions.asserted,
        negated=mentions.negated,
        collection=image.collection.name,
        modality=image.modality or NOT_STATED,
        anatomy=image.anatomy or NOT_STATED,
        sex=image.sex or NOT_STATED,
        laterality=image.laterality or NOT_STATED,
        year=str(image.year or NOT_STATED),
        licence=image.licence,
        split=image.split,
        picture=image.sha256,
        age=_age_group(image.age),
        captioned="yes" if image.caption_clean else "no",
    )


def _age_group(years: float | None) -> str:
    """As in the vocabulary of the captions."""
    if years is None:
        return NOT_STATED
    return next(group for group, below in AGE_GROUPS.items() if years < below)


def encode(
    encoder: "DualEncoder", images: Sequence[Image]
) -> tuple[list[Image], Vectors, list[Rejected]]:
    """The images that could be read with their vectors; a broken file does not stop the others."""
    paths = [Path(settings.MEDIA_ROOT) / str(image.file) for image in images]
    try:
        return list(images), encoder.encode_images(paths), []
    except OSError:
        readable = [_opens(path) for path in paths]
    reason = "Its file is missing or cannot be read."
    rejected = [Rejected(i.pk, reason) for i, ok in zip(images, readable, strict=True) if not ok]
    kept = [image for image, ok in zip(images, readable, strict=True) if ok]
    vectors = encoder.encode_images([p for p, ok in zip(paths, readable, strict=True) if ok])
    return kept, vectors, rejected


def _opens(path: Path) -> bool:
    try:
        with Pillow.open(path) as picture:
            picture.load()
    except OSError:
        return False
    return True
