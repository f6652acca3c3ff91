from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.understanding.state import (
    FILTER_FIELDS,
    MAX_PARTS,
    MAX_TEXT,
    Expansion,
    Filter,
    ImageReference,
    InvalidState,
    Phrase,
    QueryState,
)
from search.understanding.wire import count_parts, state_from_json

CHARACTERS = st.characters(exclude_characters="\0", codec="utf-8")
WORDS = st.text(CHARACTERS, min_size=1, max_size=20).filter(str.strip)
WEIGHTS = st.floats(-10, 10)
PLACES = st.integers(0, MAX_TEXT)
PHRASES = st.builds(Phrase, WORDS, WEIGHTS, st.booleans(), st.booleans(), st.booleans(), PLACES)
VALUES = st.lists(WORDS, min_size=1, max_size=3).map(tuple)
FILTERS = st.builds(
    Filter, st.sampled_from(FILTER_FIELDS), VALUES, VALUES, WORDS, st.booleans(), PLACES
)
UPLOADS = st.text("0123456789abcdef", min_size=32, max_size=32).map("upload:{}".format)
REGIONS = st.sampled_from([None, (0.0, 0.0, 1.0, 1.0), (0.25, 0.1, 0.5, 0.05)])
IMAGES = st.builds(
    ImageReference, st.integers(1, 10**9), WEIGHTS, st.booleans(), region=REGIONS
) | st.builds(ImageReference, weight=WEIGHTS, upload=UPLOADS)
EXPANSIONS = st.builds(Expansion, WORDS, WORDS, WEIGHTS, st.booleans())
STATES = st.builds(
    QueryState,
    st.text(CHARACTERS, max_size=50),
    st.lists(PHRASES, max_size=5).map(tuple),
    st.lists(FILTERS, max_size=3).map(tuple),
    st.lists(IMAGES, max_size=5).map(tuple),
    st.lists(EXPANSIONS, max_size=4).map(tuple),
    st.sampled_from(["hybrid", "lexical", "semantic"]),
    st.floats(0, 1),
    st.sampled_from(["linear", "rrf"]),
    st.sampled_from(["relevance", "newest", "oldest", "source"]),
    st.booleans(),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(STATES)
def test_a_state_comes_back_from_json_as_it_was(state: QueryState) -> None:
    assert state_from_json(json.loads(json.dumps(state.as_json()))) == state


def test_what_is_left_out_takes_its_default() -> None:
    assert state_from_json({}) == QueryState()
    assert state_from_json({"phrases": [{"text": "cyst"}]}) == QueryState(phrases=(Phrase("cyst"),))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "object"),
        ([], "object"),
        ({"colour": 1}, "colour"),
        ({"utterance": 5}, "utterance"),
        ({"utterance": "x" * (MAX_TEXT + 1)}, "utterance"),
        ({"mode": "psychic"}, "mode"),
        ({"mode": None}, "mode"),
        ({"fusion": "cold"}, "fusion"),
        ({"alpha": 1.5}, "alpha"),
        ({"alpha": -0.1}, "alpha"),
        ({"alpha": math.nan}, "alpha"),
        ({"alpha": "0.5"}, "alpha"),
        ({"alpha": True}, "alpha"),
        ({"phrases": {}}, "phrases"),
        ({"phrases": ["cyst"]}, r"phrases\[0\]"),
        ({"phrases": [{}]}, r"phrases\[0\].text"),
        ({"phrases": [{"text": " "}]}, r"phrases\[0\].text"),
        ({"phrases": [{"text": "x" * (MAX_TEXT + 1)}]}, r"phrases\[0\].text"),
        ({"phrases": [{"text": "x", "weight": "1"}]}, r"phrases\[0\].weight"),
        ({"phrases": [{"text": "x", "weight": math.inf}]}, r"phrases\[0\].weight"),
        ({"phrases": [{"text": "x", "quoted": 1}]}, r"phrases\[0\].quoted"),
        ({"phrases": [{"text": "x", "position": -1}]}, r"phrases\[0\].position"),
        ({"phrases": [{"text": "x", "position": 1.5}]}, r"phrases\[0\].position"),
        ({"phrases": [{"text": "x", "shade": 1}]}, "shade"),
        ({"filters": [{"field": "mood", "included": ["x"]}]}, r"filters\[0\].field"),
        ({"filters": [{"field": ["modality"], "included": ["x"]}]}, r"filters\[0\].field"),
        ({"filters": [{"field": "modality"}]}, r"filters\[0\]"),
        ({"filters": [{"field": "modality", "included": "ct"}]}, r"filters\[0\].included"),
        ({"filters": [{"field": "modality", "included": [1]}]}, r"filters\[0\].included"),
        ({"filters": [{"field": "modality", "included": [""]}]}, r"filters\[0\].included"),
        ({"images": [{"image_id": 0}]}, r"images\[0\].image_id"),
        ({"images": [{"image_id": True}]}, r"images\[0\].image_id"),
        ({"images": [{"image_id": 2**63}]}, r"images\[0\].image_id"),
        ({"images": [{}]}, r"images\[0\].image_id"),
        ({"images": [{"upload": "http://127.0.0.1/x"}]}, r"images\[0\].upload"),
        ({"images": [{"upload": "upload:../x"}]}, r"images\[0\].upload"),
        ({"images": [{"upload": f"upload:{'a' * 32}", "image_id": 1}]}, "either"),
        ({"images": [{"image_id": 1, "with_caption": None}]}, r"images\[0\].with_caption"),
        ({"images": [{"image_id": 1}] * (MAX_PARTS + 1)}, "at most"),
        ({"images": [{"image_id": 1, "region": [0, 0, 1]}]}, r"images\[0\].region"),
        ({"images": [{"image_id": 1, "region": "all"}]}, r"images\[0\].region"),
        ({"images": [{"image_id": 1, "region": [0, 0, 1, None]}]}, r"images\[0\].region"),
        ({"images": [{"image_id": 1, "region": [0.6, 0, 0.5, 1]}]}, "within the picture"),
        ({"images": [{"image_id": 1, "region": [-0.1, 0, 0.5, 1]}]}, "within the picture"),
        ({"images": [{"image_id": 1, "region": [0, 0, 0.01, 1]}]}, "wide and high"),
        ({"images": [{"upload": f"upload:{'a' * 32}", "region": [0, 0, 1, 1]}]}, "when added"),
        ({"sort": "colour"}, "sort"),
        ({"denied": "yes"}, "denied"),
    ],
)
def test_a_bad_state_is_refused_by_its_place(data: Any, told: str) -> None:
    with pytest.raises(InvalidState, match=told):
        state_from_json(data)


def test_parts_are_counted_over_all_kinds() -> None:
    half = [{"text": f"x{i}"} for i in range(MAX_PARTS // 2)]
    values = [str(i) for i in range(MAX_PARTS - len(half))]
    full = {"phrases": half, "filters": [{"field": "year", "included": values}]}
    assert count_parts(state_from_json(full)) == MAX_PARTS
    with pytest.raises(InvalidState, match="at most"):
        state_from_json({**full, "images": [{"image_id": 1}]})


@given(ANYTHING | st.fixed_dictionaries({"phrases": ANYTHING, "filters": ANYTHING}))
def test_any_data_is_a_state_or_refused(data: object) -> None:
    with suppress(InvalidState):
        state = state_from_json(data)
        assert state_from_json(state.as_json()) == state
