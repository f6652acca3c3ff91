"""Vespas for the contract suite: the stub, and a real one where VESPA_URL names it."""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpr
import pytest

from search.engines.base import EngineError
from search.engines.vespa import VespaEngine
from search.engines.vespa_package import ConfigServer, render
from tests.vespa_stub.server import StubServer

PACKAGE = Path(__file__).resolve().parents[3] / "vespa"
EIGHT = {"a": 8, "b": 8}


@dataclass(frozen=True)
class RealServer:
    url: str

    def count(self) -> int:
        """Documents on the first page of a visit: some or none is all that matters."""
        return int(self._answer("get", {"wantedDocumentCount": "10"}).get("documentCount", 0))

    def delete_all(self) -> None:
        more: dict[str, str] = {}
        while True:
            answer = self._answer("delete", more)
            if not answer.get("continuation"):
                return
            more = {"continuation": answer["continuation"]}

    def _answer(self, method: str, more: dict[str, str]) -> dict[str, Any]:
        where = {"cluster": "images", "selection": "true", **more}
        path = f"{self.url}/document/v1/clipsite/image/docid"
        with httpr.Client(timeout=200) as client:
            answer = getattr(client, method)(path, params=where)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


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
    if config.deployed_sizes() and server.count():
        pytest.exit(f"The Vespa at {url} holds documents; these tests need one of their own.")
    config.deploy(render(PACKAGE, EIGHT))
    config.wait_until_converged(300)
    wait_until_up(url)
    return server


def wait_until_up(url: str) -> None:
    """Services may be configured before their content nodes answer."""
    engine = VespaEngine(url, timeout=5.0)
    for _ in range(120):
        try:
            asyncio.run(engine.health())
        except EngineError:
            time.sleep(1)
        else:
            engine.close()
            return
    pytest.exit(f"The Vespa at {url} does not come up.")


@pytest.fixture
def vespa_of_eight(real_server: RealServer) -> Iterator[RealServer]:
    yield real_server
    real_server.delete_all()
