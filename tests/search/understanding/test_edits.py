from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.understanding.edits import (
    LIKE_WEIGHT,
    UNLIKE_WEIGHT,
    apply,
    describe,
    is_exchange,
)
from search.understanding.state import (
    MAX_PARTS,
    MAX_TEXT,
    Filter,
    ImageReference,
    InvalidState,
    Phrase,
    QueryState,
)

STATE = QueryState(
    utterance="CT and MRI of a liver cyst, not ultrasound",
    phrases=(Phrase("liver cyst", weight=0.3, position=16), Phrase("artefact", excluded=True)),
    filters=(
        Filter("modality", included=("ct", "mri"), words="CT MRI"),
        Filter("modality", excluded=("ultrasound",), words="ultrasound", position=32),
    ),
    images=(ImageReference(7),),
)


def test_removing_a_phrase_leaves_the_rest() -> None:
    edited = apply(STATE, {"op": "remove", "chip": "phrase:liver cyst"})
    assert [phrase.text for phrase in edited.phrases] == ["artefact"]
    assert (edited.filters, edited.images) == (STATE.filters, STATE.images)


def test_removing_one_of_two_values_takes_its_words_along() -> None:
    row = apply(STATE, {"op": "remove", "chip": "filter:modality:mri"}).filters[0]
    assert (row.included, row.words) == (("ct",), "CT")


def test_removing_the_last_value_removes_the_row() -> None:
    edited = apply(STATE, {"op": "remove", "chip": "exclude:modality:ultrasound"})
    assert edited.filters == STATE.filters[:1]


def test_removing_an_image() -> None:
    assert apply(STATE, {"op": "remove", "chip": "image:7"}).images == ()


def test_a_rewritten_phrase_counts_as_set_by_hand() -> None:
    edit = {"op": "rewrite", "chip": "phrase:liver cyst", "text": " hydatid  cyst "}
    assert apply(STATE, edit).phrases[0] == Phrase("hydatid cyst", inferred=False, position=16)


def test_a_rewritten_exclusion_still_excludes() -> None:
    edit = {"op": "rewrite", "chip": "exclude:phrase:artefact", "text": "arrows"}
    assert apply(STATE, edit).phrases[1] == Phrase("arrows", excluded=True, inferred=False)


def test_a_phrase_rewritten_as_another_joins_it() -> None:
    state = QueryState(phrases=(Phrase("cyst"), Phrase("mass")))
    edited = apply(state, {"op": "rewrite", "chip": "phrase:mass", "text": "cyst"})
    assert [phrase.text for phrase in edited.phrases] == ["cyst"]


def test_a_filter_set_by_hand_is_not_inferred() -> None:
    edited = apply(QueryState(), {"op": "filter", "field": "sex", "value": "female"})
    assert edited.filters == (Filter("sex", included=("female",), inferred=False),)


def test_a_second_value_of_a_field_widens_it() -> None:
    row = apply(STATE, {"op": "filter", "field": "modality", "value": "x-ray"}).filters[0]
    assert (row.included, row.inferred) == (("ct", "mri", "x-ray"), False)


def test_filtering_by_an_excluded_value_lifts_the_exclusion() -> None:
    edited = apply(STATE, {"op": "filter", "field": "modality", "value": "ultrasound"})
    assert [(row.included, row.excluded) for row in edited.filters] == [
        (("ct", "mri", "ultrasound"), ())
    ]


def test_a_value_may_be_given_as_people_write_it() -> None:
    edited = apply(QueryState(), {"op": "filter", "field": "modality", "value": "X-Ray"})
    assert edited.filters[0].included == ("x-ray",)


def test_unfiltering_takes_one_value_away() -> None:
    row = apply(STATE, {"op": "unfilter", "field": "modality", "value": "ct"}).filters[0]
    assert (row.included, row.words) == (("mri",), "MRI")


