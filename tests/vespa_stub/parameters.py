"""Parameters of a search, from any of the ways to send them, each checked for what it may be."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.vespa_stub.errors import BadQuery
from tests.vespa_stub.schema import Input, Package, Profile
from tests.vespa_stub.tensors import BadTensor, read_vector

_ALIASES = {
    "ranking": "ranking.profile",
    "language": "model.language",
    "format": "presentation.format",
}
_KNOWN = {
    "yql",
    "hits",
    "offset",
    "timeout",
    "ranking.profile",
    "ranking.softtimeout.enable",
    "model.language",
    "model.restrict",
    "presentation.summary",
    "presentation.timing",
    "presentation.format",
    "presentation.format.tensors",
}
_INPUT = re.compile(r"(?:input|ranking\.features)\.query\((\w+)\)")
_TIMEOUT = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s)?")
DEFAULT_MAX_HITS, DEFAULT_MAX_OFFSET = 400, 1000


@dataclass(frozen=True)
class Parameters:
    yql: str
    profile: Profile
    summary: str
    hits: int
    offset: int
    most_hits: int
    timing: bool
    tensors: str
    cbor: bool
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested and dotted names come to the same."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        whole = f"{prefix}{name}"
        if isinstance(value, dict) and not _INPUT.fullmatch(whole):
            flat |= flatten(value, f"{whole}.")
        else:
            flat[_ALIASES.get(whole, whole)] = value
    return flat


def read_body(content: bytes, content_type: str) -> dict[str, Any]:
    if not content:
        return {}
    if content_type.partition(";")[0].strip() != "application/json":
        raise BadQuery(f"The stub does not read bodies of type '{content_type}'", 17)
    try:
        tree = json.loads(content)
    except ValueError as exc:
        raise BadQuery(f"JSON parse error: {exc}", 17) from exc
    if not isinstance(tree, dict):
        raise BadQuery("The body must be an object", 17)
    return flatten(tree)


def check(given: Mapping[str, Any], package: Package) -> tuple[Parameters, set[str]]:
    """The parameters, and the names that only the query itself can explain."""
    values: dict[str, Any] = {**package.defaults, **given}
    profile = _profile(values, package)
    vectors, numbers = _inputs(values, profile)
    checked = Parameters(
        yql=_text(values, "yql"),
        profile=profile,
        summary=_choice(values, "presentation.summary", "default", tuple(package.schema.summaries)),
        hits=_at_most(values, "hits", 10, "maxHits", DEFAULT_MAX_HITS),
        offset=_at_most(values, "offset", 0, "maxOffset", DEFAULT_MAX_OFFSET),
        most_hits=int(values.get("maxHits", DEFAULT_MAX_HITS)),
        timing=_boolean(values, "presentation.timing"),
        tensors=_choice(values, "presentation.format.tensors", "short", ("short", "short-value")),
        cbor=_choice(values, "presentation.format", "json", ("json", "cbor")) == "cbor",
        vectors=vectors,
        numbers=numbers,
    )
    _check_rest(values, package)
    return checked, {name for name in given if name not in _KNOWN and not _INPUT.fullmatch(name)}


def _check_rest(values: Mapping[str, Any], package: Package) -> None:
    """What changes nothing here, but may not be nonsense."""
    _boolean(values, "ranking.softtimeout.enable")
    _choice(values, "model.restrict", package.schema.name, (package.schema.name,))
    _choice(values, "model.language", "en", ("en",))
    timeout = _TIMEOUT.fullmatch(str(values.get("timeout", "500ms")))
    if not timeout or float(timeout[1]) == 0:
        raise BadQuery(f"'{values['timeout']}' is no timeout")


def _profile(values: Mapping[str, Any], package: Package) -> Profile:
    name = _choice(values, "ranking.profile", "default", tuple(package.schema.profiles))
    return package.schema.profiles[name]


def _inputs(
    values: Mapping[str, Any], profile: Profile
) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
    vectors: dict[str, NDArray[np.float32]] = {}
    numbers: dict[str, float] = {}
    for name, value in values.items():
        found = _INPUT.fullmatch(name)
        if not found:
            continue
        declared = profile.inputs.get(found[1])
        if declared is None:
            raise BadQuery(f"query({found[1]}) is not among the inputs of {profile.name}")
        if declared.size:
            vectors[found[1]] = _vector(name, value, declared)
        else:
            numbers[found[1]] = _number(name, value)
    return vectors, numbers


def _vector(name: str, value: Any, declared: Input) -> NDArray[np.float32]:
    try:
        return read_vector(json.loads(value) if _is_list(value) else value, declared.type)
    except (BadTensor, ValueError) as exc:
        raise BadQuery(f"Could not set '{name}': {exc}") from exc


def _is_list(value: Any) -> bool:
    """A query string carries a list as text."""
    return isinstance(value, str) and value.startswith("[")


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        number = float(value)
        if not np.isfinite(number):
            raise ValueError
    except ValueError:
        raise BadQuery(f"Could not set '{name}': '{value}' is no number") from None
    return number


def _text(values: Mapping[str, Any], name: str) -> str:
    if not isinstance(values.get(name), str) or not values[name]:
        raise BadQuery("No query", 1)
    return str(values[name])


def _choice(values: Mapping[str, Any], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = values.get(name, default)
    if value not in allowed:
        raise BadQuery(f"'{value}' is no value of '{name}'")
    return str(value)


def _boolean(values: Mapping[str, Any], name: str) -> bool:
    value = values.get(name, False)
    if value not in (True, False, "true", "false"):
        raise BadQuery(f"'{value}' is no value of '{name}'")
    return value in (True, "true")


def _at_most(values: Mapping[str, Any], name: str, default: int, limit: str, most: int) -> int:
    value = values.get(name, default)
    if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)):
        raise BadQuery(f"'{value}' is no value of '{name}'")
    if int(value) > int(values.get(limit, most)):
        raise BadQuery(f"{value} {name} requested, configured limit: {values.get(limit, most)}")
    return int(value)
