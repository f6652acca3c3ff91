"""Scores: BM25, distances, the expressions of a profile, and the window of the global phase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.vespa_stub.columns import Rows
from tests.vespa_stub.errors import BadQuery
from tests.vespa_stub.evaluation import Values, evaluate
from tests.vespa_stub.matching import Matcher
from tests.vespa_stub.schema import Profile
from tests.vespa_stub.store import Store

K1, B = 1.2, 0.75
NO_DISTANCE = 1.797e308
# Which attribute decides between hits of the same relevance; Vespa itself promises no order.
TIES = "image_id"


@dataclass(frozen=True)
class Ranked:
    """The hits, best first, with their relevance and the match-features of each."""

    rows: Rows
    relevance: Values
    features: Mapping[str, Values]


class Features:
    """Features and functions of a profile for the rows that a query found."""

    def __init__(
        self,
        store: Store,
        matcher: Matcher,
        profile: Profile,
        numbers: Mapping[str, float],
        rows: Rows,
    ) -> None:
        self._store, self._matcher, self._profile = store, matcher, profile
        self._numbers = numbers
        self._rows = rows
        self._known: dict[str, Values] = {}

    def __call__(self, name: str) -> Values:
        if name not in self._known:
            self._known[name] = np.broadcast_to(self._compute(name), self._rows.shape)
        return self._known[name]

    def within(self, chosen: NDArray[np.int64]) -> "Features":
        """The same, for some of the hits only."""
        fewer = Features(
            self._store, self._matcher, self._profile, self._numbers, self._rows[chosen]
        )
        fewer._known = {name: values[chosen] for name, values in self._known.items()}
        return fewer

    def _compute(self, name: str) -> Values:
        if name in self._profile.functions:
            return evaluate(self._profile.functions[name], self)
        base, _, inside = name.removesuffix(")").partition("(")
        if base == "bm25":
            return self._bm25(inside)
        if base == "query":
            return np.float64(self._query(inside))  # type: ignore[return-value]
        if base in ("closeness", "distance") and inside.startswith("field,"):
            return self._distance(inside.removeprefix("field,"), closeness=base == "closeness")
        if base == "attribute":
            return self._attribute(inside)
        if name == "nativeRank" and not self._matcher.terms:
            return np.zeros(len(self._rows))
        raise BadQuery(f"The stub does not compute the rank feature '{name}'")

    def _query(self, name: str) -> float:
        default = self._profile.inputs[name].default
        if name not in self._numbers and default is None:
            raise BadQuery(f"query({name}) has no value")
        return self._numbers[name] if name in self._numbers else float(default or 0.0)

    def _attribute(self, name: str) -> Values:
        column = self._store.columns[name]
        if not column.is_number:
            raise BadQuery(f"The stub does not compute attribute({name}) of text")
        return np.asarray(column.numbers[self._rows], np.float64)

    def _distance(self, field: str, *, closeness: bool) -> Values:
        if field not in self._matcher.nearest:
            return np.full(len(self._rows), 0.0 if closeness else NO_DISTANCE)
        filled = self._store.embeddings[field].filled[self._rows]
        distance = 1.0 - self._matcher.dots(field)[self._rows].astype(np.float64)
        if closeness:
            return np.where(filled, 1.0 / (1.0 + distance), 0.0)
        return np.where(filled, distance, NO_DISTANCE)

    def _bm25(self, field: str) -> Values:
        scores = np.zeros(self._matcher.count)
        for term, times in self._matcher.terms.items():
            if field in term.fields:
                self._add_term(scores, field, term.stems, times)
        return scores[self._rows]

    def _add_term(self, scores: Values, field: str, stems: tuple[str, ...], times: int) -> None:
        words = self._store.words[field]
        rows, often = words.occurrences(stems)
        if not len(rows):
            return
        found = words.documents(stems)
        lengths = words.lengths[rows] / words.average_length
        idf = np.log(1.0 + (len(self._store) - found + 0.5) / (found + 0.5))
        scores[rows] += times * idf * often * (K1 + 1) / (often + K1 * (1 - B + B * lengths))


def rank(
    store: Store, matcher: Matcher, profile: Profile, numbers: Mapping[str, float], keep: int
) -> tuple[Ranked, int]:
    """The best hits, and how many there are in all."""
    rows = matcher.rows()
    features = Features(store, matcher, profile, numbers, rows)
    scores = _first_phase(profile, features, len(rows))
    order = _best_first(store, rows, scores)
    order = order[: max(keep, profile.rerank_count if profile.global_phase else 0)]
    features, chosen, scores = features.within(order), rows[order], scores[order]
    if profile.global_phase:
        scores = _global_phase(profile, features, scores)
        order = _best_first(store, chosen, scores)
        features, chosen, scores = features.within(order), chosen[order], scores[order]
    shown = {name: features(name) for name in profile.match_features}
    return Ranked(chosen, scores, shown), len(rows)


def _first_phase(profile: Profile, features: Features, count: int) -> Values:
    if profile.first_phase:
        return np.broadcast_to(evaluate(profile.first_phase, features), (count,))
    return features("nativeRank") if profile.name == "default" else np.zeros(count)


def _global_phase(profile: Profile, features: Features, scores: Values) -> Values:
    """The window ranked anew; hits behind it are pushed below it if they would stand above."""
    assert profile.global_phase
    window = np.arange(min(profile.rerank_count, len(scores)))
    if not len(window):
        return scores
    final = np.broadcast_to(evaluate(profile.global_phase, features.within(window)), window.shape)
    return np.concatenate([final, _below(scores[window], final, scores[len(window) :])])


def _below(initial: Values, final: Values, rest: Values) -> Values:
    if initial.min() <= final.min():
        return rest
    scale = max(float(np.ptp(final)), 1.0) / max(float(np.ptp(initial)), 1.0)
    return np.asarray(rest * scale + (final.min() - initial.min() * scale))


def _best_first(store: Store, rows: Rows, scores: Values) -> NDArray[np.int64]:
    ties = store.columns[TIES].numbers[rows] if TIES in store.columns else rows
    return np.lexsort((ties, -np.nan_to_num(scores, nan=-np.inf)))


def sort_by(store: Store, rows: Rows, order_by: Sequence[tuple[str, bool]]) -> Rows:
    for field, descending in reversed(order_by):
        column = store.columns.get(field)
        if column is None:
            raise BadQuery(f"Cannot sort by '{field}': it is no attribute", 3)
        keys = column.sort_keys(rows)
        rows = rows[np.argsort(-keys if descending else keys, kind="stable")]
    return rows
