"""Where matches become weak: of plain numbers, then on the page, the API and the socket."""

import re
from typing import Any

import pytest
from django.test import Client

from search.cutoff import strong, wanted_words
from search.engines.base import Clause
from search.fusion import Ranked
from search.models import IndexBuild


def hits(*bm25: float) -> list[Ranked]:
    return [Ranked(100 - rank, rank, 1.0 / rank, bm25=value) for rank, value in enumerate(bm25, 1)]


def test_the_line_is_after_the_last_hit_that_matches_half_as_well_as_the_best() -> None:
    assert strong(hits(20, 11, 0, 10, 9, 1, 0), wanted=2, documents=1000) == 4


def test_one_word_of_four_is_no_good_match_though_it_is_the_best_there_is() -> None:
    rare_word = hits(7.0, 6.5, 0, 0)
    assert strong(rare_word, wanted=4, documents=1000) == 0
    assert strong(rare_word, wanted=1, documents=1000) == 2


def test_a_word_that_most_captions_have_is_a_good_match_where_it_is_all_that_was_asked() -> None:
    common_word = hits(*[0.9] * 60, *[0.0] * 40)
    assert strong(common_word, wanted=1, documents=100) == 60


def test_where_no_caption_has_any_of_the_words_nothing_matches_well() -> None:
    assert strong(hits(0, 0, 0), wanted=1, documents=1000) == 0
    assert strong([], wanted=1, documents=0) == 0


def test_a_weight_on_all_words_moves_no_line() -> None:
    assert strong(hits(14, 7, 3), wanted=2, documents=500) == strong(
        hits(7, 3.5, 1.5), wanted=1, documents=500
    )


def test_words_count_as_they_weigh_and_other_words_for_them_do_not() -> None:
    clauses = [Clause("pleural effusion"), Clause("chest", 0.5), Clause("hydrothorax", 0.5, True)]
    assert wanted_words(clauses) == 2.5


# --- In a search


def api(browser: Client, **asked: Any) -> Any:
    return browser.get("/api/v1/search", asked).json()


@pytest.mark.django_db(transaction=True)
def test_captions_with_the_words_stand_above_the_line_and_pictures_alone_below(
    build: IndexBuild, browser: Client, images: dict[str, Any]
) -> None:
    got = api(browser, q="torn meniscus", alpha="0.3")
    assert (got["ranked"], got["strong"]) == (8, 1)
    assert got["hits"][0]["image_id"] == images["knee"].pk
    assert [hit["weak"] for hit in got["hits"]] == [False, *[True] * 7]
    page = api(browser, q="torn meniscus", alpha="0.3", offset=1, limit=2)
    assert page["strong"] == 1
    assert [hit["weak"] for hit in page["hits"]] == [True, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("words", ["zzzzqqq", "recipe for chocolate cake", "red sports car"])
def test_what_the_corpus_does_not_have_matches_nothing_well_and_is_still_answered(
    build: IndexBuild, browser: Client, words: str
) -> None:
    got = api(browser, q=words)
    assert (got["strong"], got["ranked"]) == (0, 8)
    assert all(hit["weak"] for hit in got["hits"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "asked", [{"q": "zzzzqqq", "mode": "semantic"}, {"modality": "mri"}, {"like": "knee"}]
)
def test_without_words_to_compare_there_is_no_line(
    build: IndexBuild, browser: Client, images: dict[str, Any], asked: dict[str, str]
) -> None:
    if "like" in asked:
        asked = {"like": str(images[asked["like"]].pk)}
    got = api(browser, **asked)
    assert got["strong"] == got["ranked"] > 0
    assert not any(hit["weak"] for hit in got["hits"])


def line_in(page: str) -> list[bool]:
    """Of each card in the page, whether it stands below the line."""
    cards = re.findall(r'<li class="(hit[^"]*)" data-image-id="\d+"', page)
    return ["is-weak" in card for card in cards]


@pytest.mark.django_db(transaction=True)
def test_the_plain_page_shows_the_line_before_the_first_weak_card(
    build: IndexBuild, browser: Client
) -> None:
    page = browser.get("/search", {"q": "torn meniscus", "alpha": "0.3"}).content.decode()
    assert line_in(page) == [False, *[True] * 7]
    first_weak = page.split('<li class="hit is-weak"')[1]
    heading = first_weak.index("Weaker matches below")
    assert heading < first_weak.index("hit-open")
    assert 'class="grid is-all-weak"' not in page


@pytest.mark.django_db(transaction=True)
def test_the_plain_page_says_that_nothing_matches_well(build: IndexBuild, browser: Client) -> None:
    page = browser.get("/search", {"q": "zzzzqqq"}).content.decode()
    assert line_in(page) == [True] * 8
    assert 'class="grid is-all-weak"' in page
    assert "Nothing matches well" in page.split("is-all-weak")[1]
