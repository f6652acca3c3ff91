"""The search in a frame: its addresses, its permissions, its refusals."""

import re
from typing import Any

import pytest
from django.test import Client

from search.models import IndexBuild

pytestmark = pytest.mark.django_db(transaction=True)

DESK = "https://desk.example.org"


@pytest.fixture
def browser(editor: Any) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    return client


def policy(response: Any) -> str:
    assert "X-Frame-Options" not in response.headers
    return str(response.headers["Content-Security-Policy"])


def test_without_a_list_only_pages_of_this_site_may_frame_the_search(browser: Client) -> None:
    assert policy(browser.get("/embed/own/")) == "frame-ancestors 'self'"


def test_listed_origins_and_no_others_may_frame_the_search(browser: Client, settings: Any) -> None:
    settings.EMBED_ORIGINS = [DESK, "https://two.example.org"]
    expected = f"frame-ancestors 'self' {DESK} https://two.example.org"
    assert policy(browser.get("/embed/own/")) == expected


def test_the_page_itself_is_not_framed_whatever_is_listed(browser: Client, settings: Any) -> None:
    settings.EMBED_ORIGINS = [DESK]
    response = browser.get("/")
    assert response.headers["X-Frame-Options"] == "DENY"


def test_every_address_of_a_framed_page_stays_in_the_frame(
    build: IndexBuild, browser: Client
) -> None:
    page = browser.get("/embed/own/search", {"q": "knee"}).content.decode()
    addresses = re.findall(r'(?:href|src|action|data-[a-z-]+)="(/[^"]*)"', page)
    kept = [address for address in addresses if not address.startswith("/static/")]
    assert [address for address in kept if not address.startswith("/embed/own/")] == []
    assert any("thumbnail" in address for address in kept)
    assert '"thumbnail_url": "/embed/own/images/' in page
    assert '<header class="bar"' not in page


def test_after_a_framed_page_the_site_has_its_own_addresses_again(
    build: IndexBuild, browser: Client
) -> None:
    browser.get("/embed/own/search", {"q": "knee"})
    page = browser.get("/search", {"q": "knee"}).content.decode()
    assert "/embed/" not in page
    assert '<header class="bar"' in page


@pytest.mark.parametrize(
    "rest", ["admin/", "login/", "saved/", "api/v1/jobs/import/1", "embed/own/", "images/0/"]
)
def test_a_frame_reaches_nothing_but_the_search(admin_client: Client, rest: str) -> None:
    response = admin_client.get(f"/embed/own/{rest}")
    assert response.status_code == 404
    assert "There is no such page in this search." in response.content.decode()


def test_a_framed_call_of_a_session_needs_the_csrf_token(
    build: IndexBuild, browser: Client
) -> None:
    turns = "/embed/own/api/v1/turns"
    body = {"utterance": "knee"}
    assert browser.post(turns, body, content_type="application/json").status_code == 403
    browser.get("/embed/own/")
    headers = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    answer = browser.post(turns, body, content_type="application/json", headers=headers)
    assert answer.status_code == 201
    assert answer.json()["hits"][0]["thumbnail_url"].startswith("/embed/own/images/")


def test_whoever_is_signed_out_gets_one_sentence_in_the_frame(client: Client) -> None:
    response = client.get("/embed/own/")
    assert response.status_code == 401
    assert policy(response) == "frame-ancestors 'self'"
    assert "Log in to this site to search here" in response.content.decode()
    answer = client.get("/embed/own/api/v1/turns/1")
    assert answer.json()["detail"].startswith("Log in to this site")