@pytest.mark.parametrize(("op", "weight"), [("like", LIKE_WEIGHT), ("unlike", UNLIKE_WEIGHT)])
def test_an_image_counts_for_or_against_and_only_once(op: str, weight: float) -> None:
    edited = apply(apply(STATE, {"op": op, "image_id": 9}), {"op": op, "image_id": 7})
    assert edited.images == (ImageReference(9, weight), ImageReference(7, weight))


@pytest.mark.parametrize(
    ("key", "value"), [("mode", "lexical"), ("alpha", 0.25), ("alpha", 1), ("fusion", "rrf")]
)
def test_a_setting_is_set(key: str, value: object) -> None:
    assert getattr(apply(STATE, {"op": "set", key: value}), key) == value


UPLOAD = f"upload:{'a' * 32}"


def test_a_picture_of_ones_own_joins_with_its_weight_and_only_once() -> None:
    edited = apply(STATE, {"op": "picture", "upload": UPLOAD})
    assert edited.images == (ImageReference(7), ImageReference(upload=UPLOAD))
    edited = apply(edited, {"op": "picture", "upload": UPLOAD, "weight": -0.5})
    assert edited.images[1:] == (ImageReference(upload=UPLOAD, weight=-0.5),)
    assert apply(edited, {"op": "remove", "chip": UPLOAD}) == STATE


def test_words_and_images_weigh_more_or_less_on_their_chip() -> None:
    edited = apply(STATE, {"op": "weigh", "chip": "image:7", "weight": 2})
    assert edited.images == (ImageReference(7, 2.0),)
    edited = apply(edited, {"op": "weigh", "chip": "phrase:liver cyst", "weight": -1})
    assert edited.phrases[0] == Phrase("liver cyst", weight=-1.0, position=16, inferred=False)
    assert edited.phrases[1:] == STATE.phrases[1:]


def test_words_weighed_by_hand_leave_the_text_that_is_read_as_one() -> None:
    assert STATE.encoder_text == "CT MRI liver cyst"
    edited = apply(STATE, {"op": "weigh", "chip": "phrase:liver cyst", "weight": 2})
    assert (edited.encoder_text, [p.text for p in edited.weighed]) == ("CT MRI", ["liver cyst"])
    back = apply(edited, {"op": "weigh", "chip": "phrase:liver cyst", "weight": 1})
    assert (back.encoder_text, back.weighed) == ("CT MRI liver cyst", ())


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ([], "object"),
        ({}, "op"),
        ({"op": "explode"}, "op"),
        ({"op": ["remove"]}, "op"),
        ({"op": "remove"}, "no chip"),
        ({"op": "remove", "chip": "phrase:absent"}, "no chip"),
        ({"op": "remove", "chip": "phrase:liver cyst", "why": 1}, "why"),
        ({"op": "rewrite", "chip": "phrase:liver cyst"}, "text"),
        ({"op": "rewrite", "chip": "phrase:liver cyst", "text": " ?"}, "blank"),
        ({"op": "rewrite", "chip": "phrase:liver cyst", "text": "x" * (MAX_TEXT + 1)}, "longer"),
        ({"op": "rewrite", "chip": "filter:modality:ct", "text": "mri"}, "words"),
        ({"op": "filter", "field": "mood", "value": "x"}, "field"),
        ({"op": "filter", "field": "modality", "value": "banana"}, "banana"),
        ({"op": "filter", "field": "modality"}, "value"),
        ({"op": "unfilter", "field": "modality", "value": "ultrasound"}, "Ultrasound"),
        ({"op": "like", "image_id": "7"}, "image_id"),
        ({"op": "unlike"}, "image_id"),
        ({"op": "picture"}, "upload"),
        ({"op": "picture", "upload": "http://127.0.0.1/x.png"}, "upload"),
        ({"op": "picture", "upload": UPLOAD, "weight": 3}, "weight"),
        ({"op": "weigh", "chip": "image:7"}, "weight"),
        ({"op": "weigh", "chip": "image:7", "weight": float("nan")}, "weight"),
        ({"op": "weigh", "chip": "image:8", "weight": 1}, "no chip"),
        ({"op": "weigh", "chip": "filter:modality:ct", "weight": 2}, "words and images"),
        ({"op": "weigh", "chip": "exclude:phrase:artefact", "weight": 2}, "words and images"),
        ({"op": "set"}, "mode"),
        ({"op": "set", "mode": "psychic"}, "mode"),
        ({"op": "set", "alpha": 2}, "alpha"),
        ({"op": "set", "fusion": None}, "fusion"),
    ],
)
def test_a_bad_edit_is_refused_in_one_sentence(edit: Any, told: str) -> None:
    with pytest.raises(InvalidState, match=told) as refused:
        apply(STATE, edit)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_full_search_takes_no_more_parts() -> None:
    full = QueryState(images=tuple(ImageReference(i + 1) for i in range(MAX_PARTS)))
    with pytest.raises(InvalidState, match="at most"):
        apply(full, {"op": "like", "image_id": 999})
    assert apply(full, {"op": "unlike", "image_id": 1}).images[-1] == ImageReference(1, -0.5)


