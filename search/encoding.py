"""The query encoders of this process: loaded at first use, the last two kept in memory."""

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image as Pillow

from ingest.pictures import part_of
from search.engines.base import Vector
from search.models import IndexBuild
from search.understanding.state import Region
from training.models import Checkpoint

if TYPE_CHECKING:
    from training.clip.encoder import DualEncoder


class EncoderUnavailable(Exception):
    """The query cannot be turned into a vector; says why in one sentence."""


_lock = threading.Lock()


def encoder_of(build: IndexBuild) -> "DualEncoder":
    """Blocks for seconds at first use. Refuses an encoder that did not make the build's vectors."""
    if build.checkpoint.fingerprint != build.fingerprint:
        raise EncoderUnavailable(
            _(
                "Checkpoint %(checkpoint)s is not the model that made %(build)s; "
                "comparing their vectors would give nonsense. Build the index again."
            )
            % {"checkpoint": build.checkpoint, "build": build}
        )
    with _lock:
        return _load(build.checkpoint, build.fingerprint)


def text_vectors(build: IndexBuild, texts: Sequence[str]) -> list[Vector]:
    encoder = encoder_of(build)
    return [_text_vector(encoder, text) for text in texts]


def picture_vector(build: IndexBuild, picture: Pillow.Image) -> Vector:
    """The vector that the build would hold of this picture."""
    vector: Vector = encoder_of(build).encode_images([picture])[0].astype(np.float32)
    return vector


def region_vector(build: IndexBuild, file: str, region: Region) -> Vector:
    """Of a part of a stored picture. Raises OSError or BadPicture where its file cannot be read."""
    return _region_vector(encoder_of(build), file, region)


def forget_texts() -> None:
    """So that each is encoded again, as for somebody who asks it first."""
    _text_vector.cache_clear()


def _forget_vectors() -> None:
    """They hold on to the encoders that made them."""
    forget_texts()
    _region_vector.cache_clear()


@lru_cache(maxsize=1024)
def _text_vector(encoder: "DualEncoder", text: str) -> Vector:
    vector: Vector = encoder.encode_texts([text])[0].astype(np.float32)
    return vector


@lru_cache(maxsize=256)
def _region_vector(encoder: "DualEncoder", file: str, region: Region) -> Vector:
    part = part_of((Path(settings.MEDIA_ROOT) / file).read_bytes(), *region)
    vector: Vector = encoder.encode_images([part])[0].astype(np.float32)
    return vector


@lru_cache(maxsize=2)
def _load(checkpoint: Checkpoint, fingerprint: str) -> "DualEncoder":
    """Two, so that an old conversation and the live index do not take turns at loading."""
    from training.clip.cpu import prepare_cpu
    from training.clip.errors import CheckpointError

    prepare_cpu(settings.MODEL_THREADS)
    try:
        encoder = checkpoint.encoder()
    except CheckpointError as exc:
        raise EncoderUnavailable(str(exc)) from exc
    _forget_vectors()
    return encoder
