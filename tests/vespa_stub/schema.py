"""What a deployed package says, as data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tests.vespa_stub.expressions import Node

_TENSOR = re.compile(r"tensor<(bfloat16|float|double|int8)>\((\w+)\[(\d+)\]\)")
NUMERIC = ("int", "long", "float", "double")


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    indexing: frozenset[str]
    match: str = "text"
    bm25: bool = False
    stemming: str = ""
    distance_metric: str = ""
    hnsw: str = ""

    @cached_property
    def size(self) -> int:
        """Cells of a tensor, 0 for anything else."""
        found = _TENSOR.fullmatch(self.type)
        return int(found[3]) if found else 0

    @property
    def is_attribute(self) -> bool:
        return "attribute" in self.indexing and not self.size

    @property
    def is_text(self) -> bool:
        return "index" in self.indexing and self.type == "string"

    @property
    def is_number(self) -> bool:
        return self.type in NUMERIC


@dataclass(frozen=True)
class SummaryField:
    name: str
    source: str
    dynamic: bool = False


@dataclass(frozen=True)
class Input:
    """A `query(x)` of a profile: a tensor (size > 0) or a number with its default."""

    type: str
    default: float | None = None

    @cached_property
    def size(self) -> int:
        found = _TENSOR.fullmatch(self.type)
        return int(found[3]) if found else 0


@dataclass(frozen=True)
class Profile:
    name: str
    inherits: str = ""
    inputs: Mapping[str, Input] = field(default_factory=dict)
    functions: Mapping[str, Node] = field(default_factory=dict)
    first_phase: Node | None = None
    global_phase: Node | None = None
    rerank_count: int = 100
    match_features: tuple[str, ...] = ()
    # Numbers such as post-filter-threshold, that a stub has no use for.
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Schema:
    name: str
    fields: Mapping[str, Field]
    fieldsets: Mapping[str, tuple[str, ...]]
    summaries: Mapping[str, tuple[SummaryField, ...]]
    profiles: Mapping[str, Profile]

    @cached_property
    def language_fields(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields.values() if "set_language" in f.indexing)

    def searched(self, name: str) -> tuple[str, ...]:
        """The fields behind a name that a query gives: a field or a set of them."""
        return self.fieldsets.get(name) or ((name,) if name in self.fields else ())


@dataclass(frozen=True)
class Package:
    files: Mapping[str, bytes]
    cluster: str
    schema: Schema
    defaults: Mapping[str, str]


def tensor_size(type_name: str) -> int:
    found = _TENSOR.fullmatch(type_name)
    return int(found[3]) if found else 0
