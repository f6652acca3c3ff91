"""The embedded engine: LanceDB, one table a generation, exact vectors below 50,000 rows.

Queries are built as objects throughout, so no user text ever reaches a query parser.
"""

import functools
import operator
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.expr import Expr, col, lit
from lancedb.index import FTS, HnswSq
from lancedb.query import BooleanQuery, BoostQuery, MatchQuery, Occur, PhraseQuery

from search.engines.base import (
    FILTER_FIELDS,
    NEGATED_WEIGHT,
    BadQuery,
    Blend,
    Candidate,
    Clause,
    Counts,
    Document,
    Generation,
    Match,
    Rejected,
    Scope,
    Unavailable,
    Vector,
    Vectors,
    best_first,
    check_fields,
    fields_by_scope,
    split_by_length,
)

STRING_FIELDS = ("caption", "negated", *FILTER_FIELDS)
# Halves of a document's digest, so that an update of the words leaves the picture's alone.
DIGESTS = ("words_digest", "picture_digest")
TEXT_FIELDS = ("caption", "negated")
# As the other engine cuts and stems words; positions are for phrases.
WORDS = FTS(with_position=True, stem=True, remove_stop_words=False, ascii_folding=True)
# Below this an exact scan is both faster than a graph and perfect.
EXACT_BELOW = 50_000
ALL = 10_000_000


