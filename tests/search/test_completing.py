"""Suggestions while one types: from the captions and one's own history, never a dead end."""

from time import perf_counter
from typing import Any

import pytest
from django.test import Client

from ingest.models import Image
from search import caption_words, completing
from search.models import IndexBuild

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def counted_anew() -> None:
    caption_words.frequent_phrases.cache_clear()
    completing._finds.cache_clear()


def suggested(browser: Client, text: str) -> list[str]:
    answer = browser.get("/api/v1/suggestions", {"q": text})
    assert answer.status_code == 200
    return [row["text"] for row in answer.json()]


def ask(browser: Client, utterance: str) -> None:
    body = {"utterance": utterance}
    answer = browser.post("/api/v1/turns", body, content_type="application/json")
    assert answer.status_code == 201


def test_what_is_typed_goes_on_in_phrases_of_the_captions(
    build: IndexBuild, browser: Client
) -> None:
    assert suggested(browser, "pleu") == ["pleural effusion"]
    assert suggested(browser, "EFFUS") == ["effusion", "pleural effusion"]
    assert suggested(browser, "chest x-ray with a pleu") == ["chest x-ray with a pleural effusion"]


@pytest.mark.parametrize(
    "text", ["", "p", "zzqq", "x" * 300, "'", "%", "\\", "(", "pleural effusion"]
)
def test_nothing_is_suggested_where_nothing_goes_on(
    build: IndexBuild, browser: Client, text: str
) -> None:
    assert suggested(browser, text) == []


def test_nothing_that_finds_nothing_is_suggested(
    build: IndexBuild, browser: Client, images: dict[str, Any]
) -> None:
    assert suggested(browser, "axial CT ab") == ["axial ct abdomen"]
    assert suggested(browser, "ultrasound pleu") == ["ultrasound pleural effusion"]
    Image.objects.filter(modality="ultrasound").update(modality="")
    completing._finds.cache_clear()
    assert suggested(browser, "ultrasound pleu") == []
    assert suggested(browser, "chest without pleu") == []


def test_ones_own_questions_come_first_and_nobody_elses(
    build: IndexBuild, browser: Client, django_user_model: Any
) -> None:
    ask(browser, "Pleural fluid on the left")
    ask(browser, "pleural year:1850")
    assert suggested(browser, "pleu")[0] == "Pleural fluid on the left"
    other = Client()
    other.force_login(django_user_model.objects.create_user("other"))
    assert suggested(other, "pleu") == ["pleural effusion"]
    assert Client().get("/api/v1/suggestions?q=pleu").status_code in (401, 403)


def test_every_suggestion_finds_something_and_there_are_eight_at_most(
    build: IndexBuild, browser: Client
) -> None:
    for text in ("ax", "ct", "chest ", "ct of the ", "mri of", "kn", "with", "pl", "ab"):
        rows = suggested(browser, text)
        assert len(rows) <= 8
        for row in rows:
            assert browser.get("/api/v1/search", {"q": row}).json()["ranked"] > 0


def test_2000_captions_answer_at_once(build: IndexBuild, browser: Client, editor: Any) -> None:
    like = Image.objects.get(external_id="effusion")
    words = ("pleural", "pulmonary", "hepatic", "renal", "cardiac")
    Image.objects.bulk_create(
        Image(
            collection=like.collection, external_id=f"more-{n}", modality="x-ray",
            sha256=str(n), file=like.file, thumbnail=like.thumbnail, width=9, height=9,
            caption_clean=f"Chest x-ray with {words[n % 5]} finding {n % 40}, {n % 90} years old",
        )
        for n in range(2000)
    )  # fmt: skip
    completing.complete(editor, "warm")
    times = []
    for text in ("ple", "chest x-ray with he", "fi", "ren", "ches", "in a", "x-ray wi"):
        began = perf_counter()
        completing.complete(editor, text)
        times.append(perf_counter() - began)
    assert sorted(times)[len(times) // 2] < 0.03
