"""Vespa's own test runner passes our system tests: on the stub, and on a real server."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import vespacli

from search.engines.vespa_package import ConfigServer, render
from tests.search.engines.conftest import wait_until_up
from tests.vespa_stub.server import StubServer

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1] / "vespa"
SUITES = sorted((HERE / "system").glob("*.json"))


@pytest.fixture(scope="module", params=["stub", pytest.param("vespa", marks=pytest.mark.vespa)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    files = render(PACKAGE, {"a": 8, "b": 8})
    if request.param == "stub":
        with StubServer() as server:
            server.deploy(files)
            yield server.url
        return
    url, config_url = os.environ["TEST_VESPA_URL"], os.environ["TEST_VESPA_CONFIG_URL"]
    if not url or not config_url:
        pytest.skip("VESPA_URL and VESPA_CONFIG_URL name no server to test against")
    config = ConfigServer(config_url)
    config.deploy(files)
    config.wait_until_converged(300)
    wait_until_up(url)
    yield url


def command() -> Path:
    """The binary itself: the console script hides its exit status."""
    found = Path(vespacli.__file__).parent.glob("go-binaries/*linux_amd64/bin/vespa")
    return next(found)


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.stem)
def test_the_suite_passes(suite: Path, url: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "VESPA_CLI_HOME": str(tmp_path),
        "VESPA_CLI_CHECK_VERSION": "false",
    }
    done = subprocess.run(
        [command(), "test", str(suite), "-t", url],
        env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OK" in done.stdout
