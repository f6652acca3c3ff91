"""The part of Vespa's schema language that the package uses; anything else is refused."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.vespa_stub.errors import BadExpression, BadPackage
from tests.vespa_stub.expressions import Node, parse
from tests.vespa_stub.schema import NUMERIC, Field, Input, Profile, SummaryField, tensor_size
from tests.vespa_stub.sd_tree import Entry

_INDEXING = {"attribute", "index", "summary", "set_language"}
_METRICS = {"prenormalized-angular", "angular", "euclidean", "dotproduct", "innerproduct"}
_PROFILE_NUMBERS = {
    "approximate-threshold",
    "post-filter-threshold",
    "filter-first-threshold",
    "filter-first-exploration",
    "exploration-slack",
    "target-hits-max-adjustment-factor",
    "num-threads-per-search",
    "termwise-limit",
}
_SPACES = re.compile(r"\s+(?![^(]*\))")


def unknown(entry: Entry, where: str) -> BadPackage:
    return BadPackage(f"Unknown keyword '{entry.head}' in {where}.")


def parse_field(entry: Entry) -> Field:
    words = entry.words
    if len(words) != 4 or words[2] != "type":
        raise BadPackage(f"'{entry.head}' is no field.")
    name, type_name = words[1], words[3]
    if type_name not in ("string", "bool", *NUMERIC) and not tensor_size(type_name):
        raise BadPackage(f"Field {name} has the unknown type {type_name}.")
    found: dict[str, object] = {}
    for line in entry.inside:
        reader = _FIELD_LINES.get(line.keyword)
        if reader is None:
            raise unknown(line, f"field {name}")
        reader(line, name, found)
    indexing = found.pop("indexing", frozenset())
    return Field(name, type_name, indexing, **found)  # type: ignore[arg-type]


def _indexing(line: Entry, name: str, found: dict[str, object]) -> None:
    parts = frozenset(part.strip() for part in line.value.split("|"))
    if not parts <= _INDEXING:
        raise BadPackage(f"Field {name}: unknown indexing {sorted(parts - _INDEXING)}.")
    found["indexing"] = parts


def _attribute(line: Entry, name: str, found: dict[str, object]) -> None:
    for part in _lines(line):
        if part.head == "distance-metric" and part.value in _METRICS:
            found["distance_metric"] = part.value
        elif part.head not in ("fast-search", "fast-rank", "paged") or part.value:
            raise unknown(part, f"attribute of field {name}")


def _index(line: Entry, name: str, found: dict[str, object]) -> None:
    for part in _lines(line):
        if part.head == "enable-bm25":
            found["bm25"] = True
        elif part.head == "hnsw" and part.is_block:
            found["hnsw"] = _hnsw(part, name)
        else:
            raise unknown(part, f"index of field {name}")


def _hnsw(block: Entry, name: str) -> str:
    for part in block.inside:
        known = part.head in ("max-links-per-node", "neighbors-to-explore-at-insert")
        if not known or not part.value.isdigit():
            raise unknown(part, f"hnsw of field {name}")
    return " ".join(f"{part.head}={part.value}" for part in block.inside) or "default"


def _one_of(key: str, *allowed: str) -> Callable[[Entry, str, dict[str, object]], None]:
    def read(line: Entry, name: str, found: dict[str, object]) -> None:
        if line.value not in allowed:
            raise BadPackage(f"Field {name}: {line.keyword} cannot be '{line.value}'.")
        if key:
            found[key] = line.value

    return read


_FIELD_LINES: dict[str, Callable[[Entry, str, dict[str, object]], None]] = {
    "indexing": _indexing,
    "attribute": _attribute,
    "index": _index,
    "match": _one_of("match", "word", "text", "exact"),
    "rank": _one_of("", "filter", "normal"),
    "stemming": _one_of("stemming", "best", "none"),
}


def _lines(entry: Entry) -> list[Entry]:
    """The lines of a block, or the one that stands after the colon."""
    return entry.inside if entry.is_block else [Entry(entry.value)]


def parse_fieldset(entry: Entry) -> tuple[str, tuple[str, ...]]:
    if len(entry.words) != 2 or len(entry.inside) != 1 or entry.inside[0].head != "fields":
        raise unknown(entry, "the schema")
    return entry.words[1], tuple(name.strip() for name in entry.inside[0].value.split(","))


def parse_summary(entry: Entry) -> tuple[str, tuple[SummaryField, ...]]:
    if len(entry.words) != 2:
        raise unknown(entry, "the schema")
    name = entry.words[1]
    lines = [line for line in entry.inside if line.head != "from-disk"]
    return name, tuple(_summary_field(line, name) for line in lines)


def _summary_field(entry: Entry, where: str) -> SummaryField:
    if entry.keyword != "summary" or len(entry.words) != 2 or not entry.is_block:
        raise unknown(entry, f"document-summary {where}")
    source, dynamic = entry.words[1], False
    for line in entry.inside:
        if line.head == "source":
            source = line.value
        elif line.head == "dynamic":
            dynamic = True
        else:
            raise unknown(line, f"summary {entry.words[1]}")
    return SummaryField(entry.words[1], source, dynamic)


def parse_profile(entry: Entry) -> Profile:
    """One rank-profile by itself; what it inherits is added later."""
    words = entry.words
    if len(words) not in (2, 4) or (len(words) == 4 and words[2] != "inherits"):
        raise BadPackage(f"'{entry.head}' is no rank profile.")
    found: dict[str, object] = {"inputs": {}, "functions": {}, "settings": {}}
    for line in entry.inside:
        _profile_line(line, words[1], found)
    return Profile(words[1], words[3] if len(words) == 4 else "", **found)  # type: ignore[arg-type]


def _profile_line(line: Entry, name: str, found: dict[str, object]) -> None:
    if line.head in _PROFILE_NUMBERS:
        found["settings"] |= {line.head: _number(line)}  # type: ignore[operator]
    elif line.head == "inputs" and line.is_block:
        found["inputs"] = dict(_input(inner) for inner in line.inside)
    elif line.keyword == "function" and line.is_block:
        found["functions"] |= dict([_function(line)])  # type: ignore[operator]
    elif line.head == "first-phase" and line.is_block:
        found["first_phase"] = _phase(line, ())["expression"]
    elif line.head == "global-phase" and line.is_block:
        phase = _phase(line, ("rerank-count",))
        found["global_phase"] = phase["expression"]
        found["rerank_count"] = phase.get("rerank-count", 100)
    elif line.head == "match-features":
        found["match_features"] = _features(line)
    else:
        raise unknown(line, f"rank-profile {name}")


def _input(line: Entry) -> tuple[str, Input]:
    parts = re.fullmatch(r"query\((\w+)\)\s+(\S+)", line.head)
    if not parts or not (parts[2] == "double" or tensor_size(parts[2])):
        raise unknown(line, "inputs")
    default = _number(line) if line.value else None
    return parts[1], Input(parts[2], default)


def _function(block: Entry) -> tuple[str, Node]:
    head = re.fullmatch(r"function\s+(?:inline\s+)?(\w+)\(\s*\)", block.head)
    if not head:
        raise unknown(block, "functions (the stub knows none with arguments)")
    return str(head[1]), _phase(block, ())["expression"]


def _phase(block: Entry, numbers: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in block.inside:
        if line.head == "expression":
            joined = " ".join(part.head for part in line.inside) if line.is_block else line.value
            found["expression"] = parse_expression(joined)
        elif line.head in numbers and line.value.isdigit():
            found[line.head] = int(line.value)
        else:
            raise unknown(line, block.head)
    if "expression" not in found:
        raise BadPackage(f"{block.head} has no expression.")
    return found


def parse_expression(text: str) -> Node:
    try:
        return parse(text)
    except BadExpression as exc:
        raise BadPackage(str(exc)) from exc


def _features(line: Entry) -> tuple[str, ...]:
    texts = [inner.head for inner in line.inside] if line.is_block else [line.value]
    return tuple(
        feature.replace(" ", "") for text in texts for feature in _SPACES.split(text) if feature
    )


def _number(line: Entry) -> float:
    try:
        return float(line.value)
    except ValueError:
        raise BadPackage(f"{line.head} must be a number, not '{line.value}'.") from None
