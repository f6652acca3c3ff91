"""What several test folders share: a broker, a user, small corpora and a searchable index."""

import copy
import io
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Model
from PIL import Image as Pillow
from xdist.scheduler.loadscope import LoadScopeScheduling

MEDCAP = Path(__file__).resolve().parents[2] / "shared" / "data" / "medcap"


# The longest first, so that no worker is left with one of them at the end.
SLOWEST = (
    "tests/site",
    "tests/training/test_phantoms.py",
    "tests/training/clip/test_resuming.py",
    "tests/training/test_faults.py",
    "tests/training/clip/test_finetune.py",
    "tests/training/test_runs.py",
    "tests/training/clip/test_parallel.py",
)


def unit_of(nodeid: str) -> str:
    """What one worker runs as a whole: a file, or all the tests that share the running site."""
    return "tests/site" if nodeid.startswith("tests/site/") else nodeid.split("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {unit: place for place, unit in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(unit_of(item.nodeid), len(SLOWEST)))


class Units(LoadScopeScheduling):
    """Workers take one unit after another, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Units:
    config.option.loadscopereorder = False
    return Units(config, log)


def make_picture(
    seed: int = 0, size: tuple[int, int] = (64, 48), format_name: str = "PNG"
) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0]), dtype=np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, format_name)
    return buffer.getvalue()


@pytest.fixture
def picture() -> Callable[..., bytes]:
    return make_picture


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder with captions.csv from rows of (file, caption, …); every file a picture."""

    def write(rows: list[tuple[str, ...]], header: str = "file,caption") -> Path:
        folder = tmp_path / "corpus"
        folder.mkdir(exist_ok=True)
        for number, row in enumerate(rows):
            target = folder / row[0]
            if not target.exists():
                target.write_bytes(make_picture(number))
        lines = [header, *(",".join(f'"{cell}"' for cell in row) for row in rows)]
        (folder / "captions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    return write


@pytest.fixture
def run_import(db: None) -> Callable[..., Any]:
    """Import a folder in this process; returns the ended row."""
    from ingest.importing import import_corpus
    from ingest.models import Import
    from jobs.running import run

    def start(path: Path, collection: str = "corpus", **values: Any) -> Import:
        job = Import.objects.create(collection_name=collection, path=str(path), **values)
        run(job, import_corpus)
        job.refresh_from_db()
        return job

    return start


class Prepared:
    """Rows and a folder that many tests begin with: made once, then laid out for each of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[Model] = []
        self.is_kept = False

    def keep(self, made: Path, *models: type[Model]) -> None:
        """Remember all rows of the models, referred to first, and a copy of what was made."""
        shutil.copytree(made, self.folder, dirs_exist_ok=True)
        self.rows = [row for model in models for row in model._default_manager.order_by("pk")]
        self.is_kept = True

    def lay_out(self, target: Path, **others: Any) -> None:
        """The same rows under their own keys, but for the `others` they refer to, and the files."""
        shutil.copytree(self.folder, target, dirs_exist_ok=True)
        for row in copy.deepcopy(self.rows):
            for name, other in others.items():
                setattr(row, name, other)
            row.save_base(raw=True, force_insert=True)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Prepared]:
    """What was prepared under a name; new, and to be filled, for the first who asks."""
    return cache(lambda name: Prepared(tmp_path_factory.mktemp(name)))


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """Stored images of one test only."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def editor(db: None) -> Any:
    return get_user_model().objects.create_user("editor", password="a long password")


@pytest.fixture(scope="session")
def broker() -> Iterator[None]:
    """A real Valkey, started as the product starts it."""
    command = [sys.executable, "manage.py", "broker"]
    environment = {
        "CLIPSITE_VAR": str(settings.VAR_DIR),
        "SECRET_KEY": "x",
        "PATH": "/usr/bin:/bin",
    }
    server = subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while not settings.VALKEY_SOCKET.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield
    server.terminate()
    server.wait(10)


@pytest.fixture(autouse=True)
def quiet_channels(request: pytest.FixtureRequest, settings: Any) -> None:
    """Tests that do not ask for the broker must not need one."""
    if "broker" not in request.fixturenames:
        settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
