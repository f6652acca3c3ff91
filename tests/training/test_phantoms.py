"""The whole way on the demo corpus with a model trained from nothing.

Slow (about 40 s): half the corpus is drawn and a model really trained.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.models import Import
from jobs.running import run
from training.evaluation import evaluate
from training.finetuning import finetune
from training.models import Evaluation, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_tiny_model_from_scratch_finds_unseen_phantoms_by_their_captions(
    run_import: Callable[..., Import],
    media: Path,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Measured .51 over the 33 unseen test images of 400; chance is .09."""
    from ingest import phantoms

    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    draw = phantoms.draw_corpus
    monkeypatch.setattr(phantoms, "draw_corpus", lambda: draw(count=400))
    collection = run_import(Path(), format="phantoms").collection
    assert collection is not None
    job = TrainingRun.objects.create(collection=collection, base="scratch:tiny", preset="tiny")
    run(job, finetune)
    judged = Evaluation.objects.create(checkpoint=job.checkpoint, collection=collection)
    run(judged, evaluate)
    judged.refresh_from_db()
    score = judged.score("text→image", "lenient")
    assert score is not None
    chance = float(
        np.mean([1 / rank if rank <= 10 else 0 for rank in range(1, score["candidates"] + 1)])
    )
    assert score["candidates"] >= 20
    assert score["metrics"]["mrr@10"] >= 0.45 > 4 * chance, score
