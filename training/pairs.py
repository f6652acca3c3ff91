"""The captioned images of a collection as pairs for the model."""

import hashlib
from pathlib import Path

from django.conf import settings

from ingest.datasets import records
from ingest.models import Collection, DatasetVersion, Image
from training.clip.data import Pair


def pairs_of(collection: Collection, split: str) -> list[Pair]:
    """In the order in which they were imported: `seed-inbatch-v1` depends on it."""
    rows = (
        Image.objects.filter(collection=collection, split=split)
        .exclude(caption_clean="")
        .order_by("pk")
        .values_list("file", "caption_clean", "group_key", "external_id")
    )
    root = Path(settings.MEDIA_ROOT)
    return [Pair(image=root / file, caption=c, group=g, key=key) for file, c, g, key in rows]


def pairs_of_version(version: DatasetVersion, split: str) -> list[Pair]:
    """As `pairs_of` gave them when the version was frozen. Raises IngestError."""
    root = Path(settings.MEDIA_ROOT)
    return [
        Pair(image=root / record.file, caption=record.caption, group=record.group, key=record.id)
        for record in records(version)
        if record.split == split
    ]


def dataset_hash(pairs: list[Pair]) -> str:
    """Changes with any id, caption, image (files are named by content) or their order."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.key}\0{pair.image.name}\0{pair.caption}\0".encode())
    return digest.hexdigest()
