"""The embedded engine: LanceDB, one table a generation, exact vectors below 50,000 rows.

Queries are built as objects throughout, so no user text ever reaches a query parser.
"""

import functools
import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.expr import Expr, col, lit
from lancedb.index import FTS, HnswSq
from lancedb.query import BooleanQuery, MatchQuery, Occur, PhraseQuery

from search.engines.base import (
    FACET_FIELDS,
    BadQuery,
    Clause,
    Document,
    FeedError,
    Match,
    Scope,
    Unavailable,
    Vector,
)

STRING_FIELDS = (*FACET_FIELDS, "split")
# Below this an exact scan is both faster than a graph and perfect.
EXACT_BELOW = 50_000
ALL = 10_000_000


class LanceIndex:
    def __init__(self, table: Any, dimension: int) -> None:
        self._table = table
        self._dimension = dimension

    async def feed(self, documents: Sequence[Document]) -> None:
        rows = [_row(document, self._dimension) for document in documents]
        if not rows:
            return
        batch = pa.Table.from_pylist(rows, schema=_schema(self._dimension))
        merge = self._table.merge_insert("image_id")
        await merge.when_matched_update_all().when_not_matched_insert_all().execute(batch)

    async def settle(self) -> None:
        indices = {index.name for index in await self._table.list_indices()}
        if "caption_idx" not in indices:
            words = FTS(with_position=True, stem=True, remove_stop_words=False, ascii_folding=True)
            await self._table.create_index("caption", config=words)
        if "embedding_idx" not in indices and await self._table.count_rows() >= EXACT_BELOW:
            await self._table.create_index("embedding", config=HnswSq(distance_type="cosine"))
        await self._table.optimize()

    async def update(self, image_id: int, values: Mapping[str, str]) -> None:
        unknown = set(values) - {"caption", *STRING_FIELDS}
        if unknown:
            raise BadQuery(f"Documents have no field {sorted(unknown)[0]}.")
        where = (col("image_id") == lit(image_id)).to_sql()
        await self._table.update(dict(values), where=where)
        await self._table.optimize()

    async def remove(self, image_ids: Sequence[int]) -> None:
        if image_ids:
            await self._table.delete(_is_one_of(image_ids).to_sql())

    async def lexical(self, clauses: Sequence[Clause], scope: Scope, limit: int) -> list[Match]:
        return await self._words(clauses, await self._where(scope), limit)

    async def semantic(self, vector: Vector, scope: Scope, limit: int) -> list[Match]:
        if vector.shape != (self._dimension,):
            raise BadQuery(f"This index holds vectors of {self._dimension}, not {vector.shape}.")
        where = await self._where(scope)
        query = self._table.query().nearest_to(vector).distance_type("cosine")
        if where is not None:
            query = query.where(where)
        rows = await query.select(["image_id", "_distance"]).limit(limit).to_list()
        return _best_first([Match(row["image_id"], 1.0 - row["_distance"]) for row in rows])

    async def browse(self, scope: Scope, limit: int) -> list[int]:
        return sorted(await self._ids(await self._where(scope)))[:limit]

    async def bm25(self, clauses: Sequence[Clause], image_ids: Sequence[int]) -> dict[int, float]:
        if not image_ids:
            return {}
        found = await self._words(clauses, _is_one_of(image_ids), len(image_ids))
        return {match.image_id: match.score for match in found}

    async def embeddings(self, image_ids: Sequence[int]) -> dict[int, Vector]:
        if not image_ids:
            return {}
        query = self._table.query().where(_is_one_of(image_ids)).select(["image_id", "embedding"])
        rows = await query.to_list()
        return {row["image_id"]: np.asarray(row["embedding"], np.float32) for row in rows}

    async def count(self, scope: Scope) -> int:
        where = await self._where(scope)
        return int(await self._table.count_rows(where.to_sql() if where is not None else None))

    async def facet(self, field: str, scope: Scope) -> dict[str, int]:
        if field not in STRING_FIELDS:
            raise BadQuery(f"There is no facet {field}.")
        query = self._table.query()
        where = await self._where(scope.ignoring(field))
        if where is not None:
            query = query.where(where)
        values = (await query.select([field]).limit(ALL).to_arrow())[field].value_counts()
        return {v["values"]: v["counts"] for v in values.to_pylist() if v["values"]}

    async def image_ids(self) -> set[int]:
        return await self._ids(None)

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
        return _best_first([Match(row["image_id"], row["_score"]) for row in rows])

    async def _where(self, scope: Scope) -> Expr | None:
        """The scope as one expression; words in it are looked up first and become ids."""
        parts: list[Expr] = []
        for restriction in scope.restrictions:
            if restriction.field not in STRING_FIELDS:
                raise BadQuery(f"There is no filter {restriction.field}.")
            field = col(restriction.field)
            if restriction.any_of:
                parts.append(field.isin([lit(value) for value in restriction.any_of]))
            if restriction.none_of:
                parts.append(~field.isin([lit(value) for value in restriction.none_of]))
        for phrase in scope.phrases:
            parts.append(_is_one_of(await self._ids_with(phrase)))
        left_out = set(scope.without_ids)
        for phrase in scope.without:
            left_out |= await self._ids_with(phrase)
        if left_out:
            parts.append(~_is_one_of(sorted(left_out)))
        return functools.reduce(operator.and_, parts) if parts else None

    async def _ids_with(self, phrase: str) -> set[int]:
        query = self._table.query().nearest_to_text(PhraseQuery(phrase, "caption"))
        rows = await query.select(["image_id", "_score"]).limit(ALL).to_list()
        return {row["image_id"] for row in rows}

    async def _ids(self, where: Expr | None) -> set[int]:
        query = self._table.query()
        if where is not None:
            query = query.where(where)
        table = await query.select(["image_id"]).limit(ALL).to_arrow()
        return set(table["image_id"].to_pylist())


