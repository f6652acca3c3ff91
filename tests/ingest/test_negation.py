from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.negation import Mentions, split_mentions

LEAST_EXACT = 0.95
LONG = 10_000

PIECES = (
    "no", "not", "without", "with", "and", "or", "nor", "but", "absent", "absence of", "free of",
    "no longer", "resolution of", "evidence of", "not seen", "was", "is absent", "contrast",
    "cannot be excluded", "change", "in the lung", "on", "the", "mass", "effusion", "cyst", ",",
    ".", ";", "(", ")", ":", "no. 3", "ruled out", "negative for", "shows", "which", "neither",
)  # fmt: skip


def hand_checked() -> list[tuple[str, str]]:
    with Path(__file__).with_name("negations.psv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE)
        return [(row["caption"], row["negated"]) for row in rows]


def test_the_table_has_at_least_60_captions_and_no_two_alike() -> None:
    captions = [caption for caption, _ in hand_checked()]
    assert len(captions) >= 60
    assert len(set(captions)) == len(captions)


def test_what_is_denied_in_the_table_is_read_exactly() -> None:
    judged = [(split_mentions(caption).negated, right) for caption, right in hand_checked()]
    wrong = [(read, right) for read, right in judged if read != right]
    assert len(wrong) <= (1 - LEAST_EXACT) * len(judged), wrong


@pytest.mark.parametrize(
    "caption",
    [
        "No change in the nodule.",
        "No significant interval change.",
        "No increase in size.",
        "No evidence of progression of the glioma.",
        "Not only a fracture but a dislocation.",
        "CT of the head without contrast.",
        "CT without intravenous contrast shows a mass.",
        "MRI with and without contrast.",
        "Non-contrast CT of the abdomen.",
        "Unenhanced CT of the liver.",
        "The cyst is no longer than 3 cm.",
        "A nodule no larger than 5 mm.",
        "Margins are not well defined.",
        "The tail is not well visualised.",
        "Malignancy cannot be excluded.",
        "A fracture could not be ruled out.",
        "Radiograph to rule out fracture.",
        "Patient no. 3 with a cyst.",
        "Case No 12.",
        "Unremarkable chest film.",
        "Partial resolution of the effusion.",
        "High-resolution CT of the lungs.",
        "Sampled at a resolution of 0.5 mm.",
        "No-reflow phenomenon in the left coronary artery.",
        "Possible nodule, suspicious for cancer.",
        "The answer is no.",
    ],
)
def test_a_pseudo_negation_stays_asserted(caption: str) -> None:
    assert split_mentions(caption) == Mentions(caption, "")


@pytest.mark.parametrize(
    ("caption", "asserted"),
    [
        ("No evidence of pneumothorax.", ""),
        ("", ""),
        ("A  small\tnodule.", "A small nodule."),
        ("A nodule. No mass. Clear bones.", "A nodule. Clear bones."),
        ("Cysts with no septa, but calcified walls.", "Cysts but calcified walls."),
        ("Normal flow and no evidence of a stricture.", "Normal flow."),
        ("No mass in the liver.", "in the liver."),
        ("A cyst was found and a mass was not seen.", "A cyst was found."),
        ("Left eye (no haemorrhage) of a child.", "Left eye of a child."),
        ("CT without contrast shows no bleed.", "CT without contrast shows."),
        ("No effusion; the heart is large.", "the heart is large."),
    ],
)
def test_the_asserted_part_is_what_remains(caption: str, asserted: str) -> None:
    assert split_mentions(caption).asserted == asserted


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join) | st.text(max_size=200))
def test_nothing_is_denied_in_what_is_asserted(caption: str) -> None:
    asserted = split_mentions(caption).asserted
    assert split_mentions(asserted) == Mentions(asserted, "")


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
def test_no_word_is_invented(caption: str) -> None:
    split = split_mentions(caption)
    spoken = caption.replace("(", " ").replace(")", " ").split()
    for word in f"{split.asserted} {split.negated}".replace("(", " ").replace(")", " ").split():
        assert word.strip(",.;:") in {each.strip(",.;:") for each in spoken} | {""}


@pytest.mark.parametrize(
    "unit", ["no ", "no mass, ", "no a in b, or ", "was ", "(", ",", " -", "no a and b, "]
)
@pytest.mark.parametrize("end", ["", " was not seen"])
def test_a_hostile_caption_is_split_at_all(unit: str, end: str) -> None:
    """A pattern that backtracks without bound would never come back from these."""
    split = split_mentions((unit * LONG)[:LONG] + end)
    assert split_mentions(split.asserted) == Mentions(split.asserted, "")
