"""What several test folders share: a broker, a user, small corpora and a searchable index."""

import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from PIL import Image as Pillow

MEDCAP = Path(__file__).resolve().parents[2] / "shared" / "data" / "medcap"


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
