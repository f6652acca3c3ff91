"""Saved searches: what is new since they were last opened."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from ingest.models import Image
from search import watching
from search.models import IndexBuild, SavedSearch
from search.understanding.state import Filter, Phrase, QueryState

pytestmark = pytest.mark.django_db(transaction=True)

EFFUSION = QueryState(phrases=(Phrase("effusion"),))


@pytest.fixture
def added(build: IndexBuild, images: dict[str, Any]) -> None:
    """All that is indexed came before now, but for two of the images."""
    Image.objects.update(created_at=timezone.now() - timedelta(days=1))
    new = [images["effusion"].pk, images["brain"].pk]
    Image.objects.filter(pk__in=new).update(created_at=timezone.now() + timedelta(hours=1))


def saved(user: Any, state: QueryState) -> SavedSearch:
    return SavedSearch.objects.create(user=user, name="Mine", state=state.as_json())


@pytest.mark.parametrize(
    ("state", "new"),
    [
        (EFFUSION, 1),
        (QueryState(phrases=(Phrase("knee"),)), 0),
        (QueryState(filters=(Filter("modality", included=("mri",)),)), 1),
        (QueryState(phrases=(Phrase("effusion"),), mode="semantic"), 1),
        (QueryState(), 2),
    ],
)
def test_new_is_what_matches_and_was_added_later(
    added: None, editor: Any, state: QueryState, new: int
) -> None:
    search = saved(editor, state)
    assert watching.new_images([search]).get(search.pk, 0) == new


def test_it_is_told_until_the_search_is_opened(added: None, editor: Any, browser: Client) -> None:
    search = saved(editor, EFFUSION)
    badge = "1 new since you last looked"
    assert badge in browser.get("/saved/").content.decode()
    opened = browser.get("/search", {"saved": search.pk})
    assert opened.context["response"]["notices"][0] == f"{badge}."
    assert badge not in browser.get("/saved/").content.decode()
    again = browser.get("/search", {"saved": search.pk})
    assert again.context["response"]["notices"] == []


def test_what_is_indexed_only_after_one_looked_is_new(
    added: None, editor: Any, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = saved(editor, EFFUSION)
    with monkeypatch.context() as not_indexed_yet:
        not_indexed_yet.setattr(watching, "_matching", lambda state, build: [])
        browser.get("/search", {"saved": search.pk})
    search.refresh_from_db()
    assert watching.new_images([search]) == {search.pk: 1}


def test_somebody_elses_search_is_not_looked_at(
    added: None, editor: Any, django_user_model: Any
) -> None:
    search = saved(editor, EFFUSION)
    other = Client()
    other.force_login(django_user_model.objects.create_user("other"))
    assert other.get("/search", {"saved": search.pk}).status_code == 404
    assert watching.new_images([search]) == {search.pk: 1}
