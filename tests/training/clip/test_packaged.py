from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.clip.bases import load_base
from training.clip.encoder import DualEncoder

# Loads 100 MB of weights: about five seconds, most of them imports.
pytestmark = pytest.mark.packaged


@pytest.fixture(scope="module")
def packaged() -> DualEncoder:
    return load_base("packaged")


def test_it_gives_unit_vectors_of_one_space(packaged: DualEncoder, draw_pairs: Any) -> None:
    pairs = draw_pairs(2, seed=3)
    images = packaged.encode_images([pair.image for pair in pairs])
    texts = packaged.encode_texts([pair.caption for pair in pairs])
    assert images.shape == texts.shape == (2, packaged.dimension)
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)


def test_its_text_tower_came_pretrained(packaged: DualEncoder) -> None:
    """Projections that start orthogonal keep the angles MiniLM learned."""
    kidney, renal, car = packaged.encode_texts(["a kidney stone", "renal calculus", "a red car"])
    assert kidney @ renal > kidney @ car + 0.1


def test_its_untrained_heads_are_the_same_every_time(packaged: DualEncoder) -> None:
    assert load_base("packaged").fingerprint == packaged.fingerprint


def test_it_tunes_and_comes_back(
    packaged: DualEncoder, tuner: Any, draw_pairs: Any, tmp_path: Path
) -> None:
    settings = {"image_tower": "frozen", "frozen_text_layers": 4, "epochs": 2, "batch_size": 4}
    outcome = tuner.run(packaged, draw_pairs(12, seed=4), tmp_path / "tuned", **settings)
    tuned = DualEncoder.load(outcome.folder)
    assert tuned.base == "packaged"
    assert tuned.fingerprint != packaged.fingerprint
    assert outcome.best_epoch >= 1
