"""The search inside a project that is not ours, below a path of its choosing."""

import base64
import json
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
from unittest import mock

import pytest
from django.core import signing

from search import embedding
from tests.site.conftest import PASSWORD, ROOT, Site
from tests.site.test_journeys import ask, settled
from tests.starting import wait_until_ready

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
        wait_until_ready(f"{address}/tools/find", 60)
        yield address
    finally:
        server.terminate()
        server.wait(30)


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


def show(folder: Path, host: str, token: str = "", style: str = "") -> None:
    """Put a page with the element on the other site."""
    script = f"{host}/assets/clipsite_search/embed/clip-search.js"
    element = f'<clip-search src="{host}/tools/find/embed/" token="{token}"></clip-search>'
    page = f'<!doctype html><script type="module" src="{script}"></script>{element}'
    page += f"<style>clip-search {{ {style} }}</style>"
    (folder / "index.html").write_text(page)


def given_token(host: str, origin: str) -> str:
    credentials = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    asked = urllib.request.Request(
        f"{host}/tools/find/api/v1/embed-tokens",
        json.dumps({"origin": origin}).encode(),
        {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return str(json.load(answer)["token"])


@pytest.fixture
def visitor(chromium: Any) -> Iterator[Any]:
    """A page of somebody whom no site knows."""
    context = chromium.new_context(viewport={"width": 400, "height": 800})
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def test_a_token_searches_in_a_page_of_another_site(
    host: str, elsewhere: tuple[str, Path], visitor: Any
) -> None:
    origin, folder = elsewhere
    show(folder, host, given_token(host, origin))
    visitor.goto(origin)
    frame = inside(visitor)
    ask(frame, "ultrasound")
    hits = settled(frame)
    frame.get_by_role("button", name="Remove Ultrasound").wait_for()
    picture = hits.first.locator("img")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_the_frame_takes_the_colours_of_its_host(desk: Any) -> None:
    frame = inside(desk)
    for selector, name, value in (
        ("body", "backgroundColor", "rgb(255, 250, 240)"),
        ("body", "color", "rgb(43, 29, 14)"),
        ("body", "fontFamily", "Georgia, serif"),
        (".send", "backgroundColor", "rgb(138, 43, 226)"),
        (".send", "borderRadius", "12px"),
        (".send", "color", "rgb(255, 255, 255)"),
    ):
        read = f"(element) => getComputedStyle(element).{name}"
        assert frame.locator(selector).evaluate(read) == value, (selector, name)


def test_what_is_no_colour_no_length_and_no_font_changes_nothing(
    host: str, elsewhere: tuple[str, Path], visitor: Any
) -> None:
    origin, folder = elsewhere
    show(
        folder, host, given_token(host, origin),
        "--clip-search-accent: url(https://evil.example/a); --clip-search-text: var(--x, red);"
        "--clip-search-background: linear-gradient(red, red); --clip-search-radius: calc(9px * 9);"
        "--clip-search-font: x; --clip-search-font: a / url(b)",
    )  # fmt: skip
    visitor.goto(origin)
    frame = inside(visitor)
    frame.locator(".send").wait_for()
    assert frame.locator("html").get_attribute("style") == "--bar: 0px;"


def test_the_host_project_passes_its_checks_and_needs_no_migrations_of_its_own(site: Site) -> None:
    code = """
import django
from django.core.management import call_command
django.setup()
call_command("check", fail_level="WARNING")
call_command("makemigrations", check_changes=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**site.environment, "DJANGO_SETTINGS_MODULE": "tests.host.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_an_expired_token_gives_one_clear_sentence(
    host: str, elsewhere: tuple[str, Path], visitor: Any
) -> None:
    origin, folder = elsewhere
    with mock.patch("time.time", return_value=time.time() - 3600):
        bound = {"user": 1, "origin": origin}
        token = signing.dumps(bound, key="a host's own", salt=embedding.SALT)
    show(folder, host, token)
    visitor.goto(origin)
    inside(visitor).get_by_text("This search has expired. Load the page again").wait_for()


def test_a_page_of_an_origin_that_is_not_listed_shows_no_search(
    host: str, elsewhere: tuple[str, Path], visitor: Any
) -> None:
    origin, folder = elsewhere
    show(folder, host, given_token(host, origin))
    visitor.goto(origin.replace("localhost", "127.0.0.1"))
    visitor.get_by_role("alert").get_by_text("The search does not open here").wait_for()
    assert visitor.locator("clip-search iframe").count() == 0


def test_whoever_is_signed_out_reads_one_sentence(host: str, chromium: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(host)
    inside(page).get_by_text("Log in to this site to search here").wait_for(timeout=20_000)
    context.close()
