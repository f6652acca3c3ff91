"""Names that are given while another tab does something: a sentence, never a fault."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from search.models import Conversation, SavedSearch
from search.understanding.state import QueryState

pytestmark = pytest.mark.django_db


@contextmanager
def meanwhile(
    table: str, act: Callable[[], object], *, after_a_look: bool = False
) -> Iterator[None]:
    """
    `act` happens right before the first row of the table is written, as another tab's would, or
    right after it was first looked at.
    """
    waiting = [act]
    verbs = ("SELECT",) if after_a_look else ("UPDATE", "INSERT")

    def watched(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        mine = waiting and sql.startswith(verbs) and f'"{table}"' in sql
        if mine and not after_a_look:
            waiting.pop()()
        result = execute(sql, params, many, context)
        if mine and after_a_look:
            waiting.pop()()
        return result

    with connection.execute_wrapper(watched):
        yield
    assert not waiting, f"nothing happened to {table}"


def kept(user: Any, name: str) -> SavedSearch:
    return SavedSearch.objects.create(user=user, name=name, state=QueryState().as_json())


def test_a_name_of_a_saved_search_taken_this_instant_is_refused_like_one_taken_before(
    browser: Client, editor: Any
) -> None:
    saved = kept(editor, "Chest films")
    kept(editor, "Knees")
    path = f"/saved/{saved.pk}/"
    before = browser.post(path, {"name": "Knees"})
    with meanwhile(SavedSearch._meta.db_table, lambda: kept(editor, "Hips")):
        at_once = browser.post(path, {"name": "Hips"})
    assert (before.status_code, at_once.status_code) == (400, 400)
    assert at_once.context["error"] == before.context["error"].replace("Knees", "Hips")
    saved.refresh_from_db()
    assert saved.name == "Chest films"


def test_the_api_refuses_such_a_name_too(browser: Client, editor: Any) -> None:
    saved = kept(editor, "Chest films")
    with meanwhile(SavedSearch._meta.db_table, lambda: kept(editor, "Hips")):
        answer = browser.patch(
            f"/api/v1/saved-searches/{saved.pk}", {"name": "Hips"}, content_type="application/json"
        )
    assert answer.status_code == 409
    assert "There is a saved search named “Hips” already." in answer.json()["detail"]


def test_a_saved_search_deleted_this_instant_is_no_fault(browser: Client, editor: Any) -> None:
    saved = kept(editor, "Chest films")
    with meanwhile(SavedSearch._meta.db_table, saved.delete):
        answer = browser.post(f"/saved/{saved.pk}/", {"name": "Thorax"})
    assert answer.status_code == 302
    assert not SavedSearch.objects.exists()


@pytest.mark.parametrize(("change", "sent"), [("name", {"title": "b"}), ("pin", {"pinned": "1"})])
def test_a_conversation_deleted_this_instant_is_no_fault(
    browser: Client, editor: Any, change: str, sent: dict[str, str]
) -> None:
    past = Conversation.objects.create(user=editor, title="a")
    path = f"/c/{past.pk}/{change}"
    with meanwhile(Conversation._meta.db_table, Conversation.objects.all().delete):
        answer = browser.post(path, sent)
    assert answer.status_code == 302
    assert not Conversation.objects.exists()
