from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.vocabulary import LISTED_FIELDS, canonical, label_of, mentions, values

MODALITIES = (
    "x-ray ct mri ultrasound angiography fluoroscopy mammography nuclear endoscopy microscopy "
    "photograph illustration"
)
REGIONS = (
    "head face neck chest heart breast abdomen pelvis spine shoulder arm elbow wrist hand hip "
    "thigh knee leg ankle foot skin eye teeth"
)


def test_the_canonical_values_are_the_agreed_ones() -> None:
    assert set(values("modality")) == set(MODALITIES.split())
    assert set(values("anatomy")) == set(REGIONS.split())
    assert values("sex") == ("male", "female")
    assert values("split") == ("train", "validation", "test")
    assert values("year") == ()


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("modality", "CT", "ct"),
        ("modality", "X-Ray", "x-ray"),
        ("modality", "xray", "x-ray"),
        ("modality", "US", "ultrasound"),
        ("modality", "us", "ultrasound"),
        ("modality", "pet/nuclear", "nuclear"),
        ("modality", "Nuclear / PET", "nuclear"),
        ("modality", "CT scan of the chest", "ct"),
        ("modality", "CT and MRI", ""),
        ("modality", "other", ""),
        ("modality", "unknown", ""),
        ("modality", "", ""),
        ("anatomy", "Thorax", "chest"),
        ("anatomy", "Head & Neck", "head"),
        ("sex", "Male", "male"),
        ("sex", "F", "female"),
        ("laterality", "L", "left"),
        ("laterality", "both", "bilateral"),
        ("split", "val", "validation"),
        ("split", "dev", "validation"),
        ("split", "training", "train"),
        ("year", "2014", "2014"),
        ("year", "2014-05-01", "2014"),
        ("year", "recent", ""),
        ("licence", " CC BY 4.0 ", "CC BY 4.0"),
    ],
)
def test_given_metadata_is_made_canonical(field: str, text: str, value: str) -> None:
    assert canonical(field, text) == value


@pytest.mark.parametrize(
    ("field", "value", "label"),
    [
        ("modality", "x-ray", "X-ray"),
        ("modality", "nuclear", "Nuclear / PET"),
        ("anatomy", "chest", "Chest"),
        ("modality", "", "Unknown"),
        ("year", "2014", "2014"),
        ("modality", "no such", "no such"),
    ],
)
def test_a_value_has_a_label(field: str, value: str, label: str) -> None:
    assert label_of(field, value) == label


@pytest.mark.parametrize("field", LISTED_FIELDS)
def test_every_value_and_every_label_is_canonical_for_itself(field: str) -> None:
    for value in values(field):
        assert canonical(field, value) == value
        assert canonical(field, label_of(field, value)) == value


@pytest.mark.parametrize("field", LISTED_FIELDS)
def test_labels_tell_values_apart(field: str) -> None:
    for one, other in combinations(values(field), 2):
        assert label_of(field, one) != label_of(field, other)


@pytest.mark.parametrize(
    ("field", "text", "found"),
    [
        ("modality", "a CT angiogram", [("CT angiogram", "ct", True)]),
        ("modality", "x-rays and X ray", [("x-rays", "x-ray", True), ("X ray", "x-ray", True)]),
        ("modality", "show us the US", [("US", "ultrasound", True)]),
        ("modality", "Mr Smith in the US", []),
        ("modality", "a hyperintense rim", [("hyperintense", "mri", False)]),
        ("anatomy", "femoral head", [("femoral head", "hip", False)]),
        ("anatomy", "head", [("head", "head", True)]),
        ("anatomy", "an arrow head", []),
        ("anatomy", "the lung. Knee", [("lung", "chest", False), ("Knee", "knee", True)]),
        ("anatomy", "the knees", [("knees", "knee", True)]),
        ("anatomy", "headache", []),
        ("anatomy", "thoracic, spine", [("thoracic", "chest", True), ("spine", "spine", True)]),
        ("sex", "female", [("female", "female", True)]),
    ],
)
def test_the_longest_form_is_the_mention(
    field: str, text: str, found: list[tuple[str, str, bool]]
) -> None:
    assert [(m.text, m.value, m.names) for m in mentions(text, field)] == found


def test_capitals_matter_unless_case_is_folded() -> None:
    assert mentions("pet of the liver", "modality") == ()
    assert [m.value for m in mentions("pet of the liver", "modality", fold_case=True)] == [
        "nuclear"
    ]


@given(st.text(), st.sampled_from(LISTED_FIELDS))
def test_mentions_lie_in_the_text_in_order(text: str, field: str) -> None:
    found = mentions(text, field)
    assert all(text[m.start : m.end] == m.text for m in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
