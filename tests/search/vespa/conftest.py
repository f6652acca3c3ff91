"""The whole product switched over to the contract stub by its settings alone."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from search.engine import engine
from search.models import IndexBuild
from tests.vespa_stub.server import StubServer
from training.models import Checkpoint


@pytest.fixture(scope="session")
def running_stub() -> Iterator[StubServer]:
    with StubServer() as server:
        yield server


@pytest.fixture
def empty_stub(running_stub: StubServer) -> StubServer:
    """As a server is before anything was deployed on it."""
    running_stub.reset()
    config = running_stub.application.config
    config.package = config.store = None
    return running_stub


@pytest.fixture
def switched(empty_stub: StubServer, settings: Any) -> Iterator[StubServer]:
    """Settings that name the stub; nothing is deployed yet."""
    settings.VESPA_URL = settings.VESPA_CONFIG_URL = empty_stub.url
    settings.VESPA_TIMEOUT = 1.0
    engine.cache_clear()
    yield empty_stub
    engine().close()
    engine.cache_clear()


@pytest.fixture
def stub(switched: StubServer, checkpoint: Checkpoint) -> StubServer:
    """Deployed by the product's own command, for the tiny model's size."""
    call_command("vespa_deploy", verbosity=0)
    return switched


@pytest.fixture
def vespa_build(
    stub: StubServer,
    images: dict[str, Any],
    indexed: Callable[..., IndexBuild],
    tmp_path: Path,
) -> IndexBuild:
    """The live index over the eight images, on the stub."""
    documents = tmp_path / "fed" / "documents"

    def fetch() -> None:
        documents.parent.mkdir()
        kept = {name: stub.store.get(name) for name in stub.store.rows}
        documents.write_bytes(pickle.dumps(kept))

    def feed() -> None:
        stub.feed(pickle.loads(documents.read_bytes()))

    return indexed("vespa", documents.parent, fetch, feed)
