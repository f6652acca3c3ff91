"""From a row of the corpus to what an engine keeps of it."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from ingest.models import Image
from ingest.negation import split_mentions
from search.engines.base import Document


def document_of(image: Image) -> Document:
    mentions = split_mentions(image.caption_clean)
    return Document(
        image_id=image.pk,
        caption=mentions.asserted,
        negated=mentions.negated,
        collection=image.collection.name,
        modality=image.modality,
        anatomy=image.anatomy,
        sex=image.sex,
        laterality=image.laterality,
        year=str(image.year or ""),
        licence=image.licence,
        split=image.split,
        picture=image.sha256,
    )


def picture_paths(images: Sequence[Image]) -> list[Path]:
    return [Path(settings.MEDIA_ROOT) / str(image.file) for image in images]
