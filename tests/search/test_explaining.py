"""What is said of a score is what the score is made of."""

import re
from typing import Any

import pytest
from django.test import Client

from search.engines.base import Blend, Candidate, Match
from search.explaining import why
from search.fusion import fuse, rank_leg
from search.understanding.state import QueryState

POOL = [Candidate(1, 8.0, 0.4), Candidate(2, 2.0, 0.5), Candidate(3, 0.0, 0.3)]
LEXICAL = [Match(1, 8.0), Match(2, 2.0)]
SEMANTIC = [Match(2, 0.5), Match(1, 0.4), Match(3, 0.3)]


def explained(image_id: int, *matched: str, **settings: Any) -> Any:
    state = QueryState(**settings)
    hits = fuse(POOL, LEXICAL, SEMANTIC, Blend(state.fusion, state.alpha))
    return why(next(hit for hit in hits if hit.image_id == image_id), state, matched)


def test_a_hit_of_both_legs_names_matches_ranks_scaled_scores_and_weights() -> None:
    told = explained(1, "Pleural effusion", "left", "pleural effusion", alpha=0.25)
    assert told["words"] == (
        "1st by words, BM25 8.00, scaled over the candidates 1.00, times 0.75 (1 − α). "
        "Matched: pleural effusion, left."
    )
    assert told["picture"] == (
        "2nd by picture, cosine 0.400, scaled over the candidates 0.50, times 0.25 (α)."
    )


@pytest.mark.parametrize("fusion", ["linear", "rrf"])
@pytest.mark.parametrize("alpha", [0.1, 0.37, 0.5, 0.9])
@pytest.mark.parametrize("image_id", [1, 2])
def test_the_parts_that_are_named_add_up_to_the_score_that_is_named(
    image_id: int, alpha: float, fusion: str
) -> None:
    told = explained(image_id, fusion=fusion, alpha=alpha)["score"]
    words, picture, score = map(float, re.findall(r"\d\.\d+", told))
    assert words + picture == pytest.approx(score, abs=1e-9)
    share, rest = map(int, re.findall(r"(\d+)%", told))
    assert share + rest == 100


def test_by_rank_the_fractions_are_named() -> None:
    told = explained(1, fusion="rrf")
    assert "as number 1 of the candidates 1 ÷ (60 + 1)" in told["words"]
    assert "as number 2 of the candidates 1 ÷ (60 + 2)" in told["picture"]


def test_without_a_matching_word_the_picture_alone_is_credited() -> None:
    assert explained(3)["words"] == "No word of the caption matches."


def test_one_leg_alone_is_not_said_to_be_scaled() -> None:
    (first, *_rest) = rank_leg(LEXICAL, lexical=True)
    told = why(first, QueryState(mode="lexical"), ["effusion"])
    assert told["score"] == "Ranked by words alone: its score is its BM25."
    assert told["words"] == "1st by words, BM25 8.00. Matched: effusion."
    assert told["picture"] == "The picture was not compared."
    (first, *_rest) = rank_leg(SEMANTIC, lexical=False)
    told = why(first, QueryState(mode="semantic"), [])
    assert told["picture"] == "1st by picture, cosine 0.500."
    assert told["words"] == "The words were not compared."


@pytest.mark.django_db(transaction=True)
def test_every_hit_of_an_answer_says_why(build: Any, editor: Any) -> None:
    client = Client()
    client.force_login(editor)
    hits = client.get("/api/v1/search", {"q": "gallstones"}).json()["hits"]
    assert "Matched: gallstones." in hits[0]["why"]["words"]
    assert all(hit["why"]["score"] for hit in hits)


@pytest.mark.django_db(transaction=True)
def test_the_panel_names_the_index_and_the_model_that_answered(
    build: Any, editor: Any, images: Any
) -> None:
    from search import asking

    client = Client()
    client.force_login(editor)
    turn = asking.say(editor, "effusion", None, {})
    about = client.get(f"/images/{images['effusion'].pk}/about", {"turn": turn.pk})
    assert f"Answered by index {build.pk}, of the model tiny." in about.content.decode()
    alone = client.get(f"/images/{images['effusion'].pk}/about").content.decode()
    assert "Answered by" not in alone
