"""Vespas for the contract suite: the stub, and a real one where VESPA_URL names it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpr
import pytest

from search.engines.vespa_package import ConfigServer, render
from tests.vespa_stub.server import StubServer

PACKAGE = Path(__file__).resolve().parents[3] / "vespa"
EIGHT = {"a": 8, "b": 8}


@dataclass(frozen=True)
class RealServer:
    url: str

    def documents(self, method: str = "get") -> int:
        where = {"cluster": "images", "selection": "true", "wantedDocumentCount": "1000"}
        path = f"{self.url}/document/v1/clipsite/image/docid"
        with httpr.Client(timeout=60) as client:
            answer = getattr(client, method)(path, params=where).json()
        return int(answer.get("documentCount", 0))


@pytest.fixture(scope="session")
def stub_server() -> Iterator[StubServer]:
    with StubServer() as server:
        server.deploy(render(PACKAGE, EIGHT))
        yield server


@pytest.fixture
def stub_of_eight(stub_server: StubServer) -> StubServer:
    stub_server.reset()
    return stub_server


@pytest.fixture(scope="session")
def real_server() -> RealServer:
    """Its documents are deleted, so it must not hold any that are not ours."""
    url, config_url = os.environ.get("TEST_VESPA_URL"), os.environ.get("TEST_VESPA_CONFIG_URL")
    if not url or not config_url:
        pytest.skip("VESPA_URL and VESPA_CONFIG_URL name no server to test against")
    config = ConfigServer(config_url)
    server = RealServer(url)
    if config.deployed_sizes() and server.documents():
        pytest.exit(f"The Vespa at {url} holds documents; these tests need one of their own.")
    config.deploy(render(PACKAGE, EIGHT))
    config.wait_until_converged(300)
    return server


@pytest.fixture
def vespa_of_eight(real_server: RealServer) -> Iterator[RealServer]:
    yield real_server
    real_server.documents("delete")
