"""What every engine must do, run on each engine there is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from search.engines.base import (
    BadQuery,
    Clause,
    Document,
    Engine,
    FeedError,
    Index,
    Restriction,
    Scope,
    Unavailable,
    Vector,
)
from search.engines.lance import LanceEngine

ENGINES: dict[str, Callable[[Path], Engine]] = {"lancedb": LanceEngine}
DIMENSION = 8
CAPTIONS = [
    "Chest x-ray with a pleural effusion",
    "Pleural thickening, effusion resolved",
    "CT of the abdomen with gallstones",
    "Patient's o'clock \"quoted\" AND OR NOT (weird) caption",
]


def unit(seed: int) -> Vector:
    vector = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def document(image_id: int, caption: str = "", **over: object) -> Document:
    values: dict[str, object] = {
        "image_id": image_id, "caption": caption, "collection": "c", "modality": "ct",
        "anatomy": "", "sex": "", "laterality": "", "year": "", "licence": "", "split": "train",
        "embedding": unit(image_id),
    }  # fmt: skip
    return Document(**{**values, **over})  # type: ignore[arg-type]


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    return ENGINES[request.param](tmp_path / "index")


@pytest.fixture
async def index(engine: Engine) -> Index:
    made = await engine.create("generation_1", DIMENSION)
    modalities = ["x-ray", "x-ray", "ct", "mri"]
    await made.feed(
        [
            document(number, caption, modality=modality, year=str(2010 + number))
            for number, (caption, modality) in enumerate(zip(CAPTIONS, modalities, strict=True), 1)
        ]
    )
    await made.settle()
    return made


def ids(matches: object) -> list[int]:
    return [match.image_id for match in matches]  # type: ignore[attr-defined]


async def test_words_match_by_any_and_a_phrase_ranks_first(index: Index) -> None:
    assert ids(await index.lexical([Clause("pleural effusion")], Scope(), 10)) == [1, 2]


async def test_words_match_by_their_stem(index: Index) -> None:
    assert ids(await index.lexical([Clause("gallstone")], Scope(), 10)) == [3]


async def test_a_heavier_clause_weighs_more(index: Index) -> None:
    clauses = [Clause("gallstones", 0.1), Clause("thickening", 2.0)]
    assert ids(await index.lexical(clauses, Scope(), 10)) == [2, 3]


async def test_the_nearest_vector_comes_first_with_its_cosine(index: Index) -> None:
    found = await index.semantic(unit(3), Scope(), 10)
    assert found[0].image_id == 3
    assert found[0].score == pytest.approx(1.0, abs=1e-5)
    expected = sorted(range(1, 5), key=lambda n: -float(unit(n) @ unit(3)))
    assert ids(found) == expected


async def test_filters_narrow_both_legs_before_the_limit(index: Index) -> None:
    scope = Scope((Restriction("modality", any_of=("ct", "mri")),))
    assert ids(await index.semantic(unit(1), scope, 1))[0] in {3, 4}
    assert ids(await index.lexical([Clause("pleural abdomen")], scope, 10)) == [3]


async def test_an_excluded_value_is_left_out(index: Index) -> None:
    scope = Scope((Restriction("modality", none_of=("x-ray",)),))
    assert set(ids(await index.semantic(unit(1), scope, 10))) == {3, 4}
    assert await index.count(scope) == 2


async def test_a_phrase_that_must_stand_there_and_one_that_must_not(index: Index) -> None:
    assert ids(await index.semantic(unit(1), Scope(phrases=("pleural effusion",)), 10)) == [1]
    assert set(ids(await index.semantic(unit(1), Scope(without=("effusion",)), 10))) == {3, 4}
    assert await index.semantic(unit(1), Scope(phrases=("no such words",)), 10) == []


async def test_left_out_images_are_never_found(index: Index) -> None:
    found = await index.semantic(unit(1), Scope(without_ids=(1,)), 10)
    assert set(ids(found)) == {2, 3, 4}


async def test_a_facet_counts_what_its_own_selection_hides(index: Index) -> None:
    scope = Scope((Restriction("modality", any_of=("ct",)), Restriction("year", ("2013", "2011"))))
    assert await index.facet("modality", scope) == {"ct": 1, "x-ray": 1}
    assert await index.facet("year", scope) == {"2013": 1}
    assert await index.facet("sex", scope) == {}


async def test_true_bm25_is_the_same_whoever_asks(index: Index) -> None:
    clauses = [Clause("pleural effusion")]
    found = {m.image_id: m.score for m in await index.lexical(clauses, Scope(), 10)}
    assert await index.bm25(clauses, [1, 2, 3]) == pytest.approx(found)


async def test_feeding_again_replaces_and_doubles_nothing(index: Index) -> None:
    await index.feed([document(1, "Now a mammogram"), document(5, "A fifth")])
    await index.settle()
    assert await index.image_ids() == {1, 2, 3, 4, 5}
    assert await index.count(Scope()) == 5
    assert ids(await index.lexical([Clause("mammogram")], Scope(), 10)) == [1]
    assert ids(await index.lexical([Clause("effusion")], Scope(), 10)) == [2]


async def test_an_update_changes_the_words_and_keeps_the_vector(index: Index) -> None:
    before = (await index.embeddings([2]))[2]
    await index.update(2, {"caption": "Coronal reformation", "modality": "mri"})
    assert ids(await index.lexical([Clause("coronal")], Scope(), 10)) == [2]
    assert ids(await index.lexical([Clause("thickening")], Scope(), 10)) == []
    assert await index.facet("modality", Scope()) == {"x-ray": 1, "ct": 1, "mri": 2}
    assert np.array_equal((await index.embeddings([2]))[2], before)


async def test_removed_documents_are_gone_from_both_legs(index: Index) -> None:
    await index.remove([1])
    assert 1 not in ids(await index.lexical([Clause("effusion")], Scope(), 10))
    assert 1 not in ids(await index.semantic(unit(1), Scope(), 10))
    await index.remove([])
    assert await index.image_ids() == {2, 3, 4}


async def test_browsing_goes_by_id(index: Index) -> None:
    assert await index.browse(Scope(), 3) == [1, 2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "'",
        '"',
        "\\",
        "AND",
        "NOT (",
        "o'clock",
        "a:b",
        "*",
        "?",
        "~",
        "🩻",
        "x" * 10_000,
        "'; DROP",
        " ",
    ],
)
async def test_any_text_is_only_words(index: Index, text: str) -> None:
    await index.lexical([Clause(text)], Scope(), 10)
    await index.count(Scope((Restriction("modality", any_of=(text,)),), phrases=(text,)))
    await index.count(Scope(without=(text,)))


async def test_a_vector_of_another_size_is_refused(index: Index) -> None:
    with pytest.raises(BadQuery):
        await index.semantic(np.ones(3, np.float32), Scope(), 10)


async def test_an_unknown_field_is_refused(index: Index) -> None:
    with pytest.raises(BadQuery):
        await index.count(Scope((Restriction("password", ("x",)),)))
    with pytest.raises(BadQuery):
        await index.facet("password", Scope())
    with pytest.raises(BadQuery):
        await index.update(1, {"password": "x"})


@pytest.mark.parametrize("bad", [np.zeros(8), np.full(8, np.nan), np.ones(8), np.ones(3) / 3**0.5])
async def test_a_vector_that_is_not_of_unit_length_is_refused(index: Index, bad: Vector) -> None:
    with pytest.raises(FeedError, match="Image 9"):
        await index.feed([document(9, embedding=bad.astype(np.float32))])
    assert 9 not in await index.image_ids()


async def test_a_generation_that_is_not_there_is_unavailable(engine: Engine) -> None:
    with pytest.raises(Unavailable):
        await engine.open("generation_9")


async def test_generations_do_not_see_each_other_and_can_be_dropped(
    engine: Engine, index: Index
) -> None:
    other = await engine.create("generation_2", DIMENSION)
    assert await other.count(Scope()) == 0
    await engine.drop("generation_2")
    await engine.drop("generation_2")
    with pytest.raises(Unavailable):
        await engine.open("generation_2")
    assert await index.count(Scope()) == 4


async def test_a_created_generation_goes_on_where_it_was(engine: Engine, index: Index) -> None:
    again = await engine.create("generation_1", DIMENSION)
    assert await again.image_ids() == {1, 2, 3, 4}
