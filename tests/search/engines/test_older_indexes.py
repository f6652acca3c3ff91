"""An embedded index that was built before documents had some of the fields that filter."""

import asyncio
from pathlib import Path

import lancedb
import numpy as np
import pytest

from search.engines.base import (
    BadQuery,
    Clause,
    Document,
    Generation,
    Restriction,
    Scope,
    Unavailable,
)
from search.engines.lance import LanceEngine

GENERATION = Generation(1)


def document(image_id: int, age: str = "") -> Document:
    return Document(
        image_id, "Chest x-ray of a child", collection="c", modality="x-ray", anatomy="chest",
        sex="", laterality="", year="", licence="", split="train", age=age, captioned="yes",
    )  # fmt: skip


async def older(folder: Path, *without: str) -> None:
    engine = LanceEngine(folder)
    index = await engine.create(GENERATION, 4)
    await index.feed([document(1), document(2)], np.eye(2, 4, dtype=np.float32))
    await index.settle()
    database = await lancedb.connect_async(folder)
    await (await database.open_table("generation_1")).drop_columns(list(without))


async def test_it_answers_as_before_and_takes_the_fields_when_it_is_repaired(
    tmp_path: Path,
) -> None:
    await older(tmp_path, "age", "captioned")
    index = await LanceEngine(tmp_path).open(GENERATION)
    assert {m.image_id for m in await index.lexical([Clause("child")], Scope(), 9)} == {1, 2}
    children = Scope((Restriction("age", any_of=("child",)),))
    assert await index.count(children) == 0
    assert (await index.facets(("age", "modality"), Scope())).values["age"] == {}
    await index.update([document(1, age="child")])
    assert (await index.facets(("age",), Scope())).values == {"age": {"child": 1}}
    assert await index.browse(children, 9) == [1]
    again = await LanceEngine(tmp_path).create(GENERATION, 4)
    await again.feed(
        [document(2, age="adult"), document(3, age="child")], np.eye(2, 4, 1, np.float32)
    )
    await again.settle()
    assert await again.browse(children, 9) == [1, 3]
    assert np.array_equal((await again.embeddings([2]))[2], [0, 1, 0, 0])
    with pytest.raises(BadQuery, match="vectors of 4, not 8"):
        await LanceEngine(tmp_path).create(GENERATION, 8)


async def test_two_that_open_it_at_once_both_get_it(tmp_path: Path) -> None:
    await older(tmp_path, "age")
    opened = await asyncio.gather(*(LanceEngine(tmp_path).open(GENERATION) for _ in range(4)))
    counts = await asyncio.gather(*(index.count(Scope()) for index in opened))
    assert counts == [2, 2, 2, 2]


async def test_without_a_field_that_is_searched_it_is_refused(tmp_path: Path) -> None:
    await older(tmp_path, "words_digest")
    with pytest.raises(Unavailable, match="words_digest; build it again"):
        await LanceEngine(tmp_path).open(GENERATION)
