"""The whole product as a user starts it: commands, workers, broker, server, on a corpus of 40."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.frames import fault
from tests.starting import wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a password for tests"
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


# Evaluates what it is sent, a line of JSON each; `answer`, or what went wrong, goes back.
SHELL = """
import json, sys, traceback
for line in sys.stdin:
    names = {**globals(), "answer": None}
    try:
        exec(json.loads(line), names)
        told = {"answer": names["answer"]}
    except BaseException:
        told = {"error": traceback.format_exc()}
    print("ANSWER" + json.dumps(told), flush=True)
"""


@dataclass
class Site:
    address: str
    folder: Path
    environment: dict[str, str]
    server: subprocess.Popen[bytes] | None = None
    # Cookies of somebody who logged in.
    session: Any = None

    @cached_property
    def shell(self) -> subprocess.Popen[str]:
        """One process for all that is run beside the server: torch takes seconds to import."""
        return subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", SHELL],
            cwd=ROOT, env=self.environment, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def run(self, code: str) -> Any:
        """Evaluate in a process of the site; `answer` is what comes back."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(json.dumps(code) + "\n")
        self.shell.stdin.flush()
        for line in self.shell.stdout:
            if line.startswith("ANSWER"):
                told = json.loads(line.removeprefix("ANSWER"))
                assert "error" not in told, told["error"]
                return told["answer"]
        pytest.fail("the shell of the site has ended")

    def stop(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            self.server.wait(30)
        with self.shell:
            self.shell.terminate()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(f"file:{self.folder}/db.sqlite3?mode=ro", uri=True, timeout=20)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def wait_for(self, query: str, is_met: Callable[[Any], bool], seconds: float = 90) -> Any:
        """The first cell of the query once it is as wanted."""
        deadline = time.monotonic() + seconds
        value = None
        while time.monotonic() < deadline:
            rows = self.rows(query)
            value = rows[0][0] if rows else None
            if is_met(value):
                return value
            time.sleep(0.1)
        pytest.fail(f"{query} stayed {value!r} for {seconds} s")

    def kill_worker(self, name: str) -> None:
        """SIGKILL to a worker and its children, but not to the shell that starts it again."""
        found = subprocess.run(
            ["pgrep", "-f", f"celery.*-n {name}@"], capture_output=True, text=True
        )
        for pid in map(int, found.stdout.split()):
            # The shell that pgrep saw may have ended meanwhile.
            with suppress(FileNotFoundError, ProcessLookupError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                environment = Path(f"/proc/{pid}/environ").read_bytes()
                if words[0] != b"/bin/sh" and str(self.folder).encode() in environment:
                    os.kill(pid, signal.SIGKILL)


def _draw(folder: Path) -> None:
    from ingest.phantoms import draw_corpus

    folder.mkdir()
    lines = ["id,file,caption,split"]
    for number, phantom in enumerate(draw_corpus(count=40)):
        phantom.image.save(folder / f"{phantom.external_id}.png")
        split = "test" if number % 8 == 7 else "train"
        caption = phantom.caption.replace('"', "'")
        lines.append(f'{phantom.external_id},{phantom.external_id}.png,"{caption}",{split}')
    (folder / "captions.csv").write_text("\n".join(lines))


FIRST_STEPS = """
from django.conf import settings
from django.core.management import call_command as manage

manage("migrate", verbosity=0)
manage("collectstatic", interactive=False, verbosity=0)
manage("createsuperuser", interactive=False, username="admin", email="admin@example.org")
manage("import_corpus", str(settings.VAR_DIR / "corpora"), "--collection", "demo")
tiny = ["--base", "scratch:tiny", "--preset", "tiny", "--set", "epochs=2"]
manage("finetune", "--collection", "demo", *tiny)
manage("build_index", "--checkpoint", "latest", "--promote")
"""


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="site-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "CLIPSITE_VAR": str(folder),
        "SECRET_KEY": "only for tests",
        "DJANGO_SETTINGS_MODULE": "clipsite.settings",
        "JOB_HEARTBEAT_TIMEOUT": "6",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    running = Site(f"http://127.0.0.1:{port}", folder, environment)
    try:
        _draw(folder / "corpora")
        running.run(FIRST_STEPS)
        running.server = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(port)],
            cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until_ready(running.address, 90)
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Not for longer than a module: its event loop stands in the way of asynchronous tests."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
             "--disable-component-update"]  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        open_context = browser.new_context

        def listening(**options: Any) -> Any:
            context = open_context(**options)
            context.on("page", _listen)
            return context

        browser.new_context = listening
        yield browser
        browser.close()


FAULTS: list[str] = []


def _listen(page: Any) -> None:
    """Check every frame that goes over a search socket of this page, both ways."""

    def check(socket: Any) -> None:
        if socket.url.endswith("/ws/search/"):
            socket.on("framesent", lambda text: FAULTS.append(fault(text, "client")))
            socket.on("framereceived", lambda text: FAULTS.append(fault(text, "server")))

    page.on("websocket", check)


@pytest.fixture(autouse=True)
def frames_hold_to_their_schema() -> Iterator[None]:
    FAULTS.clear()
    yield
    assert [found for found in FAULTS if found] == []


@pytest.fixture
def page(site: Site, chromium: Any) -> Iterator[Any]:
    """The first page of somebody who is logged in; any script error fails the test."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, storage_state=site.session
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    if site.session is None:
        _log_in(site, page)
        site.session = context.storage_state()
    else:
        page.goto(f"{site.address}/")
    yield page
    context.close()
    assert errors == []


def _log_in(site: Site, page: Any) -> None:
    page.goto(f"{site.address}/login/")
    page.get_by_label("Username").fill("admin")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(f"{site.address}/")
