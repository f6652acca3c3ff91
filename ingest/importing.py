"""From records to rows: check, store, create or update, and list what was wrong."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction

from ingest.caption_facts import read_facts
from ingest.captions import clean_caption
from ingest.errors import BadPicture, IngestError
from ingest.models import Collection, Image, Import, ImportIssue
from ingest.pictures import Picture, read_picture, store
from ingest.readers import READERS, BadLine, Record, printable, recognise
from ingest.splits import assign_splits
from ingest.vocabulary import canonical

BATCH = 64


class BadRecord(Exception):
    """This record is refused; says why."""


@dataclass
class _Checked:
    """`picture` is None where its file was stored by an earlier import."""

    record: Record
    picture: Picture | None
    fields: dict[str, Any]


class _Pictures:
    """Files of earlier imports are not decoded again: that is most of an import's work."""

    def __init__(self, collection: Collection | None) -> None:
        names = ("sha256", "file", "thumbnail", "width", "height", "perceptual_hash")
        rows = collection.images.values(*names) if collection else ()
        self.stored: dict[str, dict[str, Any]] = {row["sha256"]: dict(row) for row in rows}

    def fields(self, data: bytes) -> tuple[Picture | None, dict[str, Any]]:
        """What the row will say of the file. Raises BadPicture."""
        known = self.stored.get(hashlib.sha256(data).hexdigest())
        if known is not None:
            return None, known
        picture = read_picture(data)
        names = ("sha256", "width", "height", "perceptual_hash")
        return picture, {name: getattr(picture, name) for name in names}


def import_corpus(job: Import) -> str:
    """Read the whole source into its collection. Safe to run again after any interruption."""
    root = Path(job.path)
    name = recognise(root) if job.format == Import.Format.AUTO else job.format
    reader = READERS[name]
    collection = _collection(job, synthetic=name == "phantoms")
    pictures = _Pictures(collection)
    seen: set[str] = set()
    position = 0
    job.created = job.updated = job.unchanged = job.refused = 0
    job.issues.all().delete()
    records = reader(root)
    while batch := list(islice(records, BATCH)):
        checked = list(_check_all(job, batch, pictures, seen))
        position += len(batch)
        with transaction.atomic():
            for item in checked:
                _save(job, collection, item, root)
            _save_counts(job)
        job.advance(position, unit="images", message=f"Reading {job.collection_name}")
    if not position:
        raise IngestError(f"{job.path} holds no images.")
    if collection is not None and not job.dry_run:
        for group in assign_splits(collection):
            reason = f"group {group} stood in more than one split; all of it is held out now"
            _list_issue(job, 0, group, reason, refused=False)
    return _summary(job)


def _collection(job: Import, *, synthetic: bool) -> Collection | None:
    if job.dry_run:
        return Collection.objects.filter(name=job.collection_name).first()
    collection, _ = Collection.objects.get_or_create(
        name=job.collection_name, defaults={"synthetic": synthetic}
    )
    job.collection = collection
    job.save(update_fields=["collection"])
    return collection


def _check_all(
    job: Import, batch: list[Record | BadLine], pictures: _Pictures, seen: set[str]
) -> Iterator[_Checked]:
    for entry in batch:
        if isinstance(entry, BadLine):
            _list_issue(job, entry.line, entry.record, entry.reason)
            continue
        try:
            yield _check(job, entry, pictures, seen)
        except (BadRecord, BadPicture) as exc:
            _list_issue(job, entry.line, entry.external_id, str(exc))


def _check(job: Import, record: Record, pictures: _Pictures, seen: set[str]) -> _Checked:
    if record.external_id in seen:
        raise BadRecord("this id stood on an earlier line already")
    if len(record.external_id) > 200:
        raise BadRecord("the id is longer than 200 characters")
    caption = clean_caption(record.caption)
    if record.caption_is_needed and not caption:
        raise BadRecord("the caption is empty")
    picture, stored = pictures.fields(record.read())
    if any(mark in record.caption for mark in "\t\r\n"):
        reason = "the caption held a tab or a line break; taken in with a space instead"
        _list_issue(job, record.line, record.external_id, reason, refused=False)
    seen.add(record.external_id)
    return _Checked(record, picture, {**stored, **_fields(job, record, stored, caption)})


def _fields(job: Import, record: Record, stored: dict[str, Any], caption: str) -> dict[str, Any]:
    given, facts = record.metadata, read_facts(caption)
    return {
        "source_name": record.source_name[:500],
        "caption": " ".join(printable(record.caption).split()),
        "caption_clean": caption,
        "modality": canonical("modality", given.get("modality", "")) or facts.modality,
        "anatomy": canonical("anatomy", given.get("anatomy", "")) or facts.anatomy,
        "sex": canonical("sex", given.get("sex", "")) or facts.sex,
        "laterality": canonical("laterality", given.get("laterality", "")) or facts.laterality,
        "age": _number(job, record, "age", 0, 130) if given.get("age") else facts.age,
        "year": _number(job, record, "year", 1800, 2200) if given.get("year") else None,
        "licence": given.get("licence", "")[:100],
        "source": given.get("source", "")[:500],
        "credit": given.get("credit", ""),
        "group_key": (record.group or stored["sha256"])[:200],
        "truth": json.loads(json.dumps(record.truth)),
    }


def _number(job: Import, record: Record, field: str, low: int, high: int) -> float | None:
    text = record.metadata[field]
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if low <= value <= high:
        return int(value) if field == "year" else value
    reason = f"{field} '{text[:40]}' is not a number between {low} and {high}; left empty"
    _list_issue(job, record.line, record.external_id, reason, refused=False)
    return None


def _store(item: _Checked) -> None:
    if item.picture is not None:
        file, thumbnail = store(item.picture)
        item.fields |= {"file": file, "thumbnail": thumbnail}


def _save(job: Import, collection: Collection | None, item: _Checked, root: Path) -> None:
    image = _existing(collection, item, root) if collection else None
    given_split = canonical("split", item.record.metadata.get("split", ""))
    if given_split:
        item.fields["split"] = given_split
    if image is None:
        job.created += 1
        if collection is not None and not job.dry_run:
            _store(item)
            collection.images.create(external_id=item.record.external_id, **item.fields)
        return
    if all(getattr(image, key) == value for key, value in item.fields.items()):
        job.unchanged += 1
        return
    job.updated += 1
    if not job.dry_run:
        _store(item)
        for key, value in item.fields.items():
            setattr(image, key, value)
        image.save()


def _existing(collection: Collection, item: _Checked, root: Path) -> Image | None:
    """The row of this id, or of this very file under the name it had before it was renamed."""
    record = item.record
    image = collection.images.filter(external_id=record.external_id).first()
    if image is not None or record.id_is_given:
        return image
    for twin in collection.images.filter(sha256=item.fields["sha256"]):
        if twin.source_name == record.source_name or not (root / twin.source_name).exists():
            return twin
    return None


def _list_issue(job: Import, line: int, record: str, reason: str, *, refused: bool = True) -> None:
    job.refused += refused
    ImportIssue.objects.create(
        import_run=job,
        line=line,
        record=printable(record)[:500],
        reason=printable(reason)[:500],
        refused=refused,
    )


def _save_counts(job: Import) -> None:
    Import.objects.filter(pk=job.pk).update(
        created=job.created, updated=job.updated, unchanged=job.unchanged, refused=job.refused
    )


def _summary(job: Import) -> str:
    _save_counts(job)
    said = "would be " if job.dry_run else ""
    return (
        f"{job.created} {said}new, {job.updated} {said}changed, {job.unchanged} unchanged, "
        f"{job.refused} refused"
    )