@given(st.dictionaries(st.sampled_from(["op", "chip", "text", "field", "value", "image_id"]),
                       st.sampled_from(["remove", "rewrite", "filter", "phrase:liver cyst", "like",
                                        "modality", "year", "2014", 7, None, -1, ""])))  # fmt: skip
def test_any_edit_gives_a_state_or_is_refused(edit: dict[str, object]) -> None:
    with suppress(InvalidState):
        assert isinstance(apply(STATE, edit), QueryState)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"op": "remove", "chip": "phrase:effusion"}, "Without the label effusion"),
        ({"op": "rewrite", "chip": "phrase:effusion", "text": "ascites"}, "ascites"),
        ({"op": "filter", "field": "modality", "value": "ct"}, "With CT"),
        ({"op": "unfilter", "field": "modality", "value": "ct"}, "No longer only CT"),
        ({"op": "like", "image_id": 4}, "More like this image"),
        ({"op": "weigh", "chip": "phrase:effusion", "weight": 2}, "Effusion counts 2"),
        ({"op": "weigh", "chip": "phrase:effusion", "weight": -0.5}, "Effusion counts −0.5"),
        ({"op": "picture", "upload": UPLOAD}, "Like my picture"),
        ({"op": "set", "mode": "lexical"}, "By words only"),
        ({"op": "set", "alpha": 0.3}, "Pictures count 0.3"),
        ({"op": "nonsense"}, "Changed labels"),
    ],
)
def test_an_edit_is_told_in_a_few_words(edit: dict[str, object], words: str) -> None:
    assert describe(QueryState(phrases=(Phrase("effusion"),)), edit) == words


def test_only_a_picture_in_the_place_of_ones_own_is_an_exchange() -> None:
    state = QueryState(images=(ImageReference(upload=UPLOAD), ImageReference(4)))
    picture = {"op": "picture", "upload": UPLOAD}
    remove = {"op": "remove", "chip": UPLOAD}
    assert is_exchange(state, [remove, picture])
    assert not is_exchange(state, [picture])
    assert not is_exchange(state, [{"op": "remove", "chip": "image:4"}, picture])


def test_words_that_must_stand_there_are_no_longer_excluded() -> None:
    edited = apply(STATE, {"op": "require", "text": "artefact"})
    assert edited.phrases[-1] == Phrase("artefact", quoted=True, inferred=False)
    assert [phrase.text for phrase in edited.phrases] == ["liver cyst", "artefact"]
    assert apply(edited, {"op": "require", "text": " artefact "}) == edited
    assert describe(STATE, {"op": "require", "text": "artefact"}) == "Only with “artefact”"


@pytest.mark.parametrize("text", ["", '"""', None, 5])
def test_words_that_must_stand_there_are_words(text: object) -> None:
    with pytest.raises(InvalidState):
        apply(STATE, {"op": "require", "text": text})
