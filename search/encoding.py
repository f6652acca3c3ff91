"""The query encoder of this process: one checkpoint in memory, loaded at first use."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db import connection

from search.engines.base import Vector
from search.models import IndexBuild, LiveIndex

if TYPE_CHECKING:
    from training.clip.encoder import DualEncoder


class EncoderUnavailable(Exception):
    """The query cannot be turned into a vector; says why in one sentence."""


_lock = threading.Lock()
_loaded: dict[str, "DualEncoder"] = {}


def encoder_of(build: IndexBuild) -> "DualEncoder":
    """Blocks for seconds at first use. Refuses an encoder that did not make the build's vectors."""
    if build.checkpoint.fingerprint != build.fingerprint:
        raise EncoderUnavailable(
            f"Checkpoint {build.checkpoint} is not the model that made {build}; "
            "comparing their vectors would give nonsense. Build the index again."
        )
    with _lock:
        if build.fingerprint not in _loaded:
            _loaded.clear()
            _loaded[build.fingerprint] = _load(build)
        return _loaded[build.fingerprint]


def text_vectors(build: IndexBuild, texts: Sequence[str]) -> list[Vector]:
    encoder_of(build)
    return [_text_vector(build.fingerprint, text) for text in texts]


@lru_cache(maxsize=1024)
def _text_vector(fingerprint: str, text: str) -> Vector:
    vector: Vector = _loaded[fingerprint].encode_texts([text])[0].astype(np.float32)
    return vector


def _load(build: IndexBuild) -> "DualEncoder":
    from training.clip.errors import CheckpointError
    from training.clip.threads import use_threads

    use_threads(settings.MODEL_THREADS)
    try:
        return build.checkpoint.encoder()
    except CheckpointError as exc:
        raise EncoderUnavailable(str(exc)) from exc


def load_language() -> None:
    from search.understanding.noun_phrases import load_pipeline

    load_pipeline(settings.SPACY_PIPELINE)


def warm() -> None:
    """Load language model and encoder while a person is still typing; failing here is no news."""
    load_language()
    build = LiveIndex.current()
    if build is not None:
        with suppress(EncoderUnavailable):
            encoder_of(build)
    connection.close()
