"""Pictures that people bring to a search.

A picture is read once, in memory, and not kept. What stays for QUERY_IMAGE_MINUTES, in a file that
only its owner's searches look at, is its vector and a small preview without metadata.
"""

from __future__ import annotations

import io
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from PIL import Image as Pillow

from ingest.errors import BadPicture
from ingest.pictures import FORMATS, part_of, part_of_thumbnail, read_picture
from search.encoding import picture_vector
from search.engines.base import Vector
from search.models import IndexBuild
from search.understanding.state import Region
from search.understanding.wire import UPLOAD

PREVIEW_SIDE = 128
# Of one person at a time; the oldest go first.
MOST_KEPT = 100

# Pictures read at once: one of 50 million pixels takes some hundred megabytes meanwhile.
_readers = threading.BoundedSemaphore(2)
LONGEST_WAIT = 10.0

EXPIRED = gettext_lazy("This picture has expired, add it again")


class Busy(Exception):
    """Too many pictures are being read just now."""


@dataclass(frozen=True)
class QueryImage:
    """`fingerprint` is that of the model that made the vector; `preview` is WebP."""

    upload: str
    vector: Vector
    fingerprint: str
    preview: bytes
    expires_at: datetime


def keep(owner: int, data: bytes, build: IndexBuild, region: Region | None = None) -> QueryImage:
    """
    Read a picture, or a part of it, and keep what a search needs of it. Raises BadPicture for what
    is not a picture of sane size, and EncoderUnavailable or Busy.
    """
    if len(data) > settings.QUERY_IMAGE_BYTES:
        limit = settings.QUERY_IMAGE_BYTES >> 20
        raise BadPicture(_("the file is larger than %(limit)s MiB") % {"limit": limit})
    forget_expired()
    if not _readers.acquire(timeout=LONGEST_WAIT):
        raise Busy
    try:
        checked = read_picture(data)
        thumbnail = part_of_thumbnail(checked.thumbnail, *region) if region else checked.thumbnail
        with Pillow.open(io.BytesIO(data), formats=list(FORMATS)) as opened:
            vector = picture_vector(build, part_of(data, *region) if region else opened)
    finally:
        _readers.release()
    upload = f"upload:{secrets.token_hex(16)}"
    _write(_path(owner, upload), vector, build.fingerprint, _preview(thumbnail))
    _forget_oldest(owner)
    kept = find(owner, upload)
    if kept is None:
        raise BadPicture(_("it expired at once: QUERY_IMAGE_MINUTES is 0"))
    return kept


def find(owner: int | None, upload: str) -> QueryImage | None:
    """What was kept, for its owner alone, until it expires."""
    if owner is None or not UPLOAD.fullmatch(upload):
        return None
    path = _path(owner, upload)
    try:
        if _is_expired(path):
            path.unlink(missing_ok=True)
            return None
        with np.load(path, allow_pickle=False) as kept:
            return QueryImage(
                upload, kept["vector"], str(kept["fingerprint"]), kept["preview"].tobytes(),
                datetime.fromtimestamp(path.stat().st_mtime + _lifetime(), UTC),
            )  # fmt: skip
    except FileNotFoundError:
        return None


def is_kept(owner: int | None, upload: str) -> bool:
    return find(owner, upload) is not None


def forget(owner: int, upload: str) -> None:
    if UPLOAD.fullmatch(upload):
        _path(owner, upload).unlink(missing_ok=True)


def forget_expired() -> int:
    """Of everybody, with what a killed process left half written; returns how many."""
    gone = 0
    for path in settings.QUERY_IMAGE_DIR.glob("*/*"):
        with suppress(FileNotFoundError):
            if _is_expired(path):
                path.unlink()
                gone += 1
    return gone


def _forget_oldest(owner: int) -> None:
    kept = sorted(_dated(settings.QUERY_IMAGE_DIR / str(owner)), reverse=True)
    for _when, path in kept[MOST_KEPT:]:
        path.unlink(missing_ok=True)


def _dated(folder: Path) -> Iterator[tuple[float, Path]]:
    for path in folder.glob("*.npz"):
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime, path


def _path(owner: int, upload: str) -> Path:
    folder: Path = settings.QUERY_IMAGE_DIR / str(owner)
    return folder / f"{upload.removeprefix('upload:')}.npz"


def _is_expired(path: Path) -> bool:
    return path.stat().st_mtime + _lifetime() <= time.time()


def _lifetime() -> float:
    return 60.0 * settings.QUERY_IMAGE_MINUTES


def _preview(thumbnail: bytes) -> bytes:
    with Pillow.open(io.BytesIO(thumbnail)) as image:
        image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Pillow.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


def _write(path: Path, vector: Vector, fingerprint: str, preview: bytes) -> None:
    """Aside and then renamed; mkstemp opens it for this user of the system alone (0600)."""
    path.parent.parent.mkdir(mode=0o700, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        np.savez(
            file, vector=vector, fingerprint=np.array(fingerprint),
            preview=np.frombuffer(preview, np.uint8),
        )  # fmt: skip
    os.replace(aside, path)
