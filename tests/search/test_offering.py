"""What is offered next: counted before it is offered, and what it says it is when it is taken."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from search import caption_words, wire
from search.asking import read
from search.engine import engine
from search.engines.base import EngineError
from search.links import decode
from search.models import IndexBuild
from search.spelling import nearest
from search.understanding.edits import apply
from search.understanding.state import MAX_PARTS, Phrase, QueryState
from search.understanding.synonyms import expanded

pytestmark = pytest.mark.django_db(transaction=True)

FINDINGS = [
    "Chest radiograph with a pleural effusion",
    "Left pleural effusion on a chest radiograph",
    "Chest radiograph, large right pleural effusion",
    "Pleural effusion and cardiomegaly on a chest radiograph",
    "Chest radiograph with rib fractures",
    "Chest radiograph of a woman with rib fractures",
    "Rib fractures of the left side on a chest radiograph",
    "Chest radiograph of a man",
    "Axial CT of the abdomen with a renal calculus",
    "CT of the abdomen after stent placement",
    "Axial CT of the head",
    "CT of the chest with emphysema",
    "Sagittal MRI of the knee, torn meniscus",
    "Ultrasound of the gallbladder with gallstones",
    "Histology of the colon, hematoxylin and eosin stain",
    "Histology of the breast, hematoxylin and eosin stain",
]


@pytest.fixture
def build(
    imported: Callable[[str, Mapping[str, str]], dict[str, Any]],
    indexed: Callable[..., IndexBuild],
    engine_folder: Path,
) -> IndexBuild:
    """The live index over images with the captions of FINDINGS."""
    caption_words.frequent_phrases.cache_clear()
    caption_words.word_counts.cache_clear()
    imported("findings", {str(number): caption for number, caption in enumerate(FINDINGS)})
    return indexed("index of findings", engine_folder)


def answer(state: QueryState, build: IndexBuild) -> wire.SearchResponse:
    return async_to_sync(wire.answer)(state, build)


def offered(words: str, build: IndexBuild, kind: str) -> dict[str, Any]:
    response = answer(read(words).state, build)
    return {offer["label"]: offer for offer in response["offers"] if offer["kind"] == kind}


def after(state: QueryState, offer: Mapping[str, Any]) -> QueryState:
    for edit in offer["edits"]:
        state = expanded(apply(state, edit), state)
    return state


@pytest.mark.parametrize(
    "words",
    ["chest radiograph", "abdomen", "rib fractures", '"renal calculus" x-ray', "MRI in women",
     'CT of the knee "gallstones"', "x-ray without pleural effusion", "radiograph"],
)  # fmt: skip
def test_an_offer_finds_as_many_as_it_says_wherever_it_is_taken(
    build: IndexBuild, words: str
) -> None:
    state = read(words).state
    before = answer(state, build)
    assert before["offers"]
    for offer in before["offers"]:
        taken = answer(after(state, offer), build)
        assert taken["total"] == offer["count"] > 0
        if offer["kind"] == "narrow":
            assert taken["total"] < before["total"]
        linked = decode(offer["path"].partition("state=")[2])
        assert answer(linked, build)["total"] == offer["count"]


def test_nothing_found_names_the_labels_to_take_away(build: IndexBuild) -> None:
    ways = offered("CT of the chest in women", build, "way")
    assert {label: way["count"] for label, way in ways.items()} == {
        "Without “CT”": 1,
        "Without “Female”": 1,
    }


def test_where_no_single_label_is_to_blame_as_few_as_possible_go(build: IndexBuild) -> None:
    ways = offered('MRI in women "gallstones"', build, "way")
    assert {label: way["count"] for label, way in ways.items()} == {
        "Without “Female”, “gallstones”": 1,
        "Without “MRI”, “Female”": 1,
        "Without “MRI”, “gallstones”": 1,
    }


def test_something_found_offers_no_way_out(build: IndexBuild) -> None:
    assert offered("x-ray", build, "way") == {}


def test_words_alone_that_no_caption_has_offer_the_pictures(build: IndexBuild) -> None:
    state = apply(read("pneumothorax").state, {"op": "set", "mode": "lexical"})
    response = answer(state, build)
    assert response["ranked"] == 0
    [way] = [offer for offer in response["offers"] if offer["kind"] == "way"]
    assert answer(after(state, way), build)["ranked"] == way["count"] == len(FINDINGS)


def test_what_the_best_captions_share_narrows(build: IndexBuild) -> None:
    narrow = offered("chest radiograph", build, "narrow")
    assert "“pleural effusion”" in narrow
    assert any("fractures" in label for label in narrow)


def test_what_was_asked_is_not_offered_again(build: IndexBuild) -> None:
    labels = offered("chest radiograph with pleural effusion", build, "narrow")
    assert not any("effusion" in label or "radiograph" in label for label in labels)


def test_a_slip_of_spelling_is_offered_mended(build: IndexBuild) -> None:
    [(label, offer)] = offered("plueral efusion", build, "spelling").items()
    assert label == "pleural effusion"
    assert offer["count"] is None
    mended = after(read("plueral efusion").state, offer)
    assert [phrase.text for phrase in mended.phrases] == ["pleural effusion"]


def test_a_slip_in_the_name_of_a_technique_becomes_its_filter(build: IndexBuild) -> None:
    [offer] = offered("utrasound", build, "spelling").values()
    mended = after(read("utrasound").state, offer)
    assert [row.included for row in mended.filters] == [("ultrasound",)]
    assert mended.phrases == ()


@pytest.mark.parametrize(
    "words",
    ["pleural effusions", "meniscus", "renal calculi", "nephrolithiasis", "CTA", "kidney stone",
     "pneumothorax"],
)  # fmt: skip
def test_a_right_word_is_left_alone(build: IndexBuild, words: str) -> None:
    assert offered(words, build, "spelling") == {}


def test_the_nearest_word_is_the_one_with_fewest_slips_then_the_most_frequent() -> None:
    counts = {"stent": 9, "stents": 40, "scent": 90, "spent": 3}
    assert nearest("stetn", 0, counts) == "stent"
    assert nearest("sten", 0, counts) == "stent"
    assert nearest("qwerty", 0, counts) is None
    assert nearest("stenn", 1, counts) is None, "a caption has it, and no other is so much commoner"
    assert nearest("scents", 1, counts) == "scent"


def test_an_engine_that_cannot_count_just_now_offers_nothing(
    build: IndexBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = async_to_sync(engine().open)(build.generation)

    async def fail(*args: Any) -> int:
        raise EngineError("No.")

    monkeypatch.setattr(type(index), "count", fail)
    response = answer(read("CT of the chest in women").state, build)
    assert (response["total"], response["offers"]) == (0, [])


def test_the_plain_page_links_what_it_offers(build: IndexBuild, admin_client: Client) -> None:
    page = admin_client.get("/search", {"q": "CT of the chest in women"}).content.decode()
    ways = offered("CT of the chest in women", build, "way")
    for label, way in ways.items():
        assert label in page
        assert f'href="{way["path"]}"' in page
        assert admin_client.get(way["path"]).status_code == 200


def test_ways_out_take_an_exclusion_with_its_other_words(build: IndexBuild) -> None:
    state = read('not pleural effusion, MRI in women, "gallstones" "emphysema"').state
    assert any(expansion.excluded for expansion in state.expansions)
    ways = [offer for offer in answer(state, build)["offers"] if offer["kind"] == "way"]
    assert ways
    for way in ways:
        assert answer(after(state, way), build)["total"] == way["count"]
        assert not any("synonym:" in edit["chip"] for edit in way["edits"])


def test_a_search_of_the_most_parts_is_answered_and_offers_no_more_of_them(
    build: IndexBuild,
) -> None:
    words = [Phrase(f"word{number}") for number in range(MAX_PARTS)]
    response = answer(QueryState(phrases=tuple(words)), build)
    assert response["ranked"] > 0
    assert [offer for offer in response["offers"] if offer["kind"] == "narrow"] == []
