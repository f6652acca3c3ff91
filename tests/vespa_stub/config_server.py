"""Deploying: what the config server takes, refuses and answers."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

from tests.vespa_stub.errors import BadPackage
from tests.vespa_stub.package import parse_package, read_zip
from tests.vespa_stub.schema import Field, Package
from tests.vespa_stub.store import Store

PREPARE = "/application/v2/tenant/default/prepareandactivate"
APPLICATION = (
    "/application/v2/tenant/default/application/default/environment/prod/region/default"
    "/instance/default"
)
# How far ahead an override may reach.
LONGEST_OVERRIDE = timedelta(days=30)


class ConfigServer:
    """Holds the active package and the documents that are kept by it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.package: Package | None = None
        self.store: Store | None = None
        self.generation = 0
        # So many polls still find services with the old configuration.
        self.polls_until_converged = 0
        self._polls_left = 0

    def answer(
        self, method: str, path: str, content: bytes, content_type: str
    ) -> tuple[int, dict[str, Any] | bytes]:
        if path == PREPARE:
            return self._prepare(method, content, content_type)
        if method != "GET":
            return _error(405, "METHOD_NOT_ALLOWED", f"{method} is not allowed at {path}")
        if self.package is None:
            return _error(404, "NOT_FOUND", "No application in tenant default")
        if path == f"{APPLICATION}/serviceconverge":
            return 200, self._convergence()
        name = path.removeprefix(f"{APPLICATION}/content/")
        if name in self.package.files:
            return 200, self.package.files[name]
        return _error(404, "NOT_FOUND", f"No such file or directory: {path}")

    def deploy(self, files: Mapping[str, bytes]) -> dict[str, list[dict[str, Any]]]:
        """Make a package the active one; returns what has to be done by hand afterwards."""
        package = parse_package(files)
        if self.package is None or self.store is None:
            actions: dict[str, list[dict[str, Any]]] = {"restart": [], "refeed": [], "reindex": []}
            self.store = Store(package.schema)
        else:
            _check_types(self.package, package, self.store)
            actions = _actions(self.package, package)
            self.store.adopt(package.schema)
        self.package = package
        self.generation += 1
        self._polls_left = self.polls_until_converged
        return actions

    def _prepare(
        self, method: str, content: bytes, content_type: str
    ) -> tuple[int, dict[str, Any] | bytes]:
        if method != "POST":
            return _error(405, "METHOD_NOT_ALLOWED", f"{method} is not allowed at {PREPARE}")
        if content_type != "application/zip":
            return _error(400, "BAD_REQUEST", f"Unsupported Content-Type '{content_type}'")
        try:
            actions = self.deploy(read_zip(content))
        except BadPackage as exc:
            message = f"Invalid application: {exc}"
            return _error(400, "INVALID_APPLICATION_PACKAGE", message)
        return 200, self._deployed(actions)

    def _deployed(self, actions: Mapping[str, Any]) -> dict[str, Any]:
        session = str(self.generation)
        return {
            "log": [],
            "tenant": "default",
            "session-id": session,
            "url": f"{self.url}{APPLICATION}",
            "message": f"Session {session} for tenant 'default' prepared and activated.",
            "configChangeActions": actions,
        }

    def _convergence(self) -> dict[str, Any]:
        waiting = self._polls_left > 0
        self._polls_left = max(self._polls_left - 1, 0)
        current = self.generation - waiting
        service = {"host": "localhost", "port": 19107, "type": "searchnode"}
        return {
            "services": [{**service, "url": self.url, "currentGeneration": current}],
            "url": f"{self.url}{APPLICATION}/serviceconverge",
            "currentGeneration": current,
            "wantedGeneration": self.generation,
            "converged": not waiting,
        }


def _error(status: int, code: str, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"error-code": code, "message": message}


def _changed(old: Package, new: Package) -> list[tuple[Field, Field]]:
    before, after = old.schema.fields, new.schema.fields
    return [(before[n], after[n]) for n in before if n in after and before[n] != after[n]]


def _check_types(old: Package, new: Package, store: Store) -> None:
    """A field that holds data may change its type only if somebody allowed that for these days."""
    for before, after in _changed(old, new):
        if before.type == after.type or not store.holds(before):
            continue
        if not _allows(new.files, "field-type-change"):
            raise BadPackage(
                f"field-type-change: Document type '{new.schema.name}': Field '{before.name}' "
                f"changed: data type: '{before.type}' -> '{after.type}'. To allow this add "
                "<allow until='yyyy-mm-dd'>field-type-change</allow> to validation-overrides.xml."
            )


def _allows(files: Mapping[str, bytes], wanted: str) -> bool:
    if "validation-overrides.xml" not in files:
        return False
    try:
        root = ElementTree.fromstring(files["validation-overrides.xml"])
    except ElementTree.ParseError as exc:
        raise BadPackage(f"validation-overrides.xml is no XML: {exc}") from exc
    if root.tag != "validation-overrides":
        raise BadPackage("validation-overrides.xml must hold <validation-overrides>.")
    return any(_until(allow) and (allow.text or "").strip() == wanted for allow in root)


def _until(allow: ElementTree.Element) -> bool:
    """Whether the override still holds. Too far ahead is an error, as with Vespa."""
    text = allow.get("until", "")
    if allow.tag != "allow" or not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise BadPackage(f"validation-overrides.xml: '{text}' is no date.")
    until, today = date.fromisoformat(text), date.today()
    if until > today + LONGEST_OVERRIDE:
        raise BadPackage(f"validation-overrides.xml: {until} is more than 30 days ahead.")
    return until >= today


def _actions(old: Package, new: Package) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"restart": [], "refeed": [], "reindex": []}
    for before, after in _changed(old, new):
        message = f"Document type '{new.schema.name}': Field '{before.name}' changed"
        if before.type != after.type:
            found["refeed"].append(_action(new, "field-type-change", message))
        elif before.hnsw != after.hnsw or before.distance_metric != after.distance_metric:
            found["restart"].append(_action(new, "", message))
        else:
            found["reindex"].append(_action(new, "indexing-change", message))
    return found


def _action(package: Package, name: str, message: str) -> dict[str, Any]:
    service = {"serviceName": "searchnode", "serviceType": "searchnode", "configId": "",
               "hostName": "localhost"}  # fmt: skip
    return {
        **({"name": name, "documentType": package.schema.name} if name else {}),
        "clusterName": package.cluster,
        "messages": [message],
        "services": [service],
    }
