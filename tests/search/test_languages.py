"""A question in another language is answered, with a word that this reads English."""

from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from search import asking, caption_words
from search.models import IndexBuild
from tests.search.talking import ask

FRENCH = "montre-moi des images de fracture du poignet"
NOTICE = "This reads English; these words look French and may find little."


@pytest.mark.django_db(transaction=True)
async def test_on_the_socket_a_french_question_gets_a_notice_and_hits(
    build: IndexBuild, socket: WebsocketCommunicator
) -> None:
    frames = {frame["type"]: frame["data"] for frame in await ask(socket, FRENCH)}
    assert NOTICE in frames["chips"]["notices"]
    assert frames["hits"]["hits"]
    english = {f["type"]: f["data"] for f in await ask(socket, "new topic: situs inversus")}
    assert not [said for said in english["chips"]["notices"] if "English" in said]


@pytest.mark.django_db(transaction=True)
def test_over_http_and_on_the_plain_page_too(build: IndexBuild, editor: Any) -> None:
    client = Client()
    client.force_login(editor)
    query = {"type": "query", "utterance": FRENCH}
    turn = client.post("/api/v1/turns", query, content_type="application/json").json()
    found = client.get("/api/v1/search", {"q": FRENCH}).json()
    page = client.get("/search", {"q": FRENCH}).content.decode()
    for answer in (turn, found):
        assert answer["notices"].count(NOTICE) == 1
        assert answer["hits"]
    assert page.count(f"<span>{NOTICE}</span>") == 1


@pytest.mark.django_db(transaction=True)
def test_what_captions_say_is_never_foreign(build: IndexBuild, images: dict[str, Any]) -> None:
    for name in ("knee", "clear"):
        image = images[name]
        image.caption_clean = f"{FRENCH}."
        image.save()
    caption_words.word_counts.cache_clear()
    assert NOTICE not in asking.read(FRENCH).notices
    caption_words.word_counts.cache_clear()


@pytest.mark.django_db
def test_a_search_may_be_saved_under_a_name_in_any_language(editor: Any) -> None:
    first = asking.say(editor, "knee MRI", None, {})
    saved = asking.say(editor, "save this as Brüche der Hand bei Kindern", first.conversation, {})
    assert saved.moves == ["save"]
    assert not [said for said in saved.notices if "English" in said]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("utterance", "language"),
    [("肺炎", "Chinese"), ("bilder av brukket håndledd hos barn", "Norwegian")],
)
def test_every_language_has_a_name(utterance: str, language: str) -> None:
    assert f"look {language} " in asking.read(utterance).notices[0]


@pytest.mark.django_db
def test_no_language_is_without_a_name() -> None:
    from django.utils.translation import get_language_info

    from search.understanding.languages import ABROAD

    assert all(code == "zh" or get_language_info(code)["name_translated"] for code in ABROAD)
