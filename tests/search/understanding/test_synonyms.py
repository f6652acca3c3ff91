"""Other words for what is looked for: what the table gives, and that each can be taken away."""

import pytest

from search.query import clauses_of, scope_of
from search.understanding.chips import chips
from search.understanding.edits import apply
from search.understanding.state import Filter, Phrase, QueryState
from search.understanding.synonyms import MOST, TABLE, Thesaurus, expanded, thesaurus
from search.understanding.understand import understand
from search.understanding.wire import state_from_json

STONE = QueryState(phrases=(Phrase("large kidney stone"),))


def others(state: QueryState) -> set[str]:
    return {expansion.text for expansion in state.expansions}


def test_the_table_holds_well_formed_rows_and_each_form_once() -> None:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line and not line.startswith("#")]
    assert len(rows) >= 400
    assert {len(row) for row in rows} == {4}
    assert all(row[0].strip() and row[3].strip() for row in rows)
    said = [form.strip().casefold() for row in rows for form in (row[0], *row[1].split(";"))]
    said = [form for form in said if form]
    assert len(said) == len(set(said))
    assert len(thesaurus()) >= len(rows)


def test_lay_words_find_what_captions_call_otherwise() -> None:
    assert {"renal calculus", "nephrolithiasis"} <= others(expanded(STONE))


@pytest.mark.parametrize(("said", "found"), [("SOB", True), ("sob", False)])
def test_an_abbreviation_is_taken_only_in_capitals(said: str, found: bool) -> None:
    state = expanded(QueryState(phrases=(Phrase(said),)))
    assert ("dyspnea" in others(state)) is found


def test_the_longest_form_is_taken_and_no_part_of_it() -> None:
    table = Thesaurus(["kidney | renal | | anatomy", "kidney stone | calculus | | lay"])
    found = table.expansions(Phrase("kidney stones"))
    assert [expansion.text for expansion in found] == ["calculus"]


def test_each_other_word_is_a_label_and_counts_until_it_is_taken_away() -> None:
    state = expanded(STONE)
    chip = next(chip for chip in chips(state) if chip.label == "renal calculus")
    assert chip.kind == "synonym"
    assert "renal calculus" in {clause.text for clause in clauses_of(state, {})}
    left = expanded(apply(state, {"op": "remove", "chip": chip.id}), state)
    assert others(left) == others(state) - {"renal calculus"}
    assert "renal calculus" not in {clause.text for clause in clauses_of(left, {})}


def test_the_words_of_a_technique_have_other_words_that_go_with_its_label() -> None:
    state = expanded(understand("diffusion-weighted MRI of the brain").state)
    assert "DWI" in others(state)
    chip = next(chip for chip in chips(state) if chip.value == "mri")
    assert others(apply(state, {"op": "remove", "chip": chip.id})) == set()


def test_other_words_of_a_technique_count_half_of_those_of_a_phrase() -> None:
    table = Thesaurus(["diffusion-weighted MRI | !DWI | | abbreviation"])
    [of_phrase] = table.expansions(Phrase("diffusion-weighted MRI"))
    [of_filter] = expanded(understand("diffusion-weighted MRI").state, table=table).expansions
    assert of_filter.weight == of_phrase.weight / 2


def test_a_technique_that_is_left_out_or_chosen_by_its_label_has_no_other_words() -> None:
    assert others(expanded(understand("brain, no DWI").state)) == set()
    by_hand = QueryState(filters=(Filter("modality", included=("mri",)),))
    assert others(expanded(by_hand)) == set()


def test_other_words_go_with_their_phrase() -> None:
    state = expanded(STONE)
    phrase = next(chip for chip in chips(state) if chip.kind == "phrase")
    assert apply(state, {"op": "remove", "chip": phrase.id}).expansions == ()


def test_what_is_excluded_is_excluded_by_its_other_names_too() -> None:
    state = expanded(QueryState(phrases=(Phrase("haemorrhage", excluded=True),)))
    assert "hemorrhage" in scope_of(state).without
    assert clauses_of(state, {}) == []


def test_a_quoted_phrase_has_no_other_words() -> None:
    assert expanded(QueryState(phrases=(Phrase("kidney stone", quoted=True),))).expansions == ()


def test_the_encoder_never_reads_other_words() -> None:
    assert expanded(STONE).encoder_text == "large kidney stone"


def test_there_are_no_more_than_can_be_read() -> None:
    many = ["kidney stone", "edema", "dyspnea", "hemorrhage", "chest radiograph", "fracture"]
    state = expanded(QueryState(phrases=tuple(Phrase(text) for text in many)))
    assert 0 < len(state.expansions) <= MOST


def test_a_state_with_other_words_comes_back_as_it_was_stored() -> None:
    state = expanded(STONE)
    assert state_from_json(state.as_json()) == state
