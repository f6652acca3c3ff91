"""/document/v1: single operations, and visits that read, change or remove what they select."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.vespa_stub.errors import BadDocument
from tests.vespa_stub.rendering import document_id
from tests.vespa_stub.schema import Package
from tests.vespa_stub.selection import Test, compile_selection
from tests.vespa_stub.store import Store
from tests.vespa_stub.values import read_put, read_update, render

NAMESPACE = "clipsite"
MOST_DOCUMENTS = 1024
# How many documents one request of an update or a removal by selection looks at.
CHUNK = 1000
_ONE = {
    "GET": {"fieldSet", "timeout", "cluster", "format.tensors"},
    "POST": {"condition", "create", "timeout", "route"},
    "PUT": {"condition", "create", "timeout", "route"},
    "DELETE": {"condition", "timeout", "route"},
}
_WHERE = {"cluster", "selection", "timeout", "continuation", "slices", "sliceId", "timeChunk"}
_MANY = {
    "GET": {*_WHERE, "fieldSet", "wantedDocumentCount", "format.tensors", "concurrency"},
    "PUT": _WHERE,
    "DELETE": _WHERE,
}
_PATH = re.compile(r"/document/v1/(?P<space>[^/]+)/(?P<type>[^/]+)/docid(?:/(?P<name>.*))?")


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    # Percent-decoded, as are the parameters.
    parameters: Mapping[str, str]
    content: bytes


class Documents:
    def __init__(self, package: Package, store: Store) -> None:
        self._package, self._store = package, store
        self._schema = package.schema
        self.chunk = CHUNK

    def answer(self, operation: Operation) -> tuple[int, dict[str, Any]]:
        body: dict[str, Any] = {"pathId": operation.path}
        try:
            name = self._name(operation.path)
            if name:
                body["id"] = document_id(self._package, name)
                status, found = self._single(operation, name)
            else:
                status, found = 200, self._visit(operation)
        except BadDocument as exc:
            return exc.status, {**body, "message": str(exc)}
        return status, {**body, **found}

    def _name(self, path: str) -> str:
        """The document's own id; empty for a visit."""
        found = _PATH.fullmatch(path)
        if not found:
            raise BadDocument(f"Nothing at '{path}'.", 404)
        if found["type"] != self._schema.name:
            raise BadDocument(f"Document type {found['type']} does not exist.")
        if found["space"] != NAMESPACE:
            raise BadDocument(f"The namespace is {NAMESPACE}, not {found['space']}.")
        return found["name"] or ""

    def _single(self, operation: Operation, name: str) -> tuple[int, dict[str, Any]]:
        _check_names(operation, _ONE)
        if operation.method == "GET":
            return self._get(operation.parameters, name)
        self._check_condition(operation, name)
        if operation.method == "DELETE":
            self._store.remove(name)
        elif operation.method == "POST":
            self._store.put(name, read_put(_json(operation.content), self._schema))
        else:
            create = _boolean(operation.parameters, "create")
            changes = read_update(_json(operation.content), self._schema)
            self._store.update(name, changes, create=create)
        return 200, {}

    def _get(self, parameters: Mapping[str, str], name: str) -> tuple[int, dict[str, Any]]:
        self._check_cluster(parameters, needed=False)
        show = self._shown(parameters)
        document = self._store.get(name)
        return (404, {}) if document is None else (200, {"fields": show(document)})

    def _check_condition(self, operation: Operation, name: str) -> None:
        if "condition" not in operation.parameters:
            return
        test = compile_selection(operation.parameters["condition"], self._schema)
        document = self._store.get(name)
        if document is None and _boolean(operation.parameters, "create"):
            return
        if document is None or test(document) is not True:
            raise BadDocument("The condition did not hold.", 412)

    def _visit(self, operation: Operation) -> dict[str, Any]:
        _check_names(operation, _MANY)
        parameters = operation.parameters
        self._check_cluster(parameters, needed=True)
        if operation.method != "GET" and "selection" not in parameters:
            raise BadDocument("A change of many documents needs a selection.")
        test = compile_selection(parameters.get("selection", "true"), self._schema)
        if operation.method == "GET":
            wanted = _count(parameters, "wantedDocumentCount", 1, MOST_DOCUMENTS)
            return self._read(parameters, test, wanted)
        if operation.method == "PUT":
            changes = read_update(_json(operation.content), self._schema)
            return self._change(
                parameters, test, lambda name: self._store.update(name, changes, create=False)
            )
        return self._change(parameters, test, self._store.remove)

    def _read(self, parameters: Mapping[str, str], test: Test, wanted: int) -> dict[str, Any]:
        show = self._shown(parameters)
        names, further = self._select(parameters, test, wanted)
        found = [
            {"id": document_id(self._package, name), "fields": show(self._store.get(name) or {})}
            for name in names
        ]
        return {"documents": found, "documentCount": len(found), **further}

    def _change(
        self, parameters: Mapping[str, str], test: Test, change: Callable[[str], None]
    ) -> dict[str, Any]:
        names, further = self._select(parameters, test, self.chunk)
        for name in names:
            change(name)
        return {"documentCount": len(names), **further}

    def _select(
        self, parameters: Mapping[str, str], test: Test, most: int
    ) -> tuple[list[str], dict[str, str]]:
        """Selected ids behind the continuation, and where to go on if there is more."""
        in_slice = _slice(parameters)
        found: list[str] = []
        last = _continuation(parameters)
        for name in self._store.after(last):
            if len(found) == most:
                return found, {"continuation": f"AAAA{last}"}
            last = self._store.hash_of(name)
            if in_slice(last) and test(self._store.get(name) or {}) is True:
                found.append(name)
        return found, {}

    def _check_cluster(self, parameters: Mapping[str, str], *, needed: bool) -> None:
        cluster = parameters.get("cluster")
        if cluster is None and needed:
            raise BadDocument("Must set 'cluster' parameter to a valid content cluster id.")
        if cluster not in (None, self._package.cluster):
            raise BadDocument(f"Your Vespa deployment has no content cluster '{cluster}'.")

    def _shown(
        self, parameters: Mapping[str, str]
    ) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        wanted = self._field_set(parameters.get("fieldSet", "[document]"))
        tensors = parameters.get("format.tensors", "short")
        if tensors not in ("short", "short-value"):
            raise BadDocument(f"The stub does not know format.tensors={tensors}.")
        return lambda fields: render(fields, self._schema, wanted, tensors)

    def _field_set(self, text: str) -> tuple[str, ...]:
        if text in ("[document]", "[all]", f"{self._schema.name}:[document]"):
            return tuple(self._schema.fields)
        if text in ("[id]", "[none]"):
            return ()
        document, _, listed = text.partition(":")
        names = tuple(listed.split(","))
        if document != self._schema.name or not set(names) <= set(self._schema.fields):
            raise BadDocument(f"'{text}' is no field set of {self._schema.name}.")
        return names


