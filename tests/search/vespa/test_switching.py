"""Two settings switch the product over; what worked on the embedded engine works on Vespa."""

from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from ingest.models import Image
from jobs.running import run
from search import wire
from search.engine import engine
from search.engines.base import EngineError
from search.indexing import build_index
from search.models import IndexBuild, LiveIndex
from search.reconciling import compare, repair
from search.retrieval import LegHits, retrieve
from search.tasks import clear_index_build
from search.understanding.state import Filter, ImageReference, Phrase, QueryState
from tests.search.test_folding import check_copies_share_a_place
from tests.vespa_stub.server import StubServer
from training.models import Checkpoint

pytestmark = pytest.mark.django_db(transaction=True)

EFFUSION = QueryState(phrases=(Phrase("pleural effusion"),))


def events(state: QueryState, build: IndexBuild | None) -> list[Any]:
    async def collect() -> list[Any]:
        return [event async for event in retrieve(state, build)]

    return async_to_sync(collect)()


def names(state: QueryState, build: IndexBuild, images: dict[str, Any]) -> list[str]:
    by_id = {image.pk: name for name, image in images.items()}
    return [by_id[hit.image_id] for hit in events(state, build)[-1].hits]


def test_a_build_is_verified_and_answers_from_vespa(
    vespa_build: IndexBuild, stub: StubServer
) -> None:
    assert (vespa_build.engine, vespa_build.slot, vespa_build.documents) == ("vespa", "a", 8)
    assert vespa_build.verification["recall_at_10"] == 1.0
    assert LiveIndex.current() == vespa_build
    legs = [e.leg for e in events(EFFUSION, vespa_build) if isinstance(e, LegHits)]
    assert legs == ["lexical", "semantic", "fused"]
    profiles = {asked.get("ranking.profile") for asked in stub.requests.searches}
    assert {"lexical", "semantic_a", "hybrid_a"} <= profiles


def test_words_filters_examples_and_exclusions_hold_there(
    vespa_build: IndexBuild, images: dict[str, Any]
) -> None:
    lexical = replace(EFFUSION, mode="lexical")
    assert names(lexical, vespa_build, images) == ["effusion", "clear"]
    chest = QueryState(phrases=(Phrase("chest"), Phrase("pleural effusion", excluded=True)))
    assert "effusion" not in names(chest, vespa_build, images)
    assert "clear" in names(chest, vespa_build, images)
    mri = QueryState(filters=(Filter("modality", included=("mri",)),))
    assert names(mri, vespa_build, images) == ["knee", "brain"]
    like = QueryState(images=(ImageReference(images["knee"].pk),))
    assert len(names(like, vespa_build, images)) == 7
    quoted = QueryState(phrases=(Phrase("renal calculus", quoted=True),))
    assert names(quoted, vespa_build, images) == ["stone"]


def test_the_api_pages_without_gaps_or_doubles(vespa_build: IndexBuild) -> None:
    whole = async_to_sync(wire.answer)(EFFUSION, vespa_build, limit=100)["hits"]
    pages = [
        async_to_sync(wire.answer)(EFFUSION, vespa_build, offset=o, limit=3)["hits"]
        for o in (0, 3, 6)
    ]
    assert [hit for page in pages for hit in page] == whole
    assert len(whole) == 8


def test_copies_share_a_place_there_too(vespa_build: IndexBuild, images: dict[str, Any]) -> None:
    check_copies_share_a_place(vespa_build, images)


@pytest.mark.parametrize(("words", "well"), [("torn meniscus", 1), ("chocolate cake", 0)])
def test_what_matches_well_there_is_what_does_so_here(
    vespa_build: IndexBuild, words: str, well: int
) -> None:
    state = QueryState(phrases=(Phrase(words),), alpha=0.3)
    answer = async_to_sync(wire.answer)(state, vespa_build)
    assert (answer["strong"], answer["ranked"]) == (well, 8)
    assert [hit["weak"] for hit in answer["hits"]] == [rank >= well for rank in range(8)]


@pytest.mark.parametrize("fusion", ["linear", "rrf"])
def test_the_parts_that_are_shown_add_up_to_what_vespa_ranked_by(
    vespa_build: IndexBuild, fusion: str
) -> None:
    state = replace(EFFUSION, fusion=fusion, alpha=0.3)
    hits = events(state, vespa_build)[-1].hits
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        assert hit.bm25_part + hit.cosine_part == pytest.approx(hit.score, abs=1e-6)


