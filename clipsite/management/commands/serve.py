import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from honcho.manager import Manager
from honcho.printer import Printer

from clipsite.management.commands.prepare import login_line

LONGEST_START = 60.0
# A worker that was killed comes back by itself; one that was asked to stop does not.
AGAIN = "while :; do {command} && break; echo 'worker stopped, starting it again'; sleep 1; done"


class Command(BaseCommand):
    help = "Run web server, workers and, without REDIS_URL, the embedded broker. Ctrl-C ends all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        _refuse_if_taken(host, port)
        manager = Manager(Printer(sys.stdout))
        # Idle compute threads sleep instead of spinning against the other processes.
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
        for name, command in _processes(host, port).items():
            manager.add_process(name, command, env=environment, cwd=str(settings.BASE_DIR))
        threading.Thread(target=self._greet, args=(f"http://{host}:{port}",), daemon=True).start()
        manager.loop()
        sys.exit(manager.returncode if manager.returncode in (0, 1) else 0)

    def _greet(self, address: str) -> None:
        """Say where to go once the first search would be quick."""
        login = login_line()
        self.stdout.write("Starting, a few seconds …")
        deadline = time.monotonic() + LONGEST_START
        while time.monotonic() < deadline and not _answers(f"{address}/readyz"):
            time.sleep(0.3)
        self.stdout.write(f"\n  Open {address}\n  {login}\n  Ctrl-C stops everything.\n\n")
        self.stdout.flush()


def _refuse_if_taken(host: str, port: int) -> None:
    """A second server over the same state would take the first one's broker away."""
    with socket.socket() as probe:
        if probe.connect_ex((host, port)) == 0:
            raise CommandError(
                f"Something already answers at {host}:{port}. Stop it, or choose PORT=…"
            )


def _answers(address: str) -> bool:
    """Any answer counts: what is not ready yet is told on the page."""
    try:
        urllib.request.urlopen(address, timeout=LONGEST_START)  # noqa: S310  our own address
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _processes(host: str, port: int) -> dict[str, str]:
    python = sys.executable
    celery = f"{python} -m celery --quiet -A clipsite worker --loglevel WARNING --without-gossip"
    beat = f"{celery} -Q default -n default@%h --concurrency 2 --beat"
    gpu = f"{celery} -Q gpu -n gpu@%h --pool=solo"
    processes = {
        "web": f"{python} -m daphne -v 0 -b {host} -p {port} clipsite.asgi:application",
        "worker": AGAIN.format(command=beat),
        "gpu": AGAIN.format(command=gpu),
    }
    if settings.REDIS_URL:
        return processes
    return {"broker": f"{python} manage.py broker", **processes}
