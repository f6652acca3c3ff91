"""What happens at start: light imports, and settings that are told when they are wrong."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from clipsite import checks

ROOT = Path(__file__).resolve().parents[2]
HEAVY = [
    "torch",
    "transformers",
    "spacy",
    "lancedb",
    "pyarrow",
    "efficientnet_lite_pytorch",
]


LOAD_WORKER = "import clipsite.celery; clipsite.celery.app.loader.import_default_modules()"


@pytest.fixture(scope="module")
def modules_after(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], set[str]]:
    """The modules of a fresh process that has run a statement, one process for each statement."""

    @cache
    def run(statement: str) -> set[str]:
        code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
        environment = {
            **os.environ,
            "CLIPSITE_VAR": str(tmp_path_factory.mktemp("var")),
            "SECRET_KEY": "x",
            "DJANGO_SETTINGS_MODULE": "clipsite.settings",
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return set(json.loads(done.stdout))

    return run


@pytest.mark.parametrize("statement", ["import clipsite.asgi", LOAD_WORKER])
def test_nothing_heavy_is_imported_at_start(
    statement: str, modules_after: Callable[[str], set[str]]
) -> None:
    loaded = modules_after(statement)
    assert "search.models" in loaded
    assert loaded.isdisjoint(HEAVY), loaded & set(HEAVY)


def test_workers_know_every_task(modules_after: Callable[[str], set[str]]) -> None:
    loaded = modules_after(LOAD_WORKER)
    assert {"jobs.tasks", "ingest.tasks", "training.tasks", "search.tasks"} <= loaded


def ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def test_a_missing_secret_key_is_told(settings: Any) -> None:
    assert checks.secret_key_is_set() == []
    settings.SECRET_KEY = ""
    assert ids(checks.secret_key_is_set()) == ["clipsite.E001"]


def test_a_redis_url_of_another_kind_is_told(settings: Any) -> None:
    assert checks.redis_url_is_a_redis_url() == []
    settings.REDIS_URL = "localhost:6379"
    assert ids(checks.redis_url_is_a_redis_url()) == ["clipsite.E002"]


def test_a_socket_path_the_kernel_would_refuse_is_told(settings: Any) -> None:
    assert checks.socket_path_is_short_enough() == []
    settings.VALKEY_SOCKET = Path("/" + "long/" * 30) / "valkey.sock"
    assert ids(checks.socket_path_is_short_enough()) == ["clipsite.E003"]


def test_a_vespa_address_or_timeout_that_cannot_be_is_told(settings: Any) -> None:
    assert checks.vespa_urls_are_http_urls() == checks.vespa_timeout_is_positive() == []
    settings.VESPA_URL, settings.VESPA_TIMEOUT = "vespa:8080", 0
    assert ids(checks.vespa_urls_are_http_urls()) == ["clipsite.E005"]
    assert ids(checks.vespa_timeout_is_positive()) == ["clipsite.E006"]


def test_a_heartbeat_timeout_below_the_beat_is_told(settings: Any) -> None:
    assert checks.heartbeat_timeout_leaves_room() == []
    settings.JOB_HEARTBEAT_TIMEOUT = 2
    assert ids(checks.heartbeat_timeout_leaves_room()) == ["clipsite.E004"]


@pytest.mark.parametrize("origin", ["https://a.example/", "a.example", "https://*", "https://a b"])
def test_an_origin_that_no_page_can_have_is_told(settings: Any, origin: str) -> None:
    settings.EMBED_ORIGINS = ["https://desk.example.org", "http://localhost:8001"]
    assert checks.embed_origins_are_origins() == []
    settings.EMBED_ORIGINS = [origin]
    assert ids(checks.embed_origins_are_origins()) == ["clipsite.E007"]


def test_every_variable_the_settings_read_stands_in_the_example() -> None:
    import re

    read = {
        name
        for module in ("settings", "product")
        for name in re.findall(
            r'env\.\w+\("([A-Z_]+)"', (ROOT / f"clipsite/{module}.py").read_text()
        )
    }
    listed = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert set(listed) == read
    assert len(listed) == len(set(listed))


def test_a_port_that_is_taken_is_told_before_anything_starts() -> None:
    from django.core.management import CommandError, call_command

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"already answers at 127.0.0.1:{port}"):
            call_command("serve", port=port)


def test_no_migration_is_missing(db: None) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
