from django.template import Context
from django.test import RequestFactory

from search.templatetags.search_display import facet_url, segments, synonyms
from search.understanding.chips import chips
from search.understanding.state import Expansion, Phrase, QueryState


def marked(caption: str, *highlights: tuple[int, int]) -> str:
    pieces = segments({"caption": caption, "highlights": list(highlights)})
    return "".join(f"[{text}]" if is_marked else text for text, is_marked in pieces)


def facet(address: str, field: str, value: object) -> str:
    request = RequestFactory().get(address)
    return facet_url(Context({"request": request}), field, value).partition("?")[2]


def test_highlights_are_marked_in_any_order():
    assert marked("right pleural effusion", (14, 22), (0, 5)) == "[right] pleural [effusion]"


def test_overlapping_and_overlong_highlights_repeat_nothing():
    assert marked("abcd", (0, 2), (1, 3), (3, 99)) == "[ab][c][d]"


def test_a_picture_without_highlights_is_one_piece():
    assert list(segments({"caption": "plain"})) == [("plain", False)]


def test_no_hit_has_no_pieces():
    assert list(segments("")) == []


def test_a_facet_link_adds_its_value_and_returns_to_the_first_page():
    assert facet("/search?q=chest&offset=24", "modality", "ct") == "q=chest&modality=ct"


def test_a_second_value_of_a_field_joins_the_first():
    assert facet("/search?modality=ct", "modality", "mri") == "modality=ct&modality=mri"


def test_the_link_of_a_chosen_value_takes_it_away():
    assert facet("/search?q=a&year=2014", "year", 2014) == "q=a"


def test_other_words_fold_away_whether_they_are_looked_for_or_left_out():
    state = QueryState(
        phrases=(Phrase("kidney stone"), Phrase("stroke", excluded=True)),
        expansions=(
            Expansion("renal calculus", of="kidney stone"),
            Expansion("CVA", of="stroke", excluded=True),
        ),
    )
    folded = synonyms([chip.as_json() for chip in chips(state)])
    assert [chip["label"] for chip in folded] == ["renal calculus", "CVA"]
