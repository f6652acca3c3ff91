"""An application package as it is deployed: read, resolved and checked as a whole."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from tests.vespa_stub.checks import check_schema
from tests.vespa_stub.errors import BadPackage
from tests.vespa_stub.schema import Package, Profile, Schema, SummaryField
from tests.vespa_stub.sd_parser import (
    parse_field,
    parse_fieldset,
    parse_profile,
    parse_summary,
    unknown,
)
from tests.vespa_stub.sd_tree import Entry, parse_tree

_PROFILE_DEFAULTS = {
    "maxHits",
    "maxOffset",
    "timeout",
    "model.language",
    "presentation.timing",
    "presentation.format.tensors",
    "ranking.softtimeout.enable",
}


def read_zip(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            return {name: archive.read(name) for name in names}
    except zipfile.BadZipFile as exc:
        raise BadPackage(f"The package is no zip file: {exc}") from exc


def read_folder(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def parse_package(files: Mapping[str, bytes]) -> Package:
    cluster, document = _services(_xml(files, "services.xml"))
    sources = [path for path in files if path.startswith("schemas/") and path.endswith(".sd")]
    if sources != [f"schemas/{document}.sd"]:
        raise BadPackage(f"services.xml names the document {document}; there is {sources}.")
    schema = _schema(files, document)
    check_schema(schema)
    return Package(dict(files), cluster, schema, _defaults(files))


def _xml(files: Mapping[str, bytes], path: str) -> ElementTree.Element:
    if path not in files:
        raise BadPackage(f"The package has no {path}.")
    try:
        return ElementTree.fromstring(files[path])
    except ElementTree.ParseError as exc:
        raise BadPackage(f"{path} is no XML: {exc}") from exc


def _services(root: ElementTree.Element) -> tuple[str, str]:
    """The content cluster's id and its document type."""
    containers = root.findall("container")
    if len(containers) != 1 or any(
        containers[0].find(t) is None for t in ("search", "document-api")
    ):
        raise BadPackage("services.xml needs one container with search and document-api.")
    contents = root.findall("content")
    if len(contents) != 1 or not contents[0].get("id"):
        raise BadPackage("services.xml needs one content cluster with an id.")
    documents = contents[0].findall("documents/document")
    if len(documents) != 1 or documents[0].get("mode") != "index":
        raise BadPackage("services.xml needs one document type of mode index.")
    if contents[0].find("redundancy") is None and contents[0].find("min-redundancy") is None:
        raise BadPackage("services.xml: the content cluster has no redundancy.")
    return str(contents[0].get("id")), str(documents[0].get("type"))


def _defaults(files: Mapping[str, bytes]) -> dict[str, str]:
    path = "search/query-profiles/default.xml"
    if path not in files:
        return {}
    root = _xml(files, path)
    if root.tag != "query-profile" or root.get("id") != "default":
        raise BadPackage(f"{path} must hold the query-profile 'default'.")
    found = {str(field.get("name")): (field.text or "").strip() for field in root}
    if unknown_names := set(found) - _PROFILE_DEFAULTS:
        raise BadPackage(f"{path}: the stub does not know {sorted(unknown_names)}.")
    return found


def _schema(files: Mapping[str, bytes], name: str) -> Schema:
    source = f"schemas/{name}.sd"
    tree = parse_tree(files[source].decode(), source)
    if len(tree) != 1 or tree[0].words != ["schema", name]:
        raise BadPackage(f"{source} must hold 'schema {name}'.")
    parts: dict[str, list[Entry]] = {}
    for entry in tree[0].inside:
        parts.setdefault(entry.keyword, []).append(entry)
    if surplus := set(parts) - {"document", "fieldset", "document-summary", "rank-profile"}:
        raise unknown(parts[surplus.pop()][0], source)
    fields = [parse_field(entry) for entry in _document(parts.get("document", []), name)]
    inline = [parse_profile(entry) for entry in parts.get("rank-profile", [])]
    summaries = dict(parse_summary(entry) for entry in parts.get("document-summary", []))
    summaries["default"] = tuple(
        SummaryField(f.name, f.name) for f in fields if "summary" in f.indexing
    )
    return Schema(
        name,
        _unique(fields, "field"),
        dict(parse_fieldset(entry) for entry in parts.get("fieldset", [])),
        summaries,
        _resolve(_unique([*inline, *_profile_files(files, name)], "rank-profile")),
    )


def _document(entries: list[Entry], name: str) -> list[Entry]:
    if len(entries) != 1 or entries[0].words != ["document", name]:
        raise BadPackage(f"The schema must hold one 'document {name}'.")
    for entry in entries[0].inside:
        if entry.keyword != "field":
            raise unknown(entry, f"document {name}")
    return entries[0].inside


def _profile_files(files: Mapping[str, bytes], schema: str) -> list[Profile]:
    found = []
    for path in sorted(files):
        if path.startswith(f"schemas/{schema}/"):
            found.append(_profile_file(path, files[path].decode()))
    return found


def _profile_file(path: str, text: str) -> Profile:
    tree = parse_tree(text, path)
    stem = Path(path).stem
    if (
        not path.endswith(".profile")
        or len(tree) != 1
        or tree[0].words[:2] != ["rank-profile", stem]
    ):
        raise BadPackage(f"{path} must hold the rank-profile of its own name.")
    return parse_profile(tree[0])


def _unique(items: list, kind: str) -> dict:  # type: ignore[type-arg]
    found = {item.name: item for item in items}
    if len(found) != len(items):
        raise BadPackage(f"A {kind} is declared twice.")
    return found


def _resolve(profiles: Mapping[str, Profile]) -> dict[str, Profile]:
    """Every profile with what it inherits; the two that Vespa always has are there too."""
    built_in = {"default": Profile("default"), "unranked": Profile("unranked")}
    return {**built_in, **{name: _inherited(name, profiles, ()) for name in profiles}}


def _inherited(name: str, profiles: Mapping[str, Profile], below: tuple[str, ...]) -> Profile:
    if name in below:
        raise BadPackage(f"rank-profile {name} inherits itself.")
    if name not in profiles:
        raise BadPackage(f"rank-profile '{below[-1]}' inherits '{name}', which does not exist.")
    own = profiles[name]
    if not own.inherits or own.inherits in ("default", "unranked"):
        return own
    parent = _inherited(own.inherits, profiles, (*below, name))
    return replace(
        own,
        inputs={**parent.inputs, **own.inputs},
        functions={**parent.functions, **own.functions},
        first_phase=own.first_phase or parent.first_phase,
        global_phase=own.global_phase or parent.global_phase,
        rerank_count=own.rerank_count if own.global_phase else parent.rerank_count,
        match_features=own.match_features or parent.match_features,
        settings={**parent.settings, **own.settings},
    )
