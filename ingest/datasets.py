"""Dataset versions: the captioned images of a collection written down once, to be read for ever."""

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from ingest.errors import IngestError
from ingest.leakage import Columns
from ingest.models import Collection, DatasetVersion
from ingest.pictures import hash_of_thumbnail

# Freezing so many images takes a few seconds: short enough for a page that waits for it.
SMALL = 3_000
CHUNK = 2_000
_HASHED_AT_ONCE = 100
_COLUMNS = ("external_id", "sha256", "file", "caption_clean", "group_key", "split")

# Told how many of how many, and of what.
Tell = Callable[[int, int, str], None]


def _silently(done: int, total: int, what: str) -> None:
    pass


@dataclass(frozen=True)
class ImageRecord:
    """One line of a manifest. `file`: its name under MEDIA_ROOT; `caption`: as the model reads it.

    The row's number is left out, so that the same content has the same hash on another site.
    """

    id: str
    sha256: str
    file: str
    caption: str
    group: str
    split: str

    def line(self) -> bytes:
        return (
            json.dumps(
                asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":")
            ).encode()
            + b"\n"
        )


def freeze(collection: Collection, tell: Tell = _silently) -> DatasetVersion:
    """
    The version of what the collection holds now: the one there is of the same content, or a new
    one with its leakage measured. Raises IngestError where nothing has a caption or the disk is
    full. 174,000 images take about 6 s beside the comparison of their pictures, which
    `likeness.near_pairs` tells of.
    """
    if not collection.images.exclude(caption_clean="").exists():
        raise IngestError(f"{collection} has no captioned image to train on; import some first.")
    hash_pictures(collection, tell)
    columns, counts = Columns(), dict[str, int]()

    def lines() -> Iterator[bytes]:
        for record, perceptual_hash in _rows(collection):
            counts[record.split] = counts.get(record.split, 0) + 1
            columns.add(
                record.id, record.split, record.group, record.sha256, record.caption,
                perceptual_hash,
            )  # fmt: skip
            yield record.line()

    sha256 = _write(lines())
    known = DatasetVersion.objects.filter(collection=collection, sha256=sha256).first()
    if known is not None:
        return known
    total = sum(counts.values())
    tell(total, total, "Comparing pictures across the split")
    version, _ = DatasetVersion.objects.get_or_create(
        collection=collection,
        sha256=sha256,
        defaults={"counts": counts, "leakage": columns.leakage()},
    )
    return version


def version_to_show(collection: Collection) -> DatasetVersion | None:
    """The version of what the collection holds now; None where making one takes too long."""
    digest, count = hashlib.sha256(), 0
    for record, _ in _rows(collection):
        digest.update(record.line())
        count += 1
    known = DatasetVersion.objects.filter(collection=collection, sha256=digest.hexdigest()).first()
    return freeze(collection) if known is None and 0 < count <= SMALL else known


def records(version: DatasetVersion) -> Iterator[ImageRecord]:
    """
    As they were written. Raises IngestError, at the last line at the latest, where the file is
    not the one that was written: keep nothing of it before the end.
    """
    path, digest = manifest_file(version.sha256), hashlib.sha256()
    again = f"`manage.py freeze_dataset {version.collection}` writes it again, if nothing changed."
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                digest.update(line)
                yield ImageRecord(**json.loads(line))
    except FileNotFoundError as exc:
        raise IngestError(f"The manifest of dataset {version} is gone: {path}. {again}") from exc
    except (OSError, EOFError, zlib.error, ValueError, TypeError) as exc:
        raise IngestError(f"The manifest of dataset {version} is damaged: {path}. {again}") from exc
    if digest.hexdigest() != version.sha256:
        raise IngestError(f"The manifest of dataset {version} is damaged: {path}. {again}")


def manifest_file(sha256: str) -> Path:
    return Path(settings.DATASET_DIR) / f"{sha256}.jsonl.gz"


def hash_pictures(collection: Collection, tell: Tell = _silently) -> None:
    """Perceptual hashes for images that were imported before there were any: 300 a second."""
    todo = collection.images.filter(perceptual_hash="").exclude(caption_clean="")
    names = list(todo.order_by("pk").values_list("sha256", "thumbnail").distinct())
    for number, (sha256, thumbnail) in enumerate(dict(names).items(), start=1):
        if found := hash_of_thumbnail(thumbnail):
            collection.images.filter(sha256=sha256).update(perceptual_hash=found)
        if number % _HASHED_AT_ONCE == 0 or number == len(names):
            tell(number, len(names), "Comparing pictures: hashing those of earlier imports")


def _rows(collection: Collection) -> Iterator[tuple[ImageRecord, str]]:
    """Captioned images in the order in which they were imported, with their perceptual hashes."""
    rows = (
        collection.images.exclude(caption_clean="")
        .order_by("pk")
        .values_list(*_COLUMNS, "perceptual_hash")
    )
    for *values, perceptual_hash in rows.iterator(chunk_size=CHUNK):
        yield ImageRecord(*values), perceptual_hash


def _write(lines: Iterable[bytes]) -> str:
    """Whole or not at all, under the hash of the lines; a damaged file is replaced by the way."""
    folder = Path(settings.DATASET_DIR)
    digest = hashlib.sha256()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=folder, suffix=".new")
    except OSError as exc:
        raise IngestError(f"The dataset cannot be written to {folder}: {exc.strerror}.") from exc
    try:
        with os.fdopen(handle, "wb") as file:
            with gzip.GzipFile("", "wb", compresslevel=5, fileobj=file, mtime=0) as packed:
                for line in lines:
                    digest.update(line)
                    packed.write(line)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)
        os.replace(aside, manifest_file(digest.hexdigest()))
    except OSError as exc:
        raise IngestError(f"The dataset cannot be written to {folder}: {exc.strerror}.") from exc
    finally:
        Path(aside).unlink(missing_ok=True)
    return digest.hexdigest()
