"""The ranked list by year or by source: what it moves, and what it leaves."""

import json
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from ingest.models import Image
from search import wire
from search.fusion import Ranked
from search.models import IndexBuild
from search.ordering import Origin, ordered
from search.retrieval import LegHits, retrieve
from search.understanding.state import Filter, Phrase, QueryState, Sort

YEARS = {1: 2010, 2: None, 3: 2020, 4: 2015, 5: 2021}
ORIGINS = {i: Origin(year, source="b" if i % 2 else "a") for i, year in YEARS.items()}
HITS = [Ranked(image_id, rank=image_id, score=1 / image_id) for image_id in YEARS]
STEMS = QueryState(phrases=(Phrase("abdomen"), Phrase("effusion"), Phrase("MRI")))


def order(sort: Sort, strong: int = 5) -> list[int]:
    return [hit.image_id for hit in ordered(HITS, sort, ORIGINS, strong)]


def test_by_year_what_has_none_comes_last() -> None:
    assert order("newest") == [5, 3, 4, 1, 2]
    assert order("oldest") == [1, 4, 3, 5, 2]


def test_by_source_the_figures_of_an_article_stand_side_by_side_best_first() -> None:
    assert order("source") == [2, 4, 1, 3, 5]


def test_a_weak_match_never_passes_a_strong_one_for_being_new() -> None:
    assert order("newest", strong=2) == [1, 2, 5, 3, 4]


@given(st.sampled_from(["relevance", "newest", "oldest", "source"]), st.integers(0, 5))
def test_every_order_keeps_every_hit_and_its_score_and_numbers_them_anew(
    sort: Any, strong: int
) -> None:
    found = ordered(HITS, sort, ORIGINS, strong)
    assert [hit.rank for hit in found] == [1, 2, 3, 4, 5]
    assert sorted((hit.image_id, hit.score) for hit in found) == [
        (hit.image_id, hit.score) for hit in HITS
    ]


@pytest.fixture
def build(images: dict[str, Any], build: IndexBuild) -> IndexBuild:
    """The live index, after five of its images were given a year."""
    years = {"effusion": 2012, "stone": 2019, "stent": 2008, "knee": 2021, "brain": 2008}
    for name, year in years.items():
        images[name].year = year
        images[name].save()
    call_command("check_index", "--repair")
    return build


def names(state: QueryState, build: IndexBuild) -> list[str]:
    by_id = dict(Image.objects.values_list("pk", "external_id"))
    answer = async_to_sync(wire.answer)(state, build)
    return [by_id[hit["image_id"]] for hit in answer["hits"]]


@pytest.mark.django_db(transaction=True)
def test_an_answer_by_year_holds_what_the_answer_by_score_holds(build: IndexBuild) -> None:
    by_score, newest = (
        async_to_sync(wire.answer)(replace(STEMS, sort=sort), build)
        for sort in ("relevance", "newest")
    )
    assert newest["strong"] == by_score["strong"] > 2
    years = dict(Image.objects.values_list("pk", "year"))
    for is_weak in (False, True):
        shown = [hit["image_id"] for hit in newest["hits"] if hit["weak"] is is_weak]
        best = [hit["image_id"] for hit in by_score["hits"] if hit["weak"] is is_weak]
        assert shown == sorted(best, key=lambda image_id: -(years[image_id] or 0))
    assert [hit["rank"] for hit in newest["hits"]] == list(range(1, 9))


@pytest.mark.django_db(transaction=True)
def test_the_legs_come_in_that_order_already(build: IndexBuild) -> None:
    async def legs() -> dict[str, list[int]]:
        found = retrieve(replace(STEMS, sort="oldest"), build)
        return {e.leg: [h.image_id for h in e.hits] async for e in found if isinstance(e, LegHits)}

    years = dict(Image.objects.values_list("pk", "year"))
    found = async_to_sync(legs)()
    for leg in ("lexical", "semantic"):
        known = [years[image_id] for image_id in found[leg] if years[image_id]]
        assert known == sorted(known)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        ("newest", ["knee", "stone", "stent", "brain", "gallbladder", "colon"]),
        ("oldest", ["stent", "brain", "stone", "knee", "gallbladder", "colon"]),
    ],
)
def test_filters_alone_are_ordered_over_all_that_passes_not_over_the_first_of_it(
    build: IndexBuild, monkeypatch: pytest.MonkeyPatch, sort: Any, wanted: list[str]
) -> None:
    state = QueryState(filters=(Filter("modality", excluded=("x-ray",)),), sort=sort)
    assert names(state, build) == wanted
    for most in (2, 5):
        monkeypatch.setattr("search.retrieval.POOL", most)
        assert names(state, build) == wanted[:most]


@pytest.mark.django_db(transaction=True)
def test_without_any_year_the_best_match_stays_first_and_that_is_said(
    build: IndexBuild,
) -> None:
    Image.objects.update(year=None)
    answer = async_to_sync(wire.answer)(replace(STEMS, sort="newest"), build)
    assert [hit["score"] for hit in answer["hits"]] == sorted(
        (hit["score"] for hit in answer["hits"]), reverse=True
    )
    assert any("year" in notice for notice in answer["notices"])
    by_score = async_to_sync(wire.answer)(STEMS, build)
    assert not any("year" in notice for notice in by_score["notices"])


@pytest.mark.django_db(transaction=True)
def test_the_order_is_a_parameter_a_control_and_a_part_of_the_state(
    build: IndexBuild, editor: Any
) -> None:
    client = Client()
    client.force_login(editor)
    body = client.get("/api/v1/search", {"q": "MRI or CT", "sort": "newest"}).json()
    assert (body["state"]["sort"], body["hits"][0]["external_id"]) == ("newest", "knee")
    page = client.get("/search", {"q": "MRI or CT", "sort": "newest"}).content.decode()
    assert '<option value="newest" selected>' in page
    refused = client.get("/api/v1/search", {"q": "MRI", "sort": "colour"})
    assert (refused.status_code, "sort" in refused.json()["detail"]) == (400, True)


@pytest.mark.django_db(transaction=True)
def test_the_command_takes_the_order_too(
    build: IndexBuild, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    call_command("search", "MRI or CT", sort="newest", json=True, limit=8)
    report = json.loads(capsys.readouterr().out)
    assert report["state"]["sort"] == "newest"
    assert report["hits"][0]["external_id"] == "knee"
