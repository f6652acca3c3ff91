"""The search inside a project that is not ours, below a path of its choosing."""

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.site.conftest import PASSWORD, ROOT, Site
from tests.site.test_journeys import ask, settled

pytestmark = pytest.mark.browser


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a site of somebody else, and the folder it serves."""
    folder = tmp_path_factory.mktemp("elsewhere")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}", folder
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def host(site: Site, elsewhere: tuple[str, Path]) -> Iterator[str]:
    """The address of the host project, over the corpus and the accounts of `site`."""
    port = free_port()
    environment = {
        **site.environment,
        "DJANGO_SETTINGS_MODULE": "tests.host.settings",
        "EMBED_ORIGINS": elsewhere[0],
    }
    command = [sys.executable, "-m", "daphne", "-v", "0", "-p", str(port)]
    server = subprocess.Popen(
        [*command, "tests.host.asgi:application"], cwd=ROOT, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(f"{address}/tools/find/healthz")
        yield address
    finally:
        server.terminate()
        server.wait(30)


def wait_until_it_answers(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=60).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the host did not start")


@pytest.fixture
def desk(host: str, chromium: Any) -> Iterator[Any]:
    """The host's own page, of somebody signed in to the host; a script error fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{host}/sign-in/")
    page.locator("[name=username]").fill("admin")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(f"{host}/")
    yield page
    context.close()
    assert errors == []


def inside(page: Any) -> Any:
    """The document in the element's frame."""
    page.locator("clip-search iframe").wait_for()
    return page.locator("clip-search iframe").element_handle().content_frame()


def test_a_search_inside_a_host_page_gives_hits_and_chips(host: str, desk: Any) -> None:
    addresses: list[str] = []
    desk.on("request", lambda request: addresses.append(request.url))
    desk.on("websocket", lambda opened: addresses.append(opened.url))
    desk.reload()
    frame = inside(desk)
    ask(frame, "chest x-ray")
    assert settled(frame).count() > 1
    frame.get_by_role("button", name="Remove X-ray").wait_for()
    assert frame.get_by_role("banner").count() == 0
    assert any(address.endswith("/tools/find/embed/own/ws/search/") for address in addresses)
    asked = [address for address in addresses if "/assets/" not in address and "/find/" in address]
    assert [address for address in asked if "/tools/find/embed/own/" not in address] == []
    assert any("thumbnail" in address for address in asked)


def test_whoever_is_signed_out_reads_one_sentence(host: str, chromium: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(host)
    inside(page).get_by_text("Log in to this site to search here").wait_for(timeout=20_000)
    context.close()
