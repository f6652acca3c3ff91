"""A small searchable corpus: real images, a real (untrained) model, a real LanceDB index."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from search.models import IndexBuild
from training.models import Checkpoint

CAPTIONS = {
    "effusion": "Chest x-ray with a left pleural effusion",
    "clear": "Frontal chest radiograph without pleural effusion",
    "stone": "Axial CT of the abdomen with a renal calculus",
    "stent": "CT of the abdomen after stent placement",
    "knee": "Sagittal MRI of the knee, torn meniscus",
    "brain": "Axial T2-weighted MRI of the brain of a woman",
    "gallbladder": "Ultrasound of the gallbladder with gallstones",
    "colon": "Histology of the colon, hematoxylin and eosin stain",
}


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model: its pictures mean nothing, its vectors are as real as any."""
    from training.clip.bases import load_base

    folder = tmp_path_factory.mktemp("models") / "tiny"
    load_base("scratch:tiny", captions=list(CAPTIONS.values())).save(folder, {})
    return folder


@pytest.fixture
def checkpoint(db: None, tiny_model: Path) -> Checkpoint:
    from training.clip.encoder import DualEncoder

    encoder = DualEncoder.load(tiny_model)
    return Checkpoint.objects.create(
        name="tiny",
        folder=str(tiny_model),
        base="scratch:tiny",
        dimension=encoder.dimension,
        fingerprint=encoder.fingerprint,
    )


@pytest.fixture
def engine_folder(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """An index folder of this test only."""
    from search.engine import engine

    settings.INDEX_DIR = tmp_path / "index"
    engine.cache_clear()
    yield tmp_path / "index"
    engine.cache_clear()


@pytest.fixture
def images(
    corpus: Callable[..., Path], run_import: Callable[..., Any], media: Path
) -> dict[str, Any]:
    """The eight images of CAPTIONS by their external id."""
    from ingest.models import Image

    rows = [(f"{name}.png", caption, name) for name, caption in CAPTIONS.items()]
    run_import(corpus(rows, "file,caption,id"))
    return {image.external_id: image for image in Image.objects.all()}


@pytest.fixture
def build(images: dict[str, Any], checkpoint: Checkpoint, engine_folder: Path) -> IndexBuild:
    """The live index over those images."""
    from jobs.running import run
    from search.indexing import build_index

    job = IndexBuild.objects.create(checkpoint=checkpoint)
    run(job, build_index)
    job.refresh_from_db()
    return job
