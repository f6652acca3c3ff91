"""Hits and groups as Vespa writes them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.vespa_stub.columns import Rows
from tests.vespa_stub.errors import BadQuery
from tests.vespa_stub.matching import Matcher
from tests.vespa_stub.parameters import Parameters
from tests.vespa_stub.ranking import Ranked
from tests.vespa_stub.schema import Package, SummaryField
from tests.vespa_stub.store import Store
from tests.vespa_stub.text import highlight
from tests.vespa_stub.yql import Grouping

DEFAULT_MOST_GROUPS = 10
# What a group is called whose documents have no value.
_MISSING: dict[str, int] = {"int": -(2**31), "long": -(2**63)}


def render_hits(
    package: Package,
    store: Store,
    matcher: Matcher,
    parameters: Parameters,
    select: tuple[str, ...],
    ranked: Ranked,
    shown: slice,
) -> list[dict[str, Any]]:
    """Of a summary's fields only those come that the query selects."""
    known = {field.name for fields in package.schema.summaries.values() for field in fields}
    if missing := set(select) - known - {"documentid", "sddocname"}:
        raise BadQuery(f"select: there is no summary field {sorted(missing)}", 3)
    fields = [
        field
        for field in package.schema.summaries[parameters.summary]
        if not select or field.name in select
    ]
    hits = []
    for at, row in enumerate(ranked.rows[shown].tolist(), start=shown.start):
        rendered = {f.name: _value(store, matcher, f, row, parameters.tensors) for f in fields}
        hits.append(_hit(package, store.hash_of(store.ids[row]), ranked, at, rendered))
    if parameters.summary == "default":
        _name_documents(package, store, hits, ranked.rows[shown], select)
    return hits


def _hit(
    package: Package, hashed: str, ranked: Ranked, at: int, rendered: dict[str, Any]
) -> dict[str, Any]:
    values = {name: value for name, value in rendered.items() if value is not None}
    if ranked.features:
        features = {name: float(found[at]) for name, found in ranked.features.items()}
        values = {"matchfeatures": features, **values}
    return {
        "id": f"index:{package.cluster}/0/{hashed}",
        "relevance": _relevance(float(ranked.relevance[at])),
        "source": package.cluster,
        "fields": values,
    }


def _name_documents(
    package: Package, store: Store, hits: list[dict[str, Any]], rows: Rows, select: Sequence[str]
) -> None:
    """The default summary also has the document's id, which then names the hit."""
    for hit, row in zip(hits, rows.tolist(), strict=True):
        hit["id"] = document_id(package, store.ids[row])
        named = {"sddocname": package.schema.name, "documentid": hit["id"]}
        hit["fields"] |= {k: v for k, v in named.items() if not select or k in select}


def document_id(package: Package, name: str) -> str:
    return f"id:clipsite:{package.schema.name}::{name}"


def _value(store: Store, matcher: Matcher, field: SummaryField, row: int, tensors: str) -> Any:
    value = store.documents[row].get(field.source)
    if value is None or (isinstance(value, str) and not value):
        return None
    if field.source in store.embeddings:
        cells = store.embeddings[field.source].matrix[row].tolist()
        kind = store.schema.fields[field.source].type
        return cells if tensors == "short-value" else {"type": kind, "values": cells}
    if field.dynamic:
        stems = {s for term in matcher.terms if field.source in term.fields for s in term.stems}
        return highlight(value, frozenset(stems))
    return value


def _relevance(value: float) -> float | str:
    """JSON knows no infinity."""
    if np.isfinite(value):
        return value
    return "Infinity" if value > 0 else "-Infinity"


def groups_of(store: Store, groupings: Sequence[Grouping], rows: Rows) -> dict[str, Any]:
    lists = [_grouped(store, grouping, rows) for grouping in groupings]
    return {"id": "group:root:0", "relevance": 1.0, "continuation": {"this": ""}, "children": lists}


def _grouped(store: Store, grouping: Grouping, rows: Rows) -> dict[str, Any]:
    column = store.columns.get(grouping.field)
    if column is None:
        raise BadQuery(f"group({grouping.field}): that is no attribute", 3)
    kind = "long" if column.is_number else "string"
    missing = _MISSING.get(store.schema.fields[grouping.field].type, "")
    merged: dict[Any, int] = {}
    for value, count in column.counts(rows):
        key = missing if value is None else value
        merged[key] = merged.get(key, 0) + count
    most = DEFAULT_MOST_GROUPS if grouping.most is None else grouping.most
    best = sorted(merged.items(), key=lambda item: (-item[1], item[0]))[:most]
    children = [
        {"id": f"group:{kind}:{value}", "relevance": 1.0, "value": str(value),
         "fields": {"count()": count}}
        for value, count in best
    ]  # fmt: skip
    found = {"id": f"grouplist:{grouping.field}", "relevance": 1.0, "label": grouping.field}
    return {**found, "children": children} if children else found
