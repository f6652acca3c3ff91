"""/search/: from parameters to the tree that Vespa answers with."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.vespa_stub import yql_parser
from tests.vespa_stub.errors import BadQuery
from tests.vespa_stub.matching import Matcher
from tests.vespa_stub.parameters import Parameters, check
from tests.vespa_stub.ranking import Ranked, rank, sort_by
from tests.vespa_stub.rendering import groups_of, render_hits
from tests.vespa_stub.schema import Package
from tests.vespa_stub.store import Store
from tests.vespa_stub.yql import Question

# By code of `root.errors`; anything else is a 500.
_STATUS = {0: 503, 3: 400, 4: 400, 10: 503, 12: 504, 14: 401, 15: 403, 16: 404, 17: 400, 18: 500,
           19: 507}  # fmt: skip


def search(package: Package, store: Store, given: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The answer, and whether CBOR was asked for by a parameter."""
    began = time.perf_counter()
    parameters, unknown = check(given, package)
    question = yql_parser.parse(parameters.yql, package.schema.name, given)
    if surplus := unknown - question.used:
        raise BadQuery(f"Unknown parameters, and not used by the query: {sorted(surplus)}")
    hits, offset = _window(parameters, question)
    matcher = Matcher(store, question.where, parameters.vectors)
    ranked, total = _hits(store, matcher, parameters, question, hits + offset)
    shown = slice(offset, offset + hits)
    children = render_hits(package, store, matcher, parameters, question.select, ranked, shown)
    if question.groupings:
        children.append(groups_of(store, question.groupings, matcher.rows()))
    answer: dict[str, Any] = {"root": _root(store, total, children)}
    if parameters.timing:
        answer = {"timing": _timing(time.perf_counter() - began), **answer}
    return answer, parameters.cbor


def failed(code: int, summary: str, message: str, total: int = 0) -> tuple[int, dict[str, Any]]:
    """Status and answer of a search without any result."""
    error = {"code": code, "summary": summary, "source": "images", "message": message}
    root = {"id": "toplevel", "relevance": 1.0, "fields": {"totalCount": total}, "errors": [error]}
    return _STATUS.get(code, 500), {"root": root}


def _window(parameters: Parameters, question: Question) -> tuple[int, int]:
    """Hits and offset; those of the query win, and its limit counts from the first hit of all."""
    offset = parameters.offset if question.offset is None else question.offset
    if question.limit is None:
        return parameters.hits, offset
    if question.limit > parameters.most_hits:
        raise BadQuery(
            f"limit {question.limit} requested, configured limit: {parameters.most_hits}"
        )
    return max(question.limit - (question.offset or 0), 0), offset


def _hits(
    store: Store, matcher: Matcher, parameters: Parameters, question: Question, keep: int
) -> tuple[Ranked, int]:
    if not question.order_by:
        return rank(store, matcher, parameters.profile, parameters.numbers, keep)
    rows = sort_by(store, matcher.rows(), question.order_by)
    return Ranked(rows[:keep], np.full(min(keep, len(rows)), -np.inf), {}), len(rows)


def _root(store: Store, total: int, children: list[dict[str, Any]]) -> dict[str, Any]:
    root: dict[str, Any] = {
        "id": "toplevel",
        "relevance": 1.0,
        "fields": {"totalCount": total},
        "coverage": {
            "coverage": 100,
            "documents": len(store),
            "full": True,
            "nodes": 1,
            "results": 1,
            "resultsFull": 1,
        },
    }
    return {**root, "children": children} if children else root


def _timing(seconds: float) -> dict[str, float]:
    took = round(seconds, 6)
    return {"querytime": took, "summaryfetchtime": 0.0, "searchtime": took}