class LanceIndex:
    # It answers from all documents or not at all.
    coverage = 1.0

    def __init__(self, table: Any, dimension: int) -> None:
        self._table = table
        self.dimension = dimension

    async def feed(self, documents: Sequence[Document], vectors: Vectors) -> list[Rejected]:
        good, bad = split_by_length(documents, vectors, self.dimension)
        rows = [
            {**_row(document), "picture_digest": document.picture_digest, "embedding": vector}
            for document, vector in good
        ]
        if rows:
            batch = pa.Table.from_pylist(rows, schema=_schema(self.dimension))
            merge = self._table.merge_insert("image_id")
            await merge.when_matched_update_all().when_not_matched_insert_all().execute(batch)
        return bad

    async def settle(self) -> None:
        indices = {index.name for index in await self._table.list_indices()}
        for field in TEXT_FIELDS:
            if f"{field}_idx" not in indices:
                await self._table.create_index(field, config=WORDS)
        if "embedding_idx" not in indices and await self._table.count_rows() >= EXACT_BELOW:
            await self._table.create_index("embedding", config=HnswSq(distance_type="cosine"))
        await self._table.optimize()

    async def update(self, documents: Sequence[Document]) -> list[Rejected]:
        for document in documents:
            where = (col("image_id") == lit(document.image_id)).to_sql()
            await self._table.update(_row(document), where=where)
        await self._table.optimize()
        return []

    async def remove(self, image_ids: Sequence[int]) -> None:
        if image_ids:
            await self._table.delete(_is_one_of(image_ids).to_sql())

    async def lexical(self, clauses: Sequence[Clause], scope: Scope, limit: int) -> list[Match]:
        return await self._words(clauses, await self._where(scope), limit)

    async def semantic(
        self, vector: Vector, scope: Scope, limit: int, *, exact: bool = False
    ) -> list[Match]:
        if vector.shape != (self.dimension,):
            raise BadQuery(f"This index holds vectors of {self.dimension}, not {vector.shape}.")
        where = await self._where(scope)
        query = self._table.query().nearest_to(vector).distance_type("cosine")
        if exact:
            query = query.bypass_vector_index()
        if where is not None:
            query = query.where(where)
        rows = await query.select(["image_id", "_distance"]).limit(limit).to_list()
        return best_first([Match(row["image_id"], 1.0 - row["_distance"]) for row in rows])

    async def browse(
        self, scope: Scope, limit: int, *, by: str = "", descending: bool = False
    ) -> list[int]:
        check_fields([by] if by else [])
        query = self._table.query()
        where = await self._where(scope)
        if where is not None:
            query = query.where(where)
        names = [*([by] if by else []), "image_id"]
        table = await query.select(names).limit(ALL).to_arrow()
        ways = ["descending" if descending else "ascending", "ascending"][-len(names) :]
        found = table.sort_by(list(zip(names, ways, strict=True)))["image_id"]
        ids: list[int] = found.slice(0, limit).to_pylist()
        return ids

    async def candidates(
        self, image_ids: Sequence[int], clauses: Sequence[Clause], vector: Vector, blend: Blend
    ) -> list[Candidate]:
        if not image_ids:
            return []
        found = await self._words(clauses, _is_one_of(image_ids), len(image_ids))
        bm25 = {match.image_id: match.score for match in found}
        embeddings = await self.embeddings(image_ids)
        return [
            Candidate(image_id, bm25.get(image_id, 0.0), float(embedding @ vector))
            for image_id, embedding in embeddings.items()
        ]

    async def embeddings(self, image_ids: Sequence[int]) -> dict[int, Vector]:
        if not image_ids:
            return {}
        query = self._table.query().where(_is_one_of(image_ids)).select(["image_id", "embedding"])
        rows = await query.to_list()
        return {row["image_id"]: np.asarray(row["embedding"], np.float32) for row in rows}

    async def count(self, scope: Scope) -> int:
        where = await self._where(scope)
        return int(await self._table.count_rows(where.to_sql() if where is not None else None))

    async def facets(self, fields: Sequence[str], scope: Scope) -> Counts:
        check_fields(fields)
        values: dict[str, dict[str, int]] = {}
        totals = []
        for together, seen in fields_by_scope(fields, scope):
            total, found = await self._values(together, seen)
            totals.append(total)
            values |= found
        return Counts(totals[0], values)

    async def digests(self) -> dict[int, str]:
        query = self._table.query().select(["image_id", *DIGESTS])
        rows = (await query.limit(ALL).to_arrow()).to_pylist()
        return {row["image_id"]: f"{row['picture_digest']}-{row['words_digest']}" for row in rows}

    async def _values(
        self, fields: list[str], scope: Scope
    ) -> tuple[int, dict[str, dict[str, int]]]:
        """How many documents lie in the scope, and how many of them have each value."""
        query = self._table.query()
        where = await self._where(scope)
        if where is not None:
            query = query.where(where)
        table = await query.select(["image_id", *fields]).limit(ALL).to_arrow()
        counted = {field: table[field].value_counts().to_pylist() for field in fields}
        return table.num_rows, {
            field: {v["values"]: v["counts"] for v in values if v["values"]}
            for field, values in counted.items()
        }

    async def _words(
        self, clauses: Sequence[Clause], where: Expr | None, limit: int
    ) -> list[Match]:
        parts = [(Occur.SHOULD, part) for clause in clauses for part in _parts(clause)]
        if not parts:
            return []
        query = self._table.query().nearest_to_text(BooleanQuery(parts))
        if where is not None:
            query = query.where(where)
        rows = await query.select(["image_id", "_score"]).limit(limit).to_list()
        return best_first([Match(row["image_id"], row["_score"]) for row in rows])

    async def _where(self, scope: Scope) -> Expr | None:
        """The scope as one expression; words in it are looked up first and become ids."""
        parts: list[Expr] = []
        check_fields([restriction.field for restriction in scope.restrictions])
        for restriction in scope.restrictions:
            field = col(restriction.field)
            if restriction.any_of:
                parts.append(field.isin([lit(value) for value in restriction.any_of]))
            if restriction.none_of:
                parts.append(~field.isin([lit(value) for value in restriction.none_of]))
        for phrase in scope.phrases:
            parts.append(_is_one_of(await self._ids_with(phrase, TEXT_FIELDS)))
        left_out = set(scope.without_ids)
        for phrase in scope.without:
            left_out |= await self._ids_with(phrase, ("caption",))
        if left_out:
            parts.append(~_is_one_of(sorted(left_out)))
        return functools.reduce(operator.and_, parts) if parts else None

    async def _ids_with(self, phrase: str, fields: Sequence[str]) -> set[int]:
        found: set[int] = set()
        for field in fields:
            query = self._table.query().nearest_to_text(PhraseQuery(phrase, field))
            rows = await query.select(["image_id", "_score"]).limit(ALL).to_list()
            found |= {row["image_id"] for row in rows}
        return found