def _check_names(operation: Operation, known: Mapping[str, set[str]]) -> None:
    if operation.method not in known:
        raise BadDocument(f"'{operation.method}' not allowed at '{operation.path}'.", 405)
    if surplus := set(operation.parameters) - known[operation.method]:
        raise BadDocument(f"The stub does not know the parameters {sorted(surplus)}.")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as exc:
        raise BadDocument(f"The body is no JSON: {exc}.") from exc


def _boolean(parameters: Mapping[str, str], name: str) -> bool:
    value = parameters.get(name, "false")
    if value not in ("true", "false"):
        raise BadDocument(f"{name} must be true or false, not '{value}'.")
    return value == "true"


def _count(parameters: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise BadDocument(f"{name} must be from 1 to {most}, not '{text}'.")
    return int(text)


def _slice(parameters: Mapping[str, str]) -> Callable[[str], bool]:
    if ("slices" in parameters) != ("sliceId" in parameters):
        raise BadDocument("slices and sliceId belong together.")
    if "slices" not in parameters:
        return lambda hashed: True
    slices, chosen = _count(parameters, "slices", 1, 1000), parameters["sliceId"]
    if not chosen.isdigit() or int(chosen) >= slices:
        raise BadDocument(f"sliceId must be from 0 to {slices - 1}, not '{chosen}'.")
    return lambda hashed: int(hashed, 16) % slices == int(chosen)


def _continuation(parameters: Mapping[str, str]) -> str:
    """Behind which hash to go on; tokens are opaque to clients."""
    token = parameters.get("continuation", "AAAA")
    if not re.fullmatch(r"AAAA(?:[0-9a-f]{24})?", token):
        raise BadDocument(f"'{token}' is no continuation.")
    return token.removeprefix("AAAA")