class LanceEngine:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def create(self, generation: str, dimension: int) -> LanceIndex:
        database = await self._connect()
        table = await database.create_table(generation, schema=_schema(dimension), exist_ok=True)
        return LanceIndex(table, dimension)

    async def open(self, generation: str) -> LanceIndex:
        database = await self._connect()
        if generation not in (await database.list_tables()).tables:
            raise Unavailable(f"The embedded index has no generation {generation}; build it again.")
        table = await database.open_table(generation)
        dimension = (await table.schema()).field("embedding").type.list_size
        return LanceIndex(table, dimension)

    async def drop(self, generation: str) -> None:
        database = await self._connect()
        await database.drop_table(generation, ignore_missing=True)

    async def health(self) -> str:
        database = await self._connect()
        return f"Embedded engine, {len((await database.list_tables()).tables)} generations."

    async def _connect(self) -> Any:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return await lancedb.connect_async(self._folder)
        except OSError as exc:
            raise Unavailable(f"The index folder cannot be opened: {exc.strerror}.") from exc


def _schema(dimension: int) -> pa.Schema:
    return pa.schema(
        [
            pa.field("image_id", pa.int64(), nullable=False),
            pa.field("caption", pa.string()),
            *(pa.field(name, pa.string()) for name in STRING_FIELDS),
            pa.field("embedding", pa.list_(pa.float32(), dimension)),
        ]
    )


def _row(document: Document, dimension: int) -> dict[str, Any]:
    vector = document.embedding
    length = float(np.linalg.norm(vector)) if vector.shape == (dimension,) else float("nan")
    if not abs(length - 1.0) < 1e-3:
        raise FeedError(
            f"Image {document.image_id}: the vector must have {dimension} numbers and length 1."
        )
    row: dict[str, Any] = {name: getattr(document, name) for name in STRING_FIELDS}
    return {
        **row,
        "image_id": document.image_id,
        "caption": document.caption,
        "embedding": vector,
    }


def _parts(clause: Clause) -> list[Any]:
    words: list[Any] = [MatchQuery(clause.text, "caption", boost=clause.weight)]
    if len(clause.text.split()) > 1:
        words.append(PhraseQuery(clause.text, "caption"))
    return words


def _is_one_of(image_ids: Any) -> Expr:
    return col("image_id").isin([lit(int(image_id)) for image_id in image_ids] or [lit(-1)])


def _best_first(matches: list[Match]) -> list[Match]:
    return sorted(matches, key=lambda match: (-match.score, match.image_id))
