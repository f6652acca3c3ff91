from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.caption_facts import CaptionFacts, read_facts

FIELDS = [field.name for field in fields(CaptionFacts)]
LEAST_PRECISION = 0.95
LEAST_RECALL = 0.9


def hand_checked() -> list[tuple[str, CaptionFacts]]:
    with Path(__file__).with_name("captions_and_facts.psv").open(encoding="utf-8") as file:
        return [
            (row.pop("caption"), CaptionFacts(**{**row, "age": _age(row["age"])}))
            for row in csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE)
        ]


def _age(written: str) -> float | None:
    return float(written) if written else None


def _judged(field: str) -> Iterator[tuple[object, object, str]]:
    for caption, facts in hand_checked():
        yield getattr(read_facts(caption), field), getattr(facts, field), caption


def test_the_table_has_at_least_150_captions_and_no_two_alike() -> None:
    captions = [caption for caption, _ in hand_checked()]
    assert len(captions) >= 150
    assert len(set(captions)) == len(captions)


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_read_is_right_and_little_is_missed(field: str) -> None:
    judged = list(_judged(field))
    read = [case for case in judged if case[0] not in ("", None)]
    stated = [case for case in judged if case[1] not in ("", None)]
    right = [case for case in read if case[0] == case[1]]
    wrong = [case for case in judged if case[0] != case[1]]
    assert len(right) >= LEAST_PRECISION * len(read), wrong
    assert len(right) >= LEAST_RECALL * len(stated), wrong


@pytest.mark.parametrize(
    ("caption", "sex"),
    [
        ("a female patient", "female"),
        ("a male patient", "male"),
        ("two women and three men", ""),
        ("male infant born to a 30-year-old woman", "female"),
        ("a man-made phantom", ""),
        ("bundle of His", ""),
        ("soaked in 5 M NaCl", ""),
        ("56yo M with cough", "male"),
        ("sarcoma (F, 34)", "female"),
        ("MRI of his left knee", "male"),
        ("Her CT at follow-up", "female"),
        ("the inventor and his microscope company", ""),
        ("mother, 33-year-old female", "female"),
    ],
)
def test_sex_is_read_from_words_for_people(caption: str, sex: str) -> None:
    assert read_facts(caption).sex == sex


@pytest.mark.parametrize(
    ("caption", "age"),
    [
        ("72-year-old man", 72.0),
        ("a 72 year old", 72.0),
        ("6-month-old girl", 0.5),
        ("2-week-old", 0.038),
        ("aged 45 years", 45.0),
        ("at the age of nine years", 9.0),
        ("a thirty-four-year-old man", 34.0),
        ("54-year female", 54.0),
        ("newborn with distension", 0.0),
        ("a 500-year-old mummy", None),
        ("four-year follow-up", None),
        ("gestational age of 22 weeks", None),
        ("a 2-year-old scar", None),
        ("aged between 20 and 40", None),
        ("patients aged 20-40 years", None),
        ("a nodule of 12 mm", None),
    ],
)
def test_age_is_the_patients_in_years(caption: str, age: float | None) -> None:
    assert read_facts(caption).age == age


@pytest.mark.parametrize(
    ("caption", "laterality"),
    [
        ("left kidney", "left"),
        ("right-sided effusion", "right"),
        ("bilaterally enlarged kidneys", "bilateral"),
        ("right atrium and left ventricle", ""),
        ("left untreated", ""),
        ("left panel: before", ""),
        ("effusion on the left.", "left"),
        ("a line from left to right", ""),
        ("left coronary artery", ""),
        ("the left lung is clear, the right collapsed", ""),
        ("left lobe of the liver", ""),
    ],
)
def test_side_is_of_a_part_of_the_body(caption: str, laterality: str) -> None:
    assert read_facts(caption).laterality == laterality


def test_a_negated_modality_is_not_the_pictures() -> None:
    assert read_facts("Radiograph of the knee; no MRI was done.").modality == "x-ray"
    assert read_facts("No CT was performed.").modality == ""


@given(st.text())
def test_any_text_can_be_read(caption: str) -> None:
    assert isinstance(read_facts(caption), CaptionFacts)
