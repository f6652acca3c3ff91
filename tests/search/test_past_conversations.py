"""What a person asked before: found again, pinned, and forgotten in time."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from search.models import Conversation, Turn
from search.tasks import forget_old_conversations
from search.understanding.state import QueryState

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client, django_user_model: Any) -> Client:
    client.force_login(django_user_model.objects.create_user("editor"))
    return client


def talk(user: str, *said: str, days_ago: float = 0) -> Conversation:
    from django.contrib.auth import get_user_model

    owner = get_user_model().objects.get_or_create(username=user)[0]
    past = Conversation.objects.create(user=owner, title=said[0])
    for words in said:
        Turn.objects.create(conversation=past, utterance=words, state=QueryState().as_json())
    long_ago = timezone.now() - timedelta(days=days_ago)
    Conversation.objects.filter(pk=past.pk).update(updated_at=long_ago)
    return past


def titles(browser: Client, **parameters: Any) -> list[str]:
    page = browser.get("/history/", parameters).context["page"]
    return [past.title for past in page]


def test_pinned_conversations_come_first_then_the_latest(browser: Client) -> None:
    oldest, _, _ = talk("editor", "a", days_ago=3), talk("editor", "b"), talk("editor", "c")
    assert titles(browser) == ["c", "b", "a"]
    browser.post(f"/c/{oldest.pk}/pin", {"pinned": "1"})
    assert titles(browser) == ["a", "c", "b"]
    assert b"Pinned" in browser.get("/").content
    browser.post(f"/c/{oldest.pk}/pin", {"pinned": "0"})
    assert titles(browser) == ["c", "b", "a"]


def test_a_conversation_is_found_by_its_title_and_by_what_was_said(browser: Client) -> None:
    talk("editor", "chest x-ray", "only with a pleural effusion")
    talk("editor", "knee MRI")
    assert titles(browser, q="EFFUSION") == ["chest x-ray"]
    assert titles(browser, q="knee") == ["knee MRI"]
    assert titles(browser, q="%") == []
    assert b"No conversation has these words." in browser.get("/history/", {"q": "%"}).content


def test_finding_counts_every_question_of_what_it_finds(browser: Client) -> None:
    talk("editor", "chest x-ray", "in women", "undo")
    [past] = browser.get("/history/", {"q": "women"}).context["page"]
    assert past.size == 3


def test_older_ones_are_a_page_away(browser: Client) -> None:
    for number in range(51):
        talk("editor", f"question {number}")
    assert len(titles(browser)) == 50
    assert titles(browser, page=2) == ["question 0"]
    assert titles(browser, page="rubbish") == titles(browser)


def test_nobody_sees_or_pins_what_is_not_theirs(browser: Client) -> None:
    other = talk("somebody-else", "secret words")
    assert titles(browser) == []
    assert titles(browser, q="secret") == []
    assert browser.get("/api/v1/conversations", {"q": "secret"}).json() == []
    assert browser.post(f"/c/{other.pk}/pin", {"pinned": "1"}).status_code == 404
    path = f"/api/v1/conversations/{other.pk}"
    pinning = browser.patch(path, {"pinned": True}, content_type="application/json")
    assert pinning.status_code == 404
    assert not Conversation.objects.get(pk=other.pk).pinned


def test_the_api_lists_finds_and_pins(browser: Client) -> None:
    past = talk("editor", "chest x-ray")
    talk("editor", "knee MRI")
    path = f"/api/v1/conversations/{past.pk}"
    changed = browser.patch(path, {"pinned": True}, content_type="application/json").json()
    assert (changed["pinned"], changed["title"]) == (True, "chest x-ray")
    listed = browser.get("/api/v1/conversations").json()
    assert [row["title"] for row in listed] == ["chest x-ray", "knee MRI"]
    found = browser.get("/api/v1/conversations", {"q": "knee"}).json()
    assert [row["title"] for row in found] == ["knee MRI"]


def test_what_nobody_goes_on_with_is_forgotten_in_time_but_for_the_pinned(
    browser: Client, settings: Any
) -> None:
    old, pinned = talk("editor", "old", days_ago=31), talk("editor", "pinned", days_ago=400)
    talk("editor", "new", days_ago=29)
    pinned.pin(True)
    forget_old_conversations()
    assert len(titles(browser)) == 3, "by default all are kept"
    settings.CONVERSATION_DAYS = 30
    assert b"30 days" in browser.get("/history/").content
    forget_old_conversations()
    assert titles(browser) == ["pinned", "new"]
    assert not Turn.objects.filter(conversation=old.pk).exists()