def test_alpha_at_its_ends_is_one_leg(vespa_build: IndexBuild, images: dict[str, Any]) -> None:
    for alpha, mode in ((0.0, "lexical"), (1.0, "semantic")):
        ends = names(replace(EFFUSION, alpha=alpha), vespa_build, images)
        assert ends == names(replace(EFFUSION, mode=mode), vespa_build, images)


def test_a_caption_that_changed_is_found_without_encoding_again(
    vespa_build: IndexBuild, images: dict[str, Any], stub: StubServer
) -> None:
    Image.objects.filter(pk=images["knee"].pk).update(caption_clean="Dislocated patella")
    images["colon"].delete()
    difference = compare(vespa_build)
    assert (difference.stale_words, len(difference.extra)) == ((images["knee"].pk,), 1)
    assert repair(vespa_build, difference, lambda done, total: None) == []
    assert not compare(vespa_build)
    assert len(stub.store) == 7
    state = QueryState(phrases=(Phrase("patella"),), mode="lexical")
    assert names(state, vespa_build, images) == ["knee"]


def test_the_next_build_fills_the_other_slot_and_one_row_goes_back(
    vespa_build: IndexBuild, checkpoint: Checkpoint, stub: StubServer
) -> None:
    second = IndexBuild.objects.create(checkpoint=checkpoint)
    run(second, build_index)
    second.refresh_from_db()
    assert second.slot == "b"
    assert LiveIndex.current() == second
    assert len(stub.store) == 8
    vespa_build.promote()
    assert LiveIndex.current() == vespa_build
    assert events(EFFUSION, vespa_build)[-1].total == 8
    second.forget_documents()
    async_to_sync(engine().drop)(second.generation)
    assert not async_to_sync(
        async_to_sync(engine().create)(second.generation, checkpoint.dimension).digests
    )()
    assert events(EFFUSION, vespa_build)[-1].total == 8


def test_a_build_that_cannot_start_leaves_the_one_to_go_back_to(
    vespa_build: IndexBuild, checkpoint: Checkpoint, stub: StubServer
) -> None:
    earlier = IndexBuild.objects.create(checkpoint=checkpoint, promote_when_done=False)
    run(earlier, build_index)
    third = IndexBuild.objects.create(checkpoint=checkpoint)
    stub.faults.add("search", "400", times=1, within="semantic_b")
    with pytest.raises(EngineError, match="vespa_deploy --checkpoint"):
        run(third, build_index)
    earlier.refresh_from_db()
    assert (earlier.slot, earlier.can_answer) == ("b", True)
    earlier.promote()
    assert events(EFFUSION, earlier)[-1].total == 8


def test_an_image_that_changed_while_a_build_was_interrupted_is_fed_again(
    stub: StubServer, images: dict[str, Any], checkpoint: Checkpoint
) -> None:
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    stub.faults.add("search", "503", times=None, within="approximate: false")
    with pytest.raises(EngineError):
        run(job, build_index)
    Image.objects.filter(pk=images["knee"].pk).update(caption_clean="Dislocated patella")
    stub.faults.clear()
    job.enqueue()
    run(job, build_index)
    assert LiveIndex.current() == job
    assert not compare(job)


def test_a_cancelled_build_can_be_cleared_and_one_that_was_started_again_is_not(
    vespa_build: IndexBuild, checkpoint: Checkpoint, stub: StubServer
) -> None:
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    stub.faults.add("search", "503", times=None, within="approximate: false")
    with pytest.raises(EngineError):
        run(job, build_index)
    stub.faults.clear()
    job.refresh_from_db()
    assert job.may_be_cleared
    job.clear()
    job.enqueue()
    clear_index_build(job.pk)
    job.refresh_from_db()
    assert job.slot == "b"
    run(job, build_index)
    assert LiveIndex.current() == job
    clear_index_build(job.pk)
    assert not compare(job)


def test_an_interrupted_build_goes_on_where_it_stopped(
    stub: StubServer, images: dict[str, Any], checkpoint: Checkpoint
) -> None:
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    stub.faults.add("/document/v1/clipsite/image/docid/", "400", times=3)
    with pytest.raises(Exception, match="3 of 8 images were refused"):
        run(job, build_index)
    assert job.rejections.count() == 3
    assert "400" in str(job.rejections.first())
    stub.requests.clear()
    job.enqueue()
    run(job, build_index)
    job.refresh_from_db()
    assert (job.status, job.slot, job.documents) == ("succeeded", "a", 8)
    assert not compare(job)


def test_readiness_and_the_page_work_there(vespa_build: IndexBuild, editor: Any) -> None:
    client = Client()
    client.force_login(editor)
    assert client.get("/readyz").status_code == 200
    page = client.get("/search", {"q": "gallstones"}).content.decode()
    assert "<mark>gallstones</mark>" in page
