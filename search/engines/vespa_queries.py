"""What Vespa is asked: query bodies, as data. Knows nothing of HTTP.

Words, phrases and filter values of a person go into parameters (`@name`), never into the query
language, and words only as words: Vespa would read more into `-word`, `field:word` or a quote.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from search.engines.base import (
    NEGATED_WEIGHT,
    Blend,
    Clause,
    Generation,
    Scope,
    Vector,
    check_fields,
)

Body = dict[str, Any]

# Explored in the graph beyond the wanted hits: more finds more and costs more (docs/vespa.md).
EXPLORE_MORE = 200
MOST_FACET_VALUES = 1000
# A clause stands in the query at most so often, however heavy it is.
MOST_REPEATS = 8
SELECT = "select * from image where"


def words_of(text: str) -> str:
    """The words of a text and nothing that a query parser could take for an operator.

    Letters with their marks, and digits; compatibility forms such as ½ become plain ones, as
    Vespa itself sees nothing in them.
    """
    plain = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c if _is_of_a_word(c) else " " for c in plain).split())


def _is_of_a_word(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LM" or category == "Nd"


def lexical(
    generation: Generation, clauses: Sequence[Clause], scope: Scope, limit: int
) -> Body | None:
    """BM25 over any of the words; None if there is no word at all."""
    question = _Question(generation)
    ranked = question.words(clauses, limit)
    if not ranked:
        return None
    return question.body(
        [*question.within(scope), _rank(ranked)], limit, "lexical", question.counting(clauses)
    )


def semantic(generation: Generation, vector: Vector, scope: Scope, limit: int, exact: bool) -> Body:
    question = _Question(generation)
    nearest = _nearest(generation, limit, exact)
    profile = f"semantic_{generation.slot}"
    inputs = {"input.query(q)": _numbers(vector)}
    return question.body([*question.within(scope), nearest], limit, profile, inputs)


def candidates(
    generation: Generation,
    image_ids: Sequence[int],
    clauses: Sequence[Clause],
    vector: Vector,
    blend: Blend,
) -> Body:
    """The pool, ranked by Vespa itself: words and vector only rank, the ids alone match."""
    question = _Question(generation)
    nearest = _nearest(generation, 1, exact=False)
    ranked = question.words(clauses, len(image_ids))
    profile = f"{'rrf' if blend.kind == 'rrf' else 'hybrid'}_{generation.slot}"
    # By rank, α only has to order equal values by the other leg, so it must not be at an end.
    alpha = 0.5 if blend.kind == "rrf" else blend.alpha
    inputs: Body = {"input.query(q)": _numbers(vector), "input.query(alpha)": alpha}
    return question.body(
        [*question.within(Scope()), _rank([_is_one_of(image_ids), nearest, *ranked])],
        len(image_ids),
        profile,
        {**inputs, **question.counting(clauses)},
    )


def browse(
    generation: Generation, scope: Scope, limit: int, by: str = "", descending: bool = False
) -> Body:
    check_fields([by] if by else [])
    question = _Question(generation)
    first = f"{by} {'desc' if descending else 'asc'}, " if by else ""
    tail = f"order by {first}image_id asc limit {limit}"
    return question.body(question.within(scope), limit, "unranked", tail=tail)


def facets(generation: Generation, fields: Sequence[str], scope: Scope) -> Body:
    """Counts of values, and the number of all documents, of a query that only filters."""
    check_fields(fields)
    groups = " ".join(
        f"all(group({field}) max({MOST_FACET_VALUES}) order(-count()) each(output(count())))"
        for field in fields
    )
    question = _Question(generation)
    tail = f"limit 0 | all({groups})" if groups else "limit 0"
    return question.body(question.within(scope), 0, "unranked", tail=tail)


def embeddings(generation: Generation, image_ids: Sequence[int]) -> Body:
    question = _Question(generation)
    where = [*question.within(Scope()), _is_one_of(image_ids)]
    summary = {"presentation.summary": f"vector_{generation.slot}"}
    return question.body(where, len(image_ids), "unranked", summary)


class _Question:
    """One query under construction; collects the parameters that its text refers to."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._parameters: dict[str, str] = {}

    def within(self, scope: Scope) -> list[str]:
        """The scope as conditions, none of which counts for ranking."""
        place = self._generation
        conditions = [f"generation_{place.slot} = {place.number}"]
        check_fields([restriction.field for restriction in scope.restrictions])
        for restriction in scope.restrictions:
            if restriction.any_of:
                conditions.append(_or(self._has(restriction.field, restriction.any_of)))
            conditions += [f"!({has})" for has in self._has(restriction.field, restriction.none_of)]
        for text in scope.phrases:
            conditions.append(self._phrase(text, "default", "ranked: false") or "image_id = -1")
        for text in scope.without:
            if phrase := self._phrase(text, "caption", "ranked: false"):
                conditions.append(f"!({phrase})")
        if scope.without_ids:
            conditions.append(f"!({_is_one_of(scope.without_ids)})")
        return conditions

    def words(self, clauses: Sequence[Clause], target: int) -> list[str]:
        """Any of the words, or words that count only together (match), then phrases (only rank).

        BM25 in Vespa knows no weights, so heavier clauses are repeated; the profile multiplies
        with the `unit` that one repetition stands for.
        """
        unit = _unit(clauses)
        given = [(words_of(clause.text), clause.weight, clause.together) for clause in clauses]
        field = "default" if _counts_denied(clauses) else "caption"
        whole = {text: weight for text, weight, together in given if together and " " in text}
        texts = [(text, weight) for text, weight, _ in given if text not in whole]
        repeated = [text for text, weight in texts for _ in range(_times(weight, unit)) if text]
        if not repeated:
            return []
        any_word = (
            f'({{grammar: "weakAnd", targetHits: {max(target, 1)}, defaultIndex: "default"}}'
            f"userInput({self._parameter('w', ' '.join(repeated))}))"
        )
        phrases = [
            phrase
            for text, _ in texts
            if " " in text and (phrase := self._phrase(text, field))
            for _ in range(_times(1.0, unit))
        ]
        together = [
            self._phrase(text, field)
            for text, weight in whole.items()
            for _ in range(_times(weight, unit))
        ]
        return [_or([any_word, *together]) if together else any_word, *phrases]

    @staticmethod
    def counting(clauses: Sequence[Clause]) -> Body:
        return {
            "input.query(unit)": _unit(clauses),
            "input.query(denied)": 1.0 if _counts_denied(clauses) else NEGATED_WEIGHT,
        }

    def body(
        self,
        conditions: Iterable[str],
        hits: int,
        profile: str,
        more: Mapping[str, Any] | None = None,
        *,
        tail: str = "",
    ) -> Body:
        return {
            "yql": " ".join([SELECT, " and ".join(conditions), tail]).strip(),
            "hits": hits,
            "ranking.profile": profile,
            "presentation.summary": "ids",
            "language": "en",
            **self._parameters,
            **(more or {}),
        }

    def _has(self, field: str, values: Sequence[str]) -> list[str]:
        return [f"{field} contains {self._parameter('v', _clean(value))}" for value in values]

    def _phrase(self, text: str, field: str, *annotations: str) -> str:
        words = words_of(text)
        if not words:
            return ""
        given = ", ".join(['grammar: "phrase"', f'defaultIndex: "{field}"', *annotations])
        return f"({{{given}}}userInput({self._parameter('p', words)}))"

    def _parameter(self, prefix: str, value: str) -> str:
        for name, known in self._parameters.items():
            if known == value and name.startswith(prefix):
                return f"@{name}"
        name = f"{prefix}{len(self._parameters)}"
        self._parameters[name] = value
        return f"@{name}"


