from __future__ import annotations

import csv
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.understanding.chips import chips
from search.understanding.noun_phrases import DEFAULT_PIPELINE, is_content, load_pipeline
from search.understanding.state import MAX_PARTS, MAX_TEXT, Filter, QueryState
from search.understanding.understand import (
    NOTHING_SAID,
    TOO_LONG,
    TOO_MANY,
    Understanding,
    understand,
)
from search.understanding.wire import state_from_json

BY_RULE = ""
needs_pipeline = pytest.mark.skipif(
    find_spec(DEFAULT_PIPELINE) is None, reason=f"{DEFAULT_PIPELINE} is not installed"
)
TALK = st.sampled_from(
    ["ct", "MRI", "chest", "x-ray", "knee", "women", "not", "no", "without", "except", "but", "or",
     "and", ",", ".", '"', "-", "-ct", "modality:ct", "year:2014", "show me", "images of", "the",
     "of", "pleural effusion", "'", "(", "“", "”", ":", "us", "left", "I don't want", "\n"]
)  # fmt: skip


def table() -> list[tuple[str, list[str], list[str], list[str]]]:
    with Path(__file__).with_name("utterances.psv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE)
        return [
            (
                row["utterance"],
                sorted(row["filters"].replace("+", "\x00").split()),
                [text for text in row["phrases"].split(";") if text],
                [text for text in row["excluded"].split(";") if text],
            )
            for row in rows
        ]


TABLE = table()


def filters_of(state: QueryState) -> list[str]:
    said = [f"{row.field}:{value}" for row in state.filters for value in row.included]
    said += [f"-{row.field}:{value}" for row in state.filters for value in row.excluded]
    return sorted(item.replace(" ", "\x00") for item in said)


def phrases_of(state: QueryState, *, excluded: bool) -> list[str]:
    return [
        f'"{phrase.text}"' if phrase.quoted else phrase.text
        for phrase in state.phrases
        if phrase.excluded is excluded
    ]


def test_the_table_has_at_least_60_utterances_and_no_two_alike() -> None:
    assert len({row[0] for row in TABLE}) == len(TABLE) >= 60


@needs_pipeline
@pytest.mark.parametrize(("utterance", "filters", "phrases", "excluded"), TABLE)
def test_an_utterance_is_understood(
    utterance: str, filters: list[str], phrases: list[str], excluded: list[str]
) -> None:
    state = understand(utterance).state
    assert filters_of(state) == filters
    assert sorted(phrases_of(state, excluded=False)) == sorted(phrases)
    assert sorted(phrases_of(state, excluded=True)) == sorted(excluded)


@pytest.mark.parametrize(("utterance", "filters", "phrases", "excluded"), TABLE)
def test_without_a_pipeline_the_rules_find_the_same_words(
    utterance: str, filters: list[str], phrases: list[str], excluded: list[str]
) -> None:
    state = understand(utterance, BY_RULE).state
    assert filters_of(state) == filters
    assert sorted(phrases_of(state, excluded=True)) == sorted(excluded)
    assert _words(phrases_of(state, excluded=False)) == _words(phrases)


def _words(phrases: list[str]) -> list[str]:
    return sorted(" ".join(phrases).split())


def test_the_words_of_a_filter_and_their_place_are_kept() -> None:
    state = understand("please find a chest x-ray", BY_RULE).state
    assert state.filters == (
        Filter("anatomy", included=("chest",), words="chest", position=14),
        Filter("modality", included=("x-ray",), words="x-ray", position=20),
    )
    assert state.encoder_text == "chest x-ray"


def test_the_encoder_reads_the_wanted_words_in_the_order_said() -> None:
    state = understand("pleural effusion on CT of the chest, not MRI, no arrows", BY_RULE).state
    assert state.encoder_text == "pleural effusion CT chest"


def test_the_negated_value_wins_over_the_same_value_wanted() -> None:
    assert filters_of(understand("ct but not ct", BY_RULE).state) == ["-modality:ct"]


def test_what_is_said_by_field_and_value_counts_as_set_by_hand() -> None:
    by_field, by_word = understand("modality:ct knee", BY_RULE).state.filters
    assert not by_field.inferred
    assert by_word.inferred


def test_a_lone_word_that_says_little_weighs_little() -> None:
    weights = {
        p.text: p.weight for p in understand("female patient, goitre", BY_RULE).state.phrases
    }
    assert weights["patient"] < weights["goitre"] == 1


def test_an_unknown_value_of_a_known_field_is_told() -> None:
    notices = understand("modality:banana", BY_RULE).notices
    assert any("modality:banana" in notice for notice in notices)


@pytest.mark.parametrize("utterance", ["", "   ", "please", "show me some images", "?!", "—"])
def test_an_utterance_that_says_nothing_gives_the_empty_state_and_a_notice(utterance: str) -> None:
    understood = understand(utterance, BY_RULE)
    assert understood.state.is_empty
    assert understood.notices == (NOTHING_SAID,)


def test_an_overlong_utterance_is_cut_with_a_notice() -> None:
    understood = understand("effusion " * 2_000, BY_RULE)
    assert TOO_LONG in understood.notices
    assert len(understood.state.utterance) <= MAX_TEXT


def test_an_overfull_utterance_keeps_the_first_parts_with_a_notice() -> None:
    understood = understand(",".join(f"x{i}" for i in range(90)), BY_RULE)
    assert TOO_MANY in understood.notices
    assert len(chips(understood.state)) == MAX_PARTS


@pytest.mark.parametrize(
    "nasty",
    ["\x00", "'; DROP TABLE images; --", "(((((", '"""', "-" * 300, "not " * 120, "no " * 160,
     "ct or " * 80, ":" * 99, "modality:", "<|endoftext|>", "\ud800", "🦴🦴", "ﷺ" * 50,
     "a" * 10_000, "not\n\n\nct", "&amp;quot;ct&amp;quot;", "\u202ethorax", "-" + "x" * 400,
     'modality:"', "--ct"],
)  # fmt: skip
@pytest.mark.parametrize(
    "pipeline", [BY_RULE, pytest.param(DEFAULT_PIPELINE, marks=needs_pipeline)]
)
def test_nasty_text_is_survived(nasty: str, pipeline: str) -> None:
    assert isinstance(understand(nasty, pipeline), Understanding)


@given(st.text(max_size=200) | st.lists(TALK, max_size=25).map(" ".join))
@settings(deadline=None, max_examples=300)
def test_whatever_is_said_becomes_a_valid_state(utterance: str) -> None:
    state = understand(utterance, BY_RULE).state
    assert state_from_json(state.as_json()) == state


@given(st.lists(TALK, max_size=15).map(" ".join))
@settings(deadline=None)
def test_no_content_word_is_lost(utterance: str) -> None:
    state = understand(utterance, BY_RULE).state
    kept = " ".join([p.text for p in state.phrases] + [f.words for f in state.filters])
    kept += " ".join(value for f in state.filters for value in (*f.included, *f.excluded))
    said = re.findall(r"[\w]{3,}", state.utterance)
    lost = [word for word in said if is_content(word) and word.casefold() not in kept.casefold()]
    assert set(lost) <= {"modality", "year", "don", "want"}


@needs_pipeline
def test_a_pipeline_is_loaded_once() -> None:
    assert load_pipeline(DEFAULT_PIPELINE) is load_pipeline(DEFAULT_PIPELINE)


def test_an_absent_pipeline_is_told_in_the_log_and_replaced_by_rules(
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = understand("pleural effusion in a child", "no_such_pipeline").state
    assert phrases_of(state, excluded=False) == ["pleural effusion", "child"]
    assert "no_such_pipeline" in caplog.text


def test_importing_the_understanding_does_not_import_spacy() -> None:
    program = "import sys, search.understanding.understand; sys.exit('spacy' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize(
    ("said", "captioned", "phrases"),
    [
        ("uncaptioned chest x-rays", ("no",), []),
        ("CT without a caption", ("no",), []),
        ("images that have no caption, gallstones", ("no",), ["gallstones"]),
        ("captioned photographs of a rash", ("yes",), ["rash"]),
        ("x-rays with captions", ("yes",), []),
        ("captions that mention a fracture", (), ["captions", "mention", "fracture"]),
    ],
)
def test_whether_there_is_a_caption_can_be_said(
    said: str, captioned: tuple[str, ...], phrases: list[str]
) -> None:
    state = understand(said, pipeline="").state
    found = [row for row in state.filters if row.field == "captioned"]
    assert tuple(value for row in found for value in row.included) == captioned
    assert not captioned or [phrase.text for phrase in state.phrases] == phrases


def test_ages_are_a_field_by_name_and_words_elsewhere() -> None:
    by_hand = understand("age:child,adolescent fracture", pipeline="").state
    assert [(r.field, r.included) for r in by_hand.filters] == [("age", ("child", "adolescent"))]
    assert understand("age:elderly", pipeline="").state.filters[0].included == ("older",)
    spoken = understand("fracture in children", pipeline="").state
    assert "age" not in {row.field for row in spoken.filters}
