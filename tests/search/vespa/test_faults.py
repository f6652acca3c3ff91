"""Whatever Vespa does, a search ends in an answer or a sentence, and no document is lost."""

import logging
import time
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from jobs.running import run
from search.engine import engine
from search.engines import vespa_http
from search.engines.base import (
    BadQuery,
    Blend,
    EngineError,
    FeedError,
    Full,
    Scope,
    Timeout,
    Unavailable,
)
from search.engines.vespa import VespaEngine
from search.indexing import build_index
from search.models import IndexBuild, LiveIndex
from search.reconciling import compare, repair
from search.retrieval import Finished, LegHits, retrieve
from search.understanding.state import Phrase, QueryState
from tests.vespa_stub.server import StubServer
from training.models import Checkpoint

pytestmark = pytest.mark.django_db(transaction=True)

EFFUSION = QueryState(phrases=(Phrase("pleural effusion"),))
DOCUMENTS = "/document/v1/clipsite/image/docid/"
LEGS = ["lexical", "semantic", "fused"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vespa_http, "PATIENCE", 3.0)
    monkeypatch.setattr(vespa_http, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(vespa_http, "FEED_TIMEOUT", 2.0)


@pytest.fixture
def browser(editor: Any) -> Client:
    client = Client()
    client.force_login(editor)
    return client


def events(build: IndexBuild) -> list[Any]:
    async def collect() -> list[Any]:
        return [event async for event in retrieve(EFFUSION, build)]

    return async_to_sync(collect)()


def legs(got: list[Any]) -> list[str]:
    return [event.leg for event in got if isinstance(event, LegHits)]


def opened(build: IndexBuild) -> None:
    """So that a fault strikes the search and not the look whether the generation is there."""
    async_to_sync(engine().open)(build.generation)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("400", BadQuery),
        ("404", Unavailable),
        ("429", Unavailable),
        ("500", Unavailable),
        ("503", Unavailable),
        ("504", Timeout),
        ("507", Full),
        ("reset", Unavailable),
        ("truncated", Unavailable),
        ("html", Unavailable),
        ("slow", Timeout),
    ],
)
def test_every_failure_of_a_query_is_one_of_our_family(
    vespa_build: IndexBuild, stub: StubServer, kind: str, error: type[EngineError]
) -> None:
    index = async_to_sync(engine().open)(vespa_build.generation)
    stub.faults.add("search", kind, times=None, seconds=5.0)
    began = time.monotonic()
    with pytest.raises(error) as told:
        async_to_sync(index.count)(Scope())
    assert type(told.value) is error
    assert str(told.value).endswith(".")
    assert "<html" not in str(told.value)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize("kind", ["503", "reset"])
def test_one_lost_connection_is_made_good_within_the_deadline(
    vespa_build: IndexBuild, stub: StubServer, kind: str
) -> None:
    index = async_to_sync(engine().open)(vespa_build.generation)
    stub.faults.add("search", kind, times=1)
    assert async_to_sync(index.count)(Scope()) == 8
    assert stub.faults.struck[kind] == 1


@pytest.mark.parametrize("kind", ["504", "500", "429", "html"])
def test_what_would_only_add_load_is_not_asked_again(
    vespa_build: IndexBuild, stub: StubServer, kind: str
) -> None:
    index = async_to_sync(engine().open)(vespa_build.generation)
    stub.faults.add("search", kind, times=1)
    before = stub.requests.areas["search"]
    with pytest.raises(EngineError):
        async_to_sync(index.count)(Scope())
    assert stub.requests.areas["search"] == before + 1


@pytest.mark.parametrize("kind", ["degraded", "soft_timeout"])
def test_a_partial_answer_is_shown_and_said(
    vespa_build: IndexBuild, stub: StubServer, kind: str
) -> None:
    opened(vespa_build)
    stub.faults.add("search", kind, times=None)
    got = events(vespa_build)
    assert legs(got) == LEGS
    assert isinstance(got[-1], Finished)
    assert 0 < len(got[-1].hits) < 8
    assert got[-1].notices == [
        "Only 50% of the images could be searched in time; there may be better ones."
    ]


@pytest.mark.parametrize("kind", ["504", "503", "slow", "reset", "html"])
def test_a_leg_that_fails_leaves_the_words(
    vespa_build: IndexBuild, stub: StubServer, kind: str
) -> None:
    opened(vespa_build)
    events(vespa_build)
    stub.faults.add("search", kind, times=None, seconds=3.0, within="semantic_a")
    got = events(vespa_build)
    assert legs(got) == ["lexical", "fused"]
    assert len(got[-1].hits) == 2
    assert got[-1].total == 8
    assert got[-1].notices[0].startswith("The search by picture ")


def test_a_connection_cut_by_one_leg_takes_no_other_leg_with_it(
    vespa_build: IndexBuild, stub: StubServer
) -> None:
    """The words are still in flight, on the same connection, each time that it is cut."""
    opened(vespa_build)
    events(vespa_build)
    stub.faults.add("search", "reset", times=None, within="semantic_a")
    stub.faults.add("search", "slow", times=None, seconds=0.25)
    assert legs(events(vespa_build)) == ["lexical", "fused"]


def test_with_vespa_down_the_page_lives_and_says_so(
    vespa_build: IndexBuild, stub: StubServer, browser: Client
) -> None:
    stub.faults.add("search", "503", times=None)
    page = browser.get("/search", {"q": "gallstones"})
    assert page.status_code == 503
    assert "Try again in a minute" in page.content.decode()
    assert browser.get("/api/v1/search", {"q": "gallstones"}).status_code == 503
    assert browser.get("/readyz").json()["missing"] == ["engine"]
    assert browser.get("/").status_code == 200
    stub.faults.clear()
    assert browser.get("/search", {"q": "gallstones"}).status_code == 200


