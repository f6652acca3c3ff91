"""The stub as a server: in a thread of a test, or in a process of its own.

with StubServer() as vespa:
    vespa.deploy_folder(Path("vespa"))
    vespa.faults.add("document", "429", times=3)

python -m tests.vespa_stub.server --port 8080 --package vespa/
"""

import argparse
import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.vespa_stub.app import Application
from tests.vespa_stub.asgi import BACKLOG, serve
from tests.vespa_stub.control import ControlledApplication
from tests.vespa_stub.faults import Faults, Requests
from tests.vespa_stub.package import read_folder
from tests.vespa_stub.store import Store

Result = TypeVar("Result")


class StubServer:
    """Container and config server on one port, so `url` is both."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self.application = Application("")
        self.url = ""

    def start(self) -> Self:
        listening = socket.create_server(("127.0.0.1", self._port), backlog=BACKLOG)
        self._port = listening.getsockname()[1]
        self.url = self.application.config.url = f"http://127.0.0.1:{self._port}"
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listening, ready)), name="vespa-stub"
        )
        self._thread.start()
        ready.result(10)
        return self

    def stop(self) -> None:
        """Raises if a request was too much for the stub itself."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)
        self._thread = None
        if self.application.failures:
            raise RuntimeError(f"The stub failed:\n{self.application.failures[0]}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def store(self) -> Store:
        """The documents. There are none before something is deployed."""
        assert self.application.config.store is not None
        return self.application.config.store

    @property
    def faults(self) -> Faults:
        return self.application.faults

    @property
    def requests(self) -> Requests:
        return self.application.requests

    def deploy(self, files: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        """Raises BadPackage where a real server answers 400."""
        content = {path: text.encode() for path, text in files.items()}
        return self._in_loop(lambda: self.application.config.deploy(content))

    def deploy_folder(self, folder: Path) -> dict[str, list[dict[str, Any]]]:
        files = read_folder(folder)
        return self._in_loop(lambda: self.application.config.deploy(files))

    def reset(self) -> None:
        self._in_loop(self.application.reset)

    def feed(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        """Put whole documents, by their ids, past HTTP."""

        def put() -> None:
            for name, fields in documents.items():
                self.store.put(name, fields)

        self._in_loop(put)

    def _in_loop(self, work: Callable[[], Result]) -> Result:
        """Nothing changes while a request is being answered."""
        assert self._loop is not None
        done: Future[Result] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except Exception as exc:  # noqa: BLE001
                done.set_exception(exc)

        self._loop.call_soon_threadsafe(run)
        return done.result(60)

    async def _serve(self, listening: socket.socket, ready: Future[None]) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        await serve(self.application, listening, self._stopping, lambda: ready.set_result(None))


async def _run_process(port: int, package: Path | None) -> None:
    listening = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    application = ControlledApplication(url)
    if package is not None:
        application.config.deploy(read_folder(package))
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    await serve(application, listening, stopping, lambda: _say(f"The Vespa stub listens on {url}"))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--package", type=Path)
    given = parser.parse_args()
    asyncio.run(_run_process(given.port, given.package))


if __name__ == "__main__":
    main()
