"""What every engine must do, run on each engine there is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.engines.base import (
    BadQuery,
    Blend,
    Clause,
    Document,
    Engine,
    Generation,
    Index,
    Restriction,
    Scope,
    Unavailable,
    Vector,
    Vectors,
)
from search.engines.lance import LanceEngine
from search.engines.vespa import VespaEngine
from search.fusion import fuse

DIMENSION = 8
FIRST, SECOND = Generation(1, "a"), Generation(2, "b")
# Stored vectors may be rounded to bfloat16.
ROUNDING = 4e-3
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
    }  # fmt: skip
    return Document(**{**values, **over})  # type: ignore[arg-type]


@pytest.fixture(params=["lancedb", "stub", pytest.param("vespa", marks=pytest.mark.vespa)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """LanceDB always, the contract stub always, a real Vespa where VESPA_URL names one."""
    made: Engine
    if request.param == "lancedb":
        made = LanceEngine(tmp_path / "index")
    else:
        server = request.getfixturevalue(f"{request.param}_of_eight")
        made = VespaEngine(server.url, timeout=5.0)
    yield made
    made.close()


def vectors(*image_ids: int) -> Vectors:
    return np.stack([unit(image_id) for image_id in image_ids])


@pytest.fixture
async def index(engine: Engine) -> Index:
    made = await engine.create(FIRST, DIMENSION)
    modalities = ["x-ray", "x-ray", "ct", "mri"]
    documents = [
        document(number, caption, modality=modality, year=str(2010 + number))
        for number, (caption, modality) in enumerate(zip(CAPTIONS, modalities, strict=True), 1)
    ]
    assert await made.feed(documents, vectors(1, 2, 3, 4)) == []
    await made.settle()
    return made


def ids(matches: object) -> list[int]:
    return [match.image_id for match in matches]  # type: ignore[attr-defined]


async def test_words_match_by_any_and_a_phrase_ranks_first(index: Index) -> None:
    assert ids(await index.lexical([Clause("pleural effusion")], Scope(), 10)) == [1, 2]


async def test_words_that_count_only_together_match_as_a_phrase_or_not_at_all(
    index: Index,
) -> None:
    clauses = [Clause("gallstones"), Clause("pleural effusion", together=True)]
    assert set(ids(await index.lexical(clauses, Scope(), 10))) == {1, 3}


async def test_words_that_count_only_together_weigh_as_much_as_they_are_given(index: Index) -> None:
    for weight, first in ((0.125, 3), (1.0, 1)):
        clauses = [Clause("gallstones", 0.5), Clause("pleural effusion", weight, together=True)]
        assert ids(await index.lexical(clauses, Scope(), 10))[0] == first


async def test_words_match_by_their_stem(index: Index) -> None:
    assert ids(await index.lexical([Clause("gallstone")], Scope(), 10)) == [3]


async def test_a_heavier_clause_weighs_more(index: Index) -> None:
    clauses = [Clause("gallstones", 0.1), Clause("thickening", 2.0)]
    assert ids(await index.lexical(clauses, Scope(), 10)) == [2, 3]


async def test_the_nearest_vector_comes_first_with_its_cosine(index: Index) -> None:
    found = await index.semantic(unit(3), Scope(), 10)
    assert found[0].image_id == 3
    assert found[0].score == pytest.approx(1.0, abs=ROUNDING)
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
    counts = await index.facets(("modality", "year", "sex"), scope)
    assert counts.values == {"modality": {"ct": 1, "x-ray": 1}, "year": {"2013": 1}, "sex": {}}
    assert counts.total == await index.count(scope) == 1
    alone = await index.facets(("modality",), Scope((Restriction("modality", ("ct",)),)))
    assert (alone.total, alone.values) == (1, {"modality": {"x-ray": 2, "ct": 1, "mri": 1}})


async def test_candidates_have_their_true_scores_whoever_found_them(index: Index) -> None:
    clauses = [Clause("pleural effusion"), Clause("abdomen", 0.5)]
    lexical = {m.image_id: m.score for m in await index.lexical(clauses, Scope(), 10)}
    semantic = {m.image_id: m.score for m in await index.semantic(unit(9), Scope(), 10)}
    for blend in (Blend(), Blend("rrf")):
        pool = await index.candidates([1, 2, 3, 4], clauses, unit(9), blend)
        bm25 = {candidate.image_id: candidate.bm25 for candidate in pool}
        assert bm25 == pytest.approx({4: 0.0} | lexical, abs=1e-5)
        cosine = {candidate.image_id: candidate.cosine for candidate in pool}
        assert cosine == pytest.approx(semantic, abs=1e-5)
    assert await index.candidates([], clauses, unit(9), Blend()) == []


async def test_an_engine_that_ranks_the_pool_itself_ranks_it_by_the_one_formula(
    index: Index,
) -> None:
    clauses = [Clause("pleural effusion"), Clause("abdomen", 0.5)]
    for blend in (Blend(alpha=0.3), Blend("rrf")):
        pool = await index.candidates([1, 2, 3, 4], clauses, unit(9), blend)
        own = {hit.image_id: hit.score for hit in fuse(pool, [], [], blend)}
        given = {c.image_id: c.score for c in pool if c.score is not None}
        assert given == pytest.approx({i: own[i] for i in given}, abs=1e-6)


async def test_words_that_a_caption_denies_rank_below_those_it_asserts(index: Index) -> None:
    denying = document(5, "Chest x-ray", negated="pleural effusion")
    await index.feed([denying], vectors(5))
    await index.settle()
    found = await index.lexical([Clause("pleural effusion")], Scope(), 10)
    assert ids(found) == [1, 2, 5]
    assert found[2].score < found[1].score / 2
    assert 5 in ids(await index.semantic(unit(1), Scope(without=("pleural effusion",)), 10))
    assert set(ids(await index.semantic(unit(1), Scope(phrases=("effusion",)), 10))) == {1, 2, 5}


async def test_words_that_a_caption_denies_count_in_full_where_that_is_asked_for(
    index: Index,
) -> None:
    denying = document(5, "Chest x-ray", negated="pleural effusion")
    await index.feed([denying], vectors(5))
    await index.settle()
    words = Clause("pleural effusion")
    for clauses in ([words], [Clause("abdomen"), replace(words, together=True)]):
        level = [replace(clause, denied=True) for clause in clauses]
        before = {m.image_id: m.score for m in await index.lexical(clauses, Scope(), 10)}
        after = {m.image_id: m.score for m in await index.lexical(level, Scope(), 10)}
        assert after[5] > 10 * before.get(5, 0.0)
        assert after == pytest.approx({**before, 5: after[5]})
        pool = await index.candidates([1, 2, 3, 5], level, unit(1), Blend())
        found = {c.image_id: c.bm25 for c in pool if c.bm25}
        assert found == pytest.approx(after, abs=1e-5)


async def test_an_exact_search_finds_the_same_as_one_by_graph(index: Index) -> None:
    exact = await index.semantic(unit(2), Scope(), 10, exact=True)
    assert ids(exact) == ids(await index.semantic(unit(2), Scope(), 10))


async def test_feeding_again_replaces_and_doubles_nothing(index: Index) -> None:
    await index.feed([document(1, "Now a mammogram"), document(5, "A fifth")], vectors(1, 5))
    await index.settle()
    assert set(await index.digests()) == {1, 2, 3, 4, 5}
    assert await index.count(Scope()) == 5
    assert ids(await index.lexical([Clause("mammogram")], Scope(), 10)) == [1]
    assert ids(await index.lexical([Clause("effusion")], Scope(), 10)) == [2]


async def test_an_update_changes_the_words_and_keeps_the_vector(index: Index) -> None:
    before = (await index.embeddings([2]))[2]
    assert await index.update([document(2, "Coronal reformation", modality="mri")]) == []
    assert ids(await index.lexical([Clause("coronal")], Scope(), 10)) == [2]
    assert ids(await index.lexical([Clause("thickening")], Scope(), 10)) == []
    counts = await index.facets(("modality",), Scope())
    assert counts.values == {"modality": {"x-ray": 1, "ct": 1, "mri": 2}}
    assert np.array_equal((await index.embeddings([2]))[2], before)


async def test_removed_documents_are_gone_from_both_legs(index: Index) -> None:
    await index.remove([1])
    assert 1 not in ids(await index.lexical([Clause("effusion")], Scope(), 10))
    assert 1 not in ids(await index.semantic(unit(1), Scope(), 10))
    await index.remove([])
    assert set(await index.digests()) == {2, 3, 4}


async def test_digests_tell_a_changed_caption_from_a_changed_picture(index: Index) -> None:
    before = await index.digests()
    assert before[1] == document(1, CAPTIONS[0], modality="x-ray", year="2011").digest
    await index.update([document(1, "Another caption")])
    await index.feed([document(2, CAPTIONS[1], picture="f" * 64)], vectors(2))
    after = await index.digests()
    assert after[1].split("-")[0] == before[1].split("-")[0]
    assert after[1] != before[1]
    assert after[2].startswith("f" * 16)


async def test_browsing_by_a_field_goes_by_it_and_then_by_id(index: Index) -> None:
    assert await index.browse(Scope(), 3, by="year", descending=True) == [4, 3, 2]
    assert await index.browse(Scope(), 9, by="modality") == [3, 4, 1, 2]
    assert await index.browse(Scope(), 9, by="modality", descending=True) == [1, 2, 4, 3]
    with pytest.raises(BadQuery):
        await index.browse(Scope(), 3, by="caption")


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
        "½ ² ①",
        "Me\u0301nie\u0300re",
        "\u0e2d\u0e31\u0e01",
        "word " * 5_000,
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
        await index.facets(("password",), Scope())


@pytest.mark.parametrize("bad", [np.zeros(8), np.full(8, np.nan), np.ones(8)])
async def test_a_vector_that_is_not_of_unit_length_is_refused_and_the_others_are_taken(
    index: Index, bad: Vector
) -> None:
    rejected = await index.feed(
        [document(9), document(8)], np.stack([bad.astype(np.float32), unit(8)])
    )
    assert [one.image_id for one in rejected] == [9]
    assert "length 1" in rejected[0].reason
    assert set(await index.digests()) == {1, 2, 3, 4, 8}


async def test_a_generation_that_is_not_there_is_unavailable(engine: Engine) -> None:
    with pytest.raises(Unavailable):
        await engine.open(Generation(9, "b"))


async def test_generations_do_not_see_each_other_and_can_be_dropped(
    engine: Engine, index: Index
) -> None:
    other = await engine.create(SECOND, DIMENSION)
    assert await other.count(Scope()) == 0
    await other.feed([document(1, CAPTIONS[0]), document(7, "Only here")], vectors(3, 7))
    await other.settle()
    assert ids(await other.semantic(unit(3), Scope(), 1)) == [1]
    assert ids(await index.semantic(unit(3), Scope(), 1)) == [3]
    assert set(await index.digests()) == {1, 2, 3, 4}
    await engine.drop(SECOND)
    await engine.drop(SECOND)
    with pytest.raises(Unavailable):
        await engine.open(SECOND)
    assert await index.count(Scope()) == 4


async def test_what_an_older_generation_left_in_a_place_is_never_found(
    engine: Engine, index: Index
) -> None:
    newer = await engine.create(Generation(3, "a"), DIMENSION)
    await newer.feed([document(2, "Pleural rub")], vectors(4))
    await newer.settle()
    assert set(await newer.digests()) == {2}
    assert ids(await newer.semantic(unit(1), Scope(), 10)) == [2]
    assert ids(await newer.lexical([Clause("pleural")], Scope(), 10)) == [2]


async def test_each_generation_knows_the_picture_that_its_own_vector_was_made_of(
    engine: Engine, index: Index
) -> None:
    await index.feed([document(1, CAPTIONS[0], picture="a" * 64)], vectors(1))
    other = await engine.create(SECOND, DIMENSION)
    await other.feed([document(1, CAPTIONS[0], picture="b" * 64)], vectors(3))
    assert (await index.digests())[1].startswith("a" * 16)
    assert (await other.digests())[1].startswith("b" * 16)
    await index.update([document(1, "Other words", picture="c" * 64)])
    assert (await index.digests())[1].startswith("a" * 16)


async def test_a_created_generation_goes_on_where_it_was(engine: Engine, index: Index) -> None:
    again = await engine.create(FIRST, DIMENSION)
    assert set(await again.digests()) == {1, 2, 3, 4}


async def test_a_healthy_engine_says_so_in_a_sentence(engine: Engine, index: Index) -> None:
    assert (await engine.health()).endswith(".")
    assert index.coverage == 1.0
