"""Judge a checkpoint on one split, every number with its protocol and candidates."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.conf import settings

from training import report
from training.clip import evaluate as clip
from training.clip.bootstrap import Resamples
from training.clip.cpu import prepare_cpu
from training.clip.data import Pair
from training.clip.errors import CheckpointError, TrainingError
from training.models import Checkpoint, Evaluation
from training.pairs import dataset_hash, pairs_of, pairs_of_version

CHUNK = 64
SHUFFLES = 20


@dataclass(frozen=True)
class _Encoded:
    """Row i of each is of pair i."""

    images: clip.Vectors
    texts: clip.Vectors

    def tables(self, captions: Sequence[str]) -> report.Tables:
        return clip.corpus_tables(self.images, self.texts, captions)


def evaluate(job: Evaluation) -> str:
    """Fill `scores`, `report`, `baseline` and `dataset_hash`; returns the headline as a sentence.

    Each checkpoint encodes each image and caption once, whatever is computed of them.
    """
    prepare_cpu(settings.MODEL_THREADS)
    pairs = pairs_of(job.collection, job.split)
    if not pairs:
        raise TrainingError(
            f"{job.collection} has no captioned image in its {job.split} split; choose another."
        )
    learned = _learned(job, pairs)
    facts = report.facts_of(job.collection, pairs)
    encoded = _encode(job, job.checkpoint, pairs)
    scores: list[clip.Scores] = []
    job.report = {
        "heatmap": report.heatmap(encoded.images, encoded.texts, pairs),
        "learned": learned,
    }
    if job.protocol in ("", Evaluation.Protocol.SEED_INBATCH):
        scores.append(clip.seed_inbatch(encoded.images, encoded.texts, shuffles=SHUFFLES))
    if job.judges_corpus:
        scores += _judge_corpus(job, pairs, facts, encoded)
    job.scores = [asdict(score) for score in scores]
    job.dataset_hash = dataset_hash(pairs)
    job.save(update_fields=["scores", "report", "baseline", "dataset_hash"])
    return _headline(scores)


def _learned(job: Evaluation, pairs: Sequence[Pair]) -> int:
    """How many of the pairs are of groups that the checkpoint was trained on."""
    run = job.checkpoint.run
    if run is None or run.dataset is None:
        return 0
    groups = {pair.group for pair in pairs_of_version(run.dataset, "train")}
    count = sum(pair.group in groups for pair in pairs)
    if count:
        job.note(f"{count} of these {len(pairs)} pairs are of groups that it was trained on")
    return count


def _judge_corpus(
    job: Evaluation, pairs: Sequence[Pair], facts: Sequence[report.Facts], encoded: _Encoded
) -> list[clip.Scores]:
    """Scores of `corpus-v1`; what else can be said of its ranks goes into the report."""
    job.note(f"Ranking {len(pairs)} pairs")
    captions = [pair.caption for pair in pairs]
    tables = encoded.tables(captions)
    resamples = Resamples([pair.group for pair in pairs])
    own = report.headline_table(tables)
    job.report |= {
        "slices": report.slices(own, pairs, facts),
        "worst": report.worst(encoded.texts, encoded.images, own, pairs, facts),
    }
    if (theirs := _baseline(job, pairs)) is not None and job.baseline is not None:
        job.report["comparison"] = report.Comparison(
            baseline=job.baseline.name,
            fingerprint=job.baseline.fingerprint,
            rows=report.compared(tables, theirs.tables(captions), resamples),
        )
    return clip.corpus_scores(tables, resamples)


def _baseline(job: Evaluation, pairs: Sequence[Pair]) -> _Encoded | None:
    """The vectors of the baseline that was chosen, or else of the live checkpoint.

    A live one that does not load costs the comparison, not the evaluation.
    """
    was_chosen, job.baseline = job.baseline is not None, job.rival()
    if job.baseline is None:
        return None
    try:
        return _encode(job, job.baseline, pairs)
    except (CheckpointError, OSError) as exc:
        if was_chosen:
            raise
        job.note(f"Not compared with {job.baseline}, which is live: {exc}")
        job.baseline = None
        return None


def _encode(job: Evaluation, checkpoint: Checkpoint, pairs: Sequence[Pair]) -> _Encoded:
    encoder = checkpoint.encoder().on_fastest_device()
    encoded = _Encoded(
        _in_chunks(
            job, f"images with {checkpoint}", [p.image for p in pairs], encoder.encode_images
        ),
        _in_chunks(
            job, f"captions with {checkpoint}", [p.caption for p in pairs], encoder.encode_texts
        ),
    )
    if not (np.isfinite(encoded.images).all() and np.isfinite(encoded.texts).all()):
        raise TrainingError(
            f"The vectors of {checkpoint} are not numbers: its training diverged. Choose another."
        )
    return encoded


def _in_chunks(
    job: Evaluation,
    what: str,
    items: Sequence[Any],
    encode: Callable[[Sequence[Any]], clip.Vectors],
) -> clip.Vectors:
    parts = []
    for start in range(0, len(items), CHUNK):
        parts.append(encode(items[start : start + CHUNK]))
        done = min(start + CHUNK, len(items))
        job.advance(done, len(items), unit=what.split()[0], message=f"Encoding {what}")
    return np.concatenate(parts)


def _headline(scores: list[clip.Scores]) -> str:
    best = next((s for s in scores if s.direction == "text→image"), scores[0])
    name = "mrr@10" if "mrr@10" in best.metrics else next(iter(best.metrics))
    return f"{best.direction} {name} {best.metrics[name]:.3f} over {best.candidates} candidates"
