from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.captions import clean_caption

AWKWARD = st.sampled_from(
    ["&amp;", "&lt;", "|", "<|", "|>", "<", ">", "Fig. 1a", "Figure 2: ", "$", "\\alpha", "{", "}",
     "\\text{", "â€™", "\u200b", "\x00", "\u0338", "A ", "1", " ", "<i>", "&", "amp;", "#38;",
     "$^{2}$"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Fig. 1a: Axial CT", "Axial CT"),
        ("Figure 2: Chest radiograph.", "Chest radiograph."),
        ("Figure 3. Sagittal T2", "Sagittal T2"),
        ("FIGURE 4 Coronal view", "Coronal view"),
        ("(Fig. 5) MRI of the knee", "MRI of the knee"),
        ("Fig. 1A-C. Three planes", "Three planes"),
        ("Fig. 1 Fig. 1 Sonogram", "Sonogram"),
        ("Figure 7", ""),
        ("Figure 1 shows a cyst", "Figure 1 shows a cyst"),
        ("Figure 1 A chest film", "A chest film"),
        ("The lesion of Figure 5 has gone", "The lesion of Figure 5 has gone"),
        ("figure skating injury", "figure skating injury"),
    ],
)
def test_a_figure_reference_is_dropped_where_it_leads(raw: str, cleaned: str) -> None:
    assert clean_caption(raw) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("cyst &lt; 3&nbsp;cm", "cyst < 3 cm"),
        ("salt &amp;amp; pepper", "salt & pepper"),
        ("the patient&#39;s knee", "the patient's knee"),
        ("the patientâ€™s knee", "the patient’s knee"),
        ("two\n lines\tand   gaps ", "two lines and gaps"),
        ("zero\u200bwidth and \x07bell", "zerowidth and bell"),
        ("e\u0301chographie", "échographie"),
        ("T2\u2011weighted", "T2-weighted"),
        ("<i>Candida</i> in H<sub>2</sub>O", "Candida in H2O"),
        ("a 10 $\\mu$m bar", "a 10 mu m bar"),
        ("area of 2 $\\text{cm}^{2}$ in 5\\% of cells", "area of 2 cm^{2} in 5% of cells"),
        ("a <|endoftext|> b <|startoftext|>c", "a b c"),
        ("end <|endo", "end endo"),
        ("", ""),
        ("Left Kidney", "Left Kidney"),
        ("it costs $5 or $6", "it costs $5 or $6"),
    ],
)
def test_leftovers_of_typesetting_are_cleaned(raw: str, cleaned: str) -> None:
    assert clean_caption(raw) == cleaned


def test_a_whole_latex_document_leaves_its_formula() -> None:
    raw = (
        "\\documentclass[12pt]{minimal} \\usepackage{x} \\begin{document}$$\\alpha$$\\end{document}"
    )
    assert clean_caption(f"with {raw} shown") == "with alpha shown"


@given(st.text() | st.lists(AWKWARD | st.text(max_size=3)).map("".join))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_caption(text)
    assert clean_caption(once) == once


@given(st.lists(AWKWARD | st.text(max_size=3)).map("".join))
def test_no_special_token_or_line_break_is_left(text: str) -> None:
    cleaned = clean_caption(text)
    assert "<|" not in cleaned
    assert "|>" not in cleaned
    assert len(cleaned.splitlines()) <= 1


@pytest.mark.parametrize(
    "hostile",
    ["&" + "amp;" * 50_000, "<|" * 50_000, "Fig. 1 " * 20_000, "\\text{" * 20_000, "$" * 50_000,
     "\\documentclass" * 5_000, "&amp;lt;|" * 20_000, "<i" * 40_000],
    ids=["entities", "tokens", "figures", "braces", "dollars", "documents", "mixed", "tags"],
)  # fmt: skip
def test_hostile_text_is_cleaned_at_all(hostile: str) -> None:
    """A pattern that backtracks without bound would never come back from these."""
    cleaned = clean_caption(hostile)
    assert clean_caption(cleaned) == cleaned