def test_a_server_that_still_loads_its_documents_is_not_an_index_to_build_again(
    vespa_build: IndexBuild, stub: StubServer
) -> None:
    stub.faults.add("search", "zero_hits", times=None)
    engine.cache_clear()
    with pytest.raises(Unavailable, match="starting"):
        async_to_sync(engine().open)(vespa_build.generation)


@pytest.mark.parametrize("root", [{}, {"fields": {}}, {"children": [{"fields": {"image_id": 1}}]}])
def test_an_answer_that_cannot_be_read_is_one_of_our_family(
    vespa_build: IndexBuild, root: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = async_to_sync(engine().open)(vespa_build.generation)

    async def odd(self: Any, body: Any) -> Any:
        return root

    monkeypatch.setattr(vespa_http.Connection, "ask", odd)
    vector = np.ones(1, np.float32)
    with pytest.raises(Unavailable):
        async_to_sync(index.count)(Scope())
    if root.get("children"):
        with pytest.raises(Unavailable):
            async_to_sync(index.candidates)([1], [], vector, Blend())


def test_a_slot_that_cannot_be_emptied_for_lack_of_room_is_waited_for(
    job: IndexBuild, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.indexing.PAUSE", 0.02)
    stub.faults.add("/document/v1/clipsite/image/docid", "507", times=2, after=9)
    run(job, build_index)
    job.refresh_from_db()
    assert job.status == "succeeded"
    assert "Paused" in job.log


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    nobody = VespaEngine("http://127.0.0.1:9", timeout=1.0)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="cannot be reached"):
        async_to_sync(nobody.health)()
    assert time.monotonic() - began < 2.5
    nobody.close()


@pytest.fixture
def job(stub: StubServer, images: dict[str, Any], checkpoint: Checkpoint) -> IndexBuild:
    return IndexBuild.objects.create(checkpoint=checkpoint)


@pytest.mark.parametrize("kind", ["429", "503", "504", "reset", "html", "500", "truncated"])
def test_feeding_through_a_bad_patch_loses_nothing(
    job: IndexBuild, stub: StubServer, kind: str
) -> None:
    stub.faults.add(DOCUMENTS, kind, times=12)
    run(job, build_index)
    job.refresh_from_db()
    assert (job.status, job.documents, job.rejections.count()) == ("succeeded", 8, 0)
    assert stub.faults.struck[kind] == 12
    assert not compare(job)


def test_slow_answers_do_not_double_documents(job: IndexBuild, stub: StubServer) -> None:
    stub.faults.add(DOCUMENTS, "slow", times=3, seconds=2.5)
    run(job, build_index)
    assert len(stub.store) == 8
    assert not compare(job)


def test_a_full_server_pauses_the_build_until_there_is_room(
    job: IndexBuild,
    stub: StubServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("search.indexing.PAUSE", 0.05)
    stub.faults.add(DOCUMENTS, "507", times=9)
    with caplog.at_level(logging.ERROR, "search.indexing"):
        run(job, build_index)
    job.refresh_from_db()
    assert (job.status, job.documents) == ("succeeded", 8)
    assert "Paused. Vespa takes no documents: its disk or memory is full." in job.log
    assert "is paused" in caplog.text
    assert not compare(job)


def test_a_verification_over_a_part_of_the_documents_does_not_count(
    job: IndexBuild, stub: StubServer
) -> None:
    stub.faults.add("search", "degraded", times=1, within="vector_a")
    with pytest.raises(EngineError):
        run(job, build_index)
    stub.faults.add("search", "soft_timeout", times=1, within="approximate: false")
    job.enqueue()
    with pytest.raises(EngineError, match=r"could not be verified: .* 50% of the documents"):
        run(job, build_index)
    assert LiveIndex.current() is None


def test_a_server_that_stays_away_fails_the_build_which_then_goes_on(
    job: IndexBuild, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vespa_http, "PATIENCE", 0.2)
    stub.faults.add(DOCUMENTS, "503", times=None, after=5)
    with pytest.raises(FeedError, match="stayed overloaded or away"):
        run(job, build_index)
    assert len(stub.store) == 5
    assert LiveIndex.current() is None
    stub.faults.clear()
    job.enqueue()
    run(job, build_index)
    assert LiveIndex.current() == job
    assert not compare(job)


@pytest.mark.parametrize("kind", ["429", "503", "reset", "507", "400"])
def test_after_a_repair_that_failed_the_next_leaves_no_difference(
    vespa_build: IndexBuild,
    stub: StubServer,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vespa_http, "PATIENCE", 0.2)
    index = async_to_sync(engine().open)(vespa_build.generation)
    gone = sorted(async_to_sync(index.digests)())[:4]
    async_to_sync(index.remove)(gone)
    assert compare(vespa_build).missing == tuple(gone)
    stub.faults.add(DOCUMENTS, kind, times=None, after=2)
    with suppress(EngineError):
        repair(vespa_build, compare(vespa_build), lambda done, total: None)
    assert compare(vespa_build)
    stub.faults.clear()
    repair(vespa_build, compare(vespa_build), lambda done, total: None)
    assert not compare(vespa_build)


def test_no_more_documents_are_under_way_than_the_limit(
    job: IndexBuild, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.engines.vespa.IN_FLIGHT", 3)
    stub.faults.add(DOCUMENTS, "slow", times=None, seconds=0.05)
    run(job, build_index)
    assert stub.requests.most_in_flight["document"] <= 3
