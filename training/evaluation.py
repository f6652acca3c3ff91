"""Judge a checkpoint on one split, every number with its protocol and candidates."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from training.clip import evaluate as clip
from training.clip.cpu import prepare_cpu
from training.clip.errors import TrainingError
from training.models import Evaluation
from training.pairs import dataset_hash, pairs_of

CHUNK = 64


def evaluate(job: Evaluation) -> str:
    """Fill `scores` and `dataset_hash`; returns the headline as a sentence."""
    prepare_cpu(settings.MODEL_THREADS)
    pairs = pairs_of(job.collection, job.split)
    if not pairs:
        raise TrainingError(
            f"{job.collection} has no captioned image in its {job.split} split; choose another."
        )
    encoder = job.checkpoint.encoder().on_fastest_device()
    captions = [pair.caption for pair in pairs]
    images = _encode(job, "images", [pair.image for pair in pairs], encoder.encode_images)
    texts = _encode(job, "captions", captions, encoder.encode_texts)
    scores = []
    if job.protocol in ("", Evaluation.Protocol.SEED_INBATCH):
        scores.append(clip.seed_inbatch(images, texts))
    if job.protocol in ("", Evaluation.Protocol.CORPUS):
        scores += clip.corpus(images, texts, captions, [pair.group for pair in pairs])
    job.scores = [asdict(score) for score in scores]
    job.dataset_hash = dataset_hash(pairs)
    job.save(update_fields=["scores", "dataset_hash"])
    return _headline(scores)


def _encode(
    job: Evaluation,
    what: str,
    items: Sequence[Any],
    encode: Callable[[Sequence[Any]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(items), CHUNK):
        parts.append(encode(items[start : start + CHUNK]))
        done = min(start + CHUNK, len(items))
        job.advance(done, len(items), unit=what, message=f"Encoding {what}")
    return np.concatenate(parts)


def _headline(scores: list[clip.Scores]) -> str:
    best = next((s for s in scores if s.direction == "text→image"), scores[0])
    name = "mrr@10" if "mrr@10" in best.metrics else next(iter(best.metrics))
    return f"{best.direction} {name} {best.metrics[name]:.3f} over {best.candidates} candidates"