class LanceEngine:
    name = "lancedb"
    slots: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def create(self, generation: Generation, dimension: int) -> LanceIndex:
        database = await self._connect()
        name = _table(generation)
        if name in (await database.list_tables()).tables:
            # A build that goes on, or one of before a field came, whose columns stand otherwise.
            there = await self.open(generation)
            if there.dimension != dimension:
                held = there.dimension
                raise BadQuery(f"The index {name} holds vectors of {held}, not {dimension}.")
            return there
        table = await database.create_table(name, schema=_schema(dimension), exist_ok=True)
        return LanceIndex(table, dimension)

    async def open(self, generation: Generation) -> LanceIndex:
        database = await self._connect()
        name = _table(generation)
        if name not in (await database.list_tables()).tables:
            raise Unavailable(f"The embedded index has no {name}; build it again.")
        table = await database.open_table(name)
        schema = await table.schema()
        missing = {*STRING_FIELDS, *DIGESTS} - set(schema.names)
        if missing - set(FILTER_FIELDS):
            raise Unavailable(
                f"The embedded index of {name} was built before documents had the field "
                f"{min(missing)}; build it again."
            )
        if missing:
            await _add_empty(table, missing)
        return LanceIndex(table, schema.field("embedding").type.list_size)

    async def drop(self, generation: Generation) -> None:
        database = await self._connect()
        await database.drop_table(_table(generation), ignore_missing=True)

    async def health(self) -> str:
        database = await self._connect()
        return f"Embedded engine, {len((await database.list_tables()).tables)} generations."

    def close(self) -> None:
        """Nothing is held between calls."""

    async def _connect(self) -> Any:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return await lancedb.connect_async(self._folder)
        except OSError as exc:
            raise Unavailable(f"The index folder cannot be opened: {exc.strerror}.") from exc


async def _add_empty(table: Any, fields: Collection[str]) -> None:
    """So that an index of before a field came answers as before, until it is built or repaired."""
    try:
        await table.add_columns(dict.fromkeys(fields, "''"))
    except (RuntimeError, ValueError):
        await table.checkout_latest()
        if set(fields) - set((await table.schema()).names):
            raise


def _table(generation: Generation) -> str:
    return f"generation_{generation.number}"


def _schema(dimension: int) -> pa.Schema:
    return pa.schema(
        [
            pa.field("image_id", pa.int64(), nullable=False),
            *(pa.field(name, pa.string()) for name in (*STRING_FIELDS, *DIGESTS)),
            pa.field("embedding", pa.list_(pa.float32(), dimension)),
        ]
    )


def _row(document: Document) -> dict[str, Any]:
    """Everything but what belongs to the picture."""
    strings = {name: getattr(document, name) for name in (*STRING_FIELDS, "words_digest")}
    return {"image_id": document.image_id, **strings}


def _parts(clause: Clause) -> list[Any]:
    """What is denied counts a little; only what is asserted earns the phrase's bonus."""
    several = len(clause.text.split()) > 1
    in_full = TEXT_FIELDS if clause.denied else ("caption",)
    if several and clause.together:
        return [_weighed(PhraseQuery(clause.text, field), clause.weight) for field in in_full]
    share = 1.0 if clause.denied else NEGATED_WEIGHT
    words: list[Any] = [
        MatchQuery(clause.text, "caption", boost=clause.weight),
        MatchQuery(clause.text, "negated", boost=clause.weight * share),
    ]
    if several:
        words += [PhraseQuery(clause.text, field) for field in in_full]
    return words


def _weighed(query: Any, weight: float) -> Any:
    """LanceDB gives a phrase no weight of its own, so it loses a part of itself (weight ≤ 1)."""
    return BoostQuery(query, query, negative_boost=1 - min(weight, 1.0))


def _is_one_of(image_ids: Any) -> Expr:
    return col("image_id").isin([lit(int(image_id)) for image_id in image_ids] or [lit(-1)])
