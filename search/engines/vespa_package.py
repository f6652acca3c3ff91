"""The application package: rendered for the vector sizes in use, and sent to the config server.

Paths of the config server: https://docs.vespa.ai/en/reference/deploy-rest-api-v2.html
"""

import io
import re
import time
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpr

from search.engines.base import EngineError, Unavailable

SLOTS = ("a", "b")
SCHEMA_FILE = "schemas/image.sd"
DEFAULT_SIZE = 512

_TENANT = "/application/v2/tenant/default"
_ACTIVE = f"{_TENANT}/application/default/environment/prod/region/default/instance/default"
_DEPLOY_TIMEOUT = 120.0
_POLL_EVERY = 1.0


def render(folder: Path, sizes: Mapping[str, int], overlay: Path | None = None) -> dict[str, str]:
    """The files of the package by their path, each slot's vectors and query of the given size.

    Files of `overlay` (another services.xml, for instance) replace those of the same path.
    """
    files = _texts(folder) | (_texts(overlay) if overlay else {})
    for slot, size in sizes.items():
        field = re.compile(rf"(field embedding_{slot} type tensor<bfloat16>\(x\[)\d+(\]\))")
        files[SCHEMA_FILE] = field.sub(rf"\g<1>{size}\g<2>", files[SCHEMA_FILE])
        query = re.compile(r"(query\(q\) tensor<float>\(x\[)\d+(\]\))")
        for path in files:
            if path.endswith(f"_{slot}.profile"):
                files[path] = query.sub(rf"\g<1>{size}\g<2>", files[path])
    return files


def sizes_in(schema: str) -> dict[str, int]:
    """The vector size of each slot that a schema declares."""
    found = re.findall(r"field embedding_(\w) type tensor<bfloat16>\(x\[(\d+)\]\)", schema)
    return {slot: int(size) for slot, size in found}


def allow_new_sizes(files: dict[str, str]) -> None:
    """Vespa refuses to change a field's type unless it is told, for a while, that we mean it.

    Older releases have a name of their own for tensors.
    """
    until = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    files["validation-overrides.xml"] = (
        "<validation-overrides>\n"
        f'  <allow until="{until}">field-type-change</allow>\n'
        f'  <allow until="{until}">tensor-type-change</allow>\n'
        "</validation-overrides>\n"
    )


class ConfigServer:
    """Raises Unavailable where it does not answer, EngineError with its words where it refuses."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def deployed_sizes(self) -> dict[str, int]:
        """Of the active package; empty before the first deployment."""
        status, _, text = self._call("get", f"{_ACTIVE}/content/{SCHEMA_FILE}")
        if status not in (200, 404):
            raise Unavailable(f"Vespa's config server answered {status}; nothing was changed.")
        return sizes_in(text) if status == 200 else {}

    def deploy(self, files: Mapping[str, str]) -> list[str]:
        """Activate the package; returns what the server warned of."""
        status, answer, text = self._call(
            "post",
            f"{_TENANT}/prepareandactivate",
            content=_zip(files),
            headers={"Content-Type": "application/zip"},
        )
        if status != 200:
            said = str(answer.get("message") or text)[:1000]
            raise EngineError(f"Vespa did not accept the application package: {said}")
        entries = answer.get("log", [])
        return [str(entry["message"]) for entry in entries if entry.get("level") == "WARNING"]

    def wait_until_converged(
        self, timeout: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Until every service runs the newest configuration."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            status, answer, _ = self._call("get", f"{_ACTIVE}/serviceconverge")
            if status == 200 and answer.get("converged"):
                return
            sleep(_POLL_EVERY)
        raise Unavailable(f"Vespa did not take up the configuration within {timeout:.0f} s.")

    def _call(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any], str]:
        try:
            with httpr.Client(timeout=_DEPLOY_TIMEOUT) as client:
                answer = getattr(client, method)(f"{self._url}{path}", **more)
        except (httpr.RequestError, RuntimeError) as exc:
            raise Unavailable(f"Vespa's config server at {self._url} does not answer.") from exc
        text = str(answer.text)
        try:
            parsed = answer.json()
        except (ValueError, RuntimeError):
            parsed = {}
        return int(answer.status_code), parsed if isinstance(parsed, dict) else {}, text


def _texts(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in paths}


def _zip(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return buffer.getvalue()
