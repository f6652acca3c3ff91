from __future__ import annotations

from importlib.util import find_spec

import pytest

from search.understanding.noun_phrases import (
    DEFAULT_PIPELINE,
    LIFTED,
    Span,
    load_pipeline,
    noun_phrases,
)

needs_pipeline = pytest.mark.skipif(
    find_spec(DEFAULT_PIPELINE) is None, reason=f"{DEFAULT_PIPELINE} is not installed"
)


def phrases(text: str, pipeline: str = "", fixed: tuple[Span, ...] = ()) -> list[str]:
    spans = noun_phrases(text, load_pipeline(pipeline), fixed)
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("right lower lobe consolidation", ["right lower lobe consolidation"]),
        ("fracture of the distal radius", ["fracture", "distal radius"]),
        ("air-fluid level (arrow), 5 cm", ["air-fluid level", "arrow", "5 cm"]),
        ("it is what they have", []),
        ("", []),
        (f"large {LIFTED * 4} effusion", ["large", "effusion"]),
    ],
)
def test_runs_of_content_words_are_phrases_by_rule(text: str, found: list[str]) -> None:
    assert phrases(text) == found


@needs_pipeline
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fracture of the distal radius", ["fracture", "distal radius"]),
        ("left lung mass", ["left lung mass"]),
        ("dilated bowel loops", ["dilated bowel loops"]),
        ("subdural hematoma elderly", ["subdural hematoma", "elderly"]),
        ("non-contrast study", ["non-contrast study"]),
        (f"large {LIFTED * 4} effusion", ["large", "effusion"]),
    ],
)
def test_noun_chunks_are_phrases_with_a_pipeline(text: str, found: list[str]) -> None:
    assert phrases(text, DEFAULT_PIPELINE) == found


@pytest.mark.parametrize("pipeline", ["", pytest.param(DEFAULT_PIPELINE, marks=needs_pipeline)])
def test_a_set_phrase_is_not_taken_apart(pipeline: str) -> None:
    text = "old fracture neck of femur"
    assert phrases(text, pipeline, (Span(13, 26),))[-1].endswith("neck of femur")