def _unit(clauses: Sequence[Clause]) -> float:
    """The weight that one repetition stands for; a phrase's bonus always weighs 1."""
    return max(min([1.0, *(clause.weight for clause in clauses)]), 1.0 / MOST_REPEATS)


def _counts_denied(clauses: Sequence[Clause]) -> bool:
    return any(clause.denied for clause in clauses)


def _times(weight: float, unit: float) -> int:
    return min(max(round(weight / unit), 1), MOST_REPEATS)


def _rank(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"rank({', '.join(parts)})"


def _or(parts: Sequence[str]) -> str:
    return f"({' or '.join(parts)})"


def _nearest(generation: Generation, target: int, exact: bool) -> str:
    how = "approximate: false" if exact else f"hnsw.exploreAdditionalHits: {EXPLORE_MORE}"
    return f"({{targetHits: {target}, {how}}}nearestNeighbor(embedding_{generation.slot}, q))"


def _is_one_of(image_ids: Sequence[int]) -> str:
    pairs = ", ".join(f"[{int(image_id)}, 1]" for image_id in image_ids)
    return f"weightedSet(image_id, [{pairs}])"


def _numbers(vector: Vector) -> list[float]:
    """Eight digits say as much as the float32 did, in half the bytes."""
    rounded: list[float] = np.round(vector.astype(np.float64), 8).tolist()
    return rounded


def _clean(value: str) -> str:
    """What cannot be written as UTF-8 equals no stored value anyway."""
    return value.encode("utf-8", "replace").decode()
