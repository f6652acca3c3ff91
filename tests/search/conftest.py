"""A small searchable corpus: real images, a real (untrained) model, a real LanceDB index."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from search.models import IndexBuild
from tests.conftest import Prepared
from tests.frames import fault
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


@pytest.fixture(autouse=True)
def frames_hold_to_their_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    Every frame that any test sends or receives is checked: the server says what the schema allows
    and nothing else, and refuses what the schema refuses.
    """
    send, receive = WebsocketCommunicator.send_to, WebsocketCommunicator.receive_from
    wrong: Counter[WebsocketCommunicator] = Counter()
    refused: Counter[WebsocketCommunicator] = Counter()
    faults = []

    async def checked_send(
        self: Any, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        wrong[self] += bytes_data is not None or bool(fault(text_data, "client"))
        await send(self, text_data=text_data, bytes_data=bytes_data)

    async def checked_receive(self: Any, timeout: float = 1) -> Any:
        text = await receive(self, timeout)
        refused[self] += '"code": "bad_frame"' in text
        faults.append(fault(text, "server"))
        return text

    monkeypatch.setattr(WebsocketCommunicator, "send_to", checked_send)
    monkeypatch.setattr(WebsocketCommunicator, "receive_from", checked_receive)
    yield
    assert [found for found in faults if found] == []
    for socket, count in wrong.items():
        assert count <= refused[socket], "a frame that the schema refuses was not refused"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model: its pictures mean nothing, its vectors are as real as any."""
    from training.clip.bases import load_base

    folder = tmp_path_factory.mktemp("models") / "tiny"
    load_base("scratch:tiny", captions=list(CAPTIONS.values())).save(folder, {})
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tiny_model: Path) -> Any:
    from training.clip.encoder import DualEncoder

    return DualEncoder.load(tiny_model)


@pytest.fixture
def checkpoint(db: None, tiny_model: Path, tiny_encoder: Any) -> Checkpoint:
    return Checkpoint.objects.create(
        name="tiny",
        folder=str(tiny_model),
        base="scratch:tiny",
        dimension=tiny_encoder.dimension,
        fingerprint=tiny_encoder.fingerprint,
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
def imported(
    corpus: Callable[..., Path],
    run_import: Callable[..., Any],
    media: Path,
    prepared: Callable[[str], Prepared],
) -> Callable[[str, Mapping[str, str]], dict[str, Any]]:
    """Imports images with these captions, once under each name; gives them by their external id."""
    from ingest.models import Collection, Image, Import

    def images_of(name: str, captions: Mapping[str, str]) -> dict[str, Any]:
        kept = prepared(name)
        if kept.is_kept:
            kept.lay_out(media)
        else:
            rows = [(f"{key}.png", caption, key) for key, caption in captions.items()]
            run_import(corpus(rows, "file,caption,id"))
            kept.keep(media, Collection, Import, Image)
        return {image.external_id: image for image in Image.objects.all()}

    return images_of


@pytest.fixture
def images(imported: Callable[[str, Mapping[str, str]], dict[str, Any]]) -> dict[str, Any]:
    """The eight images of CAPTIONS by their external id."""
    return imported("eight", CAPTIONS)


@pytest.fixture
def indexed(
    checkpoint: Checkpoint, prepared: Callable[[str], Prepared]
) -> Callable[..., IndexBuild]:
    """
    The live index over the images there are, built once under each name. An engine that has its
    documents elsewhere than in the folder puts them there with `fetch` and reads them with `feed`.
    """
    from jobs.running import run
    from search.indexing import build_index

    def index_of(
        name: str,
        folder: Path,
        fetch: Callable[[], None] = lambda: None,
        feed: Callable[[], None] = lambda: None,
    ) -> IndexBuild:
        kept = prepared(name)
        if kept.is_kept:
            kept.lay_out(folder, checkpoint=checkpoint)
            feed()
            job = IndexBuild.objects.get()
            job.promote()
        else:
            job = IndexBuild.objects.create(checkpoint=checkpoint)
            run(job, build_index)
            job.refresh_from_db()
            fetch()
            kept.keep(folder, IndexBuild)
        return job

    return index_of


@pytest.fixture
def build(
    images: dict[str, Any], indexed: Callable[..., IndexBuild], engine_folder: Path
) -> IndexBuild:
    """The live index over those images."""
    # Some modules have other images than the eight.
    which = hash(frozenset((image.pk, image.caption_clean) for image in images.values()))
    return indexed(f"index-{which}", engine_folder)


@pytest.fixture
def browser(editor: Any) -> Client:
    """Signed in as the editor."""
    client = Client()
    client.force_login(editor)
    return client


@pytest.fixture
def other(django_user_model: Any) -> Client:
    """Signed in as somebody else."""
    client = Client()
    client.force_login(django_user_model.objects.create_user("other"))
    return client


@pytest.fixture
async def socket(editor: Any) -> AsyncIterator[WebsocketCommunicator]:
    """A search socket of somebody who is logged in."""
    from tests.search.talking import connected

    open_socket = await connected(editor)
    yield open_socket
    await open_socket.disconnect()
