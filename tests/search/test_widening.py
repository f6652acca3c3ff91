"""What a search hides by default, and how it is let in: denied findings, values not stated."""

from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from ingest.models import Image
from search import asking, wire
from search.asking import read
from search.models import IndexBuild
from search.understanding.edits import apply
from search.understanding.state import Phrase, QueryState
from search.understanding.values import AGE_GROUPS, NOT_STATED

pytestmark = pytest.mark.django_db(transaction=True)

EFFUSION = QueryState(phrases=(Phrase("pleural effusion"),), mode="lexical")


def answer(state: QueryState, build: IndexBuild) -> wire.SearchResponse:
    return async_to_sync(wire.answer)(state, build)


def scores(state: QueryState, build: IndexBuild) -> dict[str, float]:
    return {hit["external_id"]: hit["score"] for hit in answer(state, build)["hits"]}


def test_a_first_question_keeps_what_was_set_beside_it(build: IndexBuild, editor: Any) -> None:
    asked = asking.say(editor, "pleural effusion", None, {"denied": True, "sort": "newest"})
    assert (asked.query_state.denied, asked.query_state.sort) == (True, "newest")


def test_a_caption_that_denies_it_counts_in_full_where_that_is_asked_for(build: IndexBuild) -> None:
    before, after = (scores(replace(EFFUSION, denied=denied), build) for denied in (False, True))
    assert before["clear"] < before["effusion"] / 5
    assert after["clear"] > 5 * before["clear"]
    assert after["effusion"] == pytest.approx(before["effusion"])


def test_what_is_excluded_stays_excluded(build: IndexBuild) -> None:
    state = read("chest x-ray without pleural effusion").state
    found = [sorted(scores(replace(state, denied=denied), build)) for denied in (False, True)]
    assert found[0] == found[1]
    assert "effusion" not in found[1]


def test_it_is_a_label_that_goes_like_any_other(build: IndexBuild, editor: Any) -> None:
    first = asking.say(editor, "pleural effusion", None, {})
    then = asking.say(editor, "include negated mentions", first.conversation, {})
    assert then.query_state.denied
    labels = wire.chips_json(then.query_state)
    [label] = [chip for chip in labels if chip["kind"] == "denied"]
    gone = asking.edit(editor, then, [{"op": "remove", "chip": label["id"]}])
    assert gone.query_state == replace(then.query_state, denied=False)
    new = asking.say(editor, "new topic: knee MRI", then.conversation, {})
    assert not new.query_state.denied


def test_the_panel_does_not_say_a_tenth_where_it_counts_in_full(
    build: IndexBuild, images: dict[str, Image], editor: Any
) -> None:
    client = Client()
    client.force_login(editor)
    said = []
    for denied in (False, True):
        turn = asking.say(editor, "pleural effusion", None, {"denied": denied})
        address = f"/images/{images['clear'].pk}/about"
        said.append(client.get(address, {"turn": turn.pk}).content.decode())
    assert ["counts a tenth" in page for page in said] == [True, False]
    assert all("The caption says it is not there" in page for page in said)


def test_the_captions_that_deny_it_are_counted_and_offered(build: IndexBuild) -> None:
    offered = answer(replace(EFFUSION, mode="hybrid"), build)["offers"]
    [offer] = [one for one in offered if one["edits"] == [{"op": "set", "denied": True}]]
    assert (offer["kind"], offer["label"]) == ("widen", "1 caption that denies “pleural effusion”")
    widened = apply(EFFUSION, offer["edits"][0])
    assert widened.denied
    nobody = QueryState(phrases=(Phrase("renal calculus"),))
    for state in (widened, nobody, replace(EFFUSION, mode="semantic")):
        edits = [one["edits"] for one in answer(state, build)["offers"]]
        assert [{"op": "set", "denied": True}] not in edits


def test_an_image_whose_technique_nobody_stated_is_counted_found_and_offered(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    from django.core.management import call_command

    Image.objects.filter(pk=images["stent"].pk).update(modality="")
    call_command("check_index", "--repair")
    state = read("CT of the abdomen").state
    found = answer(state, build)
    assert "stent" not in {hit["external_id"] for hit in found["hits"]}
    [technique] = [facet for facet in found["facets"] if facet["field"] == "modality"]
    last = technique["values"][-1]
    assert (last["value"], last["label"], last["count"]) == (NOT_STATED, "not stated", 1)
    [offer] = [one for one in found["offers"] if one["kind"] == "widen"]
    assert (offer["label"], offer["count"]) == ("technique not stated", 2)
    widened = apply(state, offer["edits"][0])
    both = answer(widened, build)
    assert {hit["external_id"] for hit in both["hits"]} == {"stone", "stent"}
    assert both["total"] == offer["count"]
    assert "technique not stated" in [chip["label"] for chip in both["chips"]]


def test_it_can_be_asked_for_in_words_and_in_an_address(
    build: IndexBuild, editor: Any, images: dict[str, Any]
) -> None:
    client = Client()
    client.force_login(editor)
    for query in ({"q": "sex:not-stated"}, {"sex": "not-stated"}):
        found = client.get("/api/v1/search", query).json()
        assert {hit["external_id"] for hit in found["hits"]} == set(images) - {"brain"}
    assert read("licence:not-stated").state.filters[0].included == ("not-stated",)


def test_images_without_a_caption_are_counted_found_and_have_words_in_their_place(
    build: IndexBuild, editor: Any, images: dict[str, Any]
) -> None:
    from django.core.management import call_command

    bare = {"caption": "", "caption_clean": ""}
    Image.objects.filter(pk=images["stent"].pk).update(**bare)
    Image.objects.filter(pk=images["colon"].pk).update(**bare, modality="", anatomy="")
    call_command("check_index", "--repair")
    found = answer(read("uncaptioned images").state, build)
    alts = {hit["external_id"]: hit["alt"] for hit in found["hits"]}
    assert alts == {"stent": "CT, Abdomen, without a caption", "colon": "colon, without a caption"}
    [captioned] = [facet for facet in found["facets"] if facet["field"] == "captioned"]
    counts = {value["value"]: value["count"] for value in captioned["values"]}
    assert counts == {"no": 2, "yes": 6}
    client = Client()
    client.force_login(editor)
    page = client.get("/search", {"captioned": "no"}).content.decode()
    assert 'alt="CT, Abdomen, without a caption"' in page
    assert 'data-none="No caption"></p>' in page


def test_ages_that_captions_state_are_a_facet_in_five_groups(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    from django.core.management import call_command

    ages = {"effusion": 0.5, "clear": 2, "stone": 13, "stent": 18.9, "knee": 19, "brain": 65}
    for name, age in ages.items():
        Image.objects.filter(pk=images[name].pk).update(age=age)
    call_command("check_index", "--repair")
    state = read("age:adolescent").state
    found = answer(state, build)
    assert {hit["external_id"] for hit in found["hits"]} == {"stone", "stent"}
    [facet] = [facet for facet in found["facets"] if facet["field"] == "age"]
    assert {value["value"]: value["count"] for value in facet["values"]} == {
        "infant": 1, "child": 1, "adolescent": 2, "adult": 1, "older": 1, NOT_STATED: 2,
    }  # fmt: skip
    assert [value["value"] for value in facet["values"]] == [*AGE_GROUPS, NOT_STATED]
    assert [chip["label"] for chip in found["chips"]] == ["13 to 18 years"]
