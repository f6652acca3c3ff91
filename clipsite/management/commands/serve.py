import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from honcho.manager import Manager
from honcho.printer import Printer

from clipsite.management.commands.prepare import login_line

# A worker that was killed comes back by itself; one that was asked to stop does not.
AGAIN = "while :; do {command} && break; echo 'worker stopped, starting it again'; sleep 1; done"


class Command(BaseCommand):
    help = "Run web server, workers and, without REDIS_URL, the embedded broker. Ctrl-C ends all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        manager = Manager(Printer(sys.stdout))
        # Idle compute threads sleep instead of spinning against the other processes.
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
        for name, command in _processes(host, port).items():
            manager.add_process(name, command, env=environment, cwd=str(settings.BASE_DIR))
        self.stdout.write(f"\n  Open http://{host}:{port}\n  {login_line()}\n  Ctrl-C stops.\n\n")
        self.stdout.flush()
        manager.loop()
        sys.exit(manager.returncode if manager.returncode in (0, 1) else 0)


def _processes(host: str, port: int) -> dict[str, str]:
    python = sys.executable
    celery = f"{python} -m celery -A clipsite worker --loglevel WARNING --without-gossip"
    beat = f"{celery} -Q default -n default@%h --concurrency 2 --beat"
    gpu = f"{celery} -Q gpu -n gpu@%h --pool=solo"
    processes = {
        "web": f"{python} -m daphne -b {host} -p {port} clipsite.asgi:application",
        "worker": AGAIN.format(command=beat),
        "gpu": AGAIN.format(command=gpu),
    }
    if settings.REDIS_URL:
        return processes
    return {"broker": f"{python} manage.py broker", **processes}
