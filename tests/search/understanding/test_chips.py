from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.understanding.chips import Chip, chips
from search.understanding.edits import apply
from search.understanding.state import Filter, ImageReference, Phrase, QueryState
from search.understanding.understand import understand

STATE = QueryState(
    phrases=(
        Phrase("Pleural Effusion", position=30),
        Phrase("air fluid level", quoted=True, position=40),
        Phrase("contrast", excluded=True, position=50),
    ),
    filters=(
        Filter("modality", included=("ct", "mri"), words="CT MRI", position=3),
        Filter("modality", excluded=("ultrasound",), words="ultrasound", position=60),
    ),
    images=(ImageReference(12), ImageReference(13, weight=-0.5)),
)


def test_chips_are_named_by_what_they_hold_and_stand_in_the_order_said() -> None:
    assert [(chip.id, chip.kind, chip.label) for chip in chips(STATE)] == [
        ("filter:modality:ct", "filter", "CT"),
        ("filter:modality:mri", "filter", "MRI"),
        ("phrase:pleural effusion", "phrase", "Pleural Effusion"),
        ("quoted:air fluid level", "phrase", "“air fluid level”"),
        ("exclude:phrase:contrast", "exclusion", "contrast"),
        ("exclude:modality:ultrasound", "exclusion", "Ultrasound"),
        ("image:12", "image", "Like image 12"),
        ("image:13", "image", "Unlike image 13"),
    ]


def test_a_chip_has_the_agreed_wire_form() -> None:
    assert chips(QueryState(phrases=(Phrase("cyst", weight=0.3),)))[0].as_json() == {
        "id": "phrase:cyst",
        "kind": "phrase",
        "label": "cyst",
        "field": None,
        "value": "cyst",
        "weight": 0.3,
        "inferred": True,
        "editable": True,
        "weighable": True,
        "image_id": None,
        "upload": "",
        "region": None,
        "thumbnail_url": None,
    }


def test_the_empty_state_has_no_chips() -> None:
    assert chips(QueryState()) == ()


def test_the_same_words_twice_are_one_chip() -> None:
    doubled = QueryState(phrases=(Phrase("cyst"), Phrase("Cyst", position=9)))
    assert len(chips(doubled)) == 1
    assert _without(doubled, chips(doubled)).is_empty


@pytest.mark.parametrize("order", [1, -1])
def test_removing_every_chip_leaves_the_empty_state(order: int) -> None:
    assert _without(STATE, chips(STATE)[::order]).is_empty


@given(
    st.lists(
        st.sampled_from(
            ["ct", "mri", "chest", "knee", "women", "not ct", "-cyst", '"a b"', "left lung", "no",
             "modality:ct", "except mri", "year:2014", "or", "Cyst", "without arrows,", "CXR"]
        ),
        max_size=12,
    ).map(" ".join)
)  # fmt: skip
@settings(deadline=None)
def test_removing_every_chip_of_any_utterance_leaves_the_empty_state(utterance: str) -> None:
    state = understand(utterance, pipeline="").state
    assert len({chip.id for chip in chips(state)}) == len(chips(state))
    assert _without(state, chips(state)).is_empty


def _without(state: QueryState, removed: tuple[Chip, ...]) -> QueryState:
    for chip in removed:
        before = len(chips(state))
        state = apply(state, {"op": "remove", "chip": chip.id})
        assert len(chips(state)) == before - 1
    return state


def test_own_pictures_are_numbered_where_there_are_several() -> None:
    first, second = (f"upload:{digit * 32}" for digit in "ab")
    one = QueryState(images=(ImageReference(upload=first),))
    two = QueryState(images=(*one.images, ImageReference(upload=second, weight=-1.0)))
    assert [(chip.id, chip.label) for chip in chips(one)] == [(first, "Like your picture")]
    assert [(chip.id, chip.label) for chip in chips(two)] == [
        (first, "Like your picture 1"),
        (second, "Unlike your picture 2"),
    ]


def test_words_that_push_away_say_so() -> None:
    away = QueryState(phrases=(Phrase("contrast", weight=-0.5, inferred=False),))
    assert chips(away)[0].label == "away from contrast"
