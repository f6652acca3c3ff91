"""The search in a frame: its addresses, its permissions, its refusals."""

import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import Client

from clipsite.asgi import application
from search.embedding import token_for
from search.models import IndexBuild, Turn
from tests.search.talking import frames_until

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


@pytest.fixture
def token(editor: Any, settings: Any) -> str:
    settings.EMBED_ORIGINS = [DESK, "https://two.example.org"]
    return token_for(editor, DESK)


def test_a_token_searches_as_its_user_without_a_cookie(
    build: IndexBuild, editor: Any, token: str
) -> None:
    stranger = Client(enforce_csrf_checks=True)
    page = stranger.get(f"/embed/{token}/search", {"q": "knee"})
    assert policy(page) == f"frame-ancestors 'self' {DESK}"
    thumbnail = f"/embed/{token}/images/{page.context['response']['hits'][0]['image_id']}/thumbnail"
    assert thumbnail in page.content.decode()
    assert stranger.get(thumbnail).content.startswith(b"RIFF")
    turns = f"/embed/{token}/api/v1/turns"
    answer = stranger.post(turns, {"utterance": "knee"}, content_type="application/json")
    assert answer.status_code == 201
    assert Turn.objects.get(pk=answer.json()["turn"]).conversation.user == editor


def test_a_token_opens_a_frame_and_nothing_outside_it(token: str) -> None:
    stranger = Client()
    stranger.get(f"/embed/{token}/")
    assert stranger.get("/").status_code == 302
    assert stranger.get("/api/v1/images/1").status_code == 403


@pytest.mark.parametrize("rest", ["admin/", "api/v1/jobs/import/1", "api/v1/embed-tokens"])
def test_a_token_of_an_administrator_administers_nothing(
    admin_user: Any, token: str, rest: str
) -> None:
    assert Client().get(f"/embed/{token_for(admin_user, DESK)}/{rest}").status_code == 404


def test_an_expired_token_says_so_in_one_sentence(token: str, settings: Any) -> None:
    settings.EMBED_MINUTES = -1
    page = Client().get(f"/embed/{token}/")
    assert page.status_code == 410
    assert page.content.decode().count("This search has expired. Load the page again") == 1
    answer = Client().get(f"/embed/{token}/api/v1/turns/1")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "This search has expired. Load the page again to go on."


@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: "x" + t, lambda t: "x"])
def test_a_token_that_was_changed_opens_nothing(token: str, spoil: Any) -> None:
    assert Client().get(f"/embed/{spoil(token)}/").status_code == 404


def test_a_token_ends_with_its_account_and_with_its_origin(
    editor: Any, token: str, settings: Any
) -> None:
    get_user_model().objects.filter(pk=editor.pk).update(is_active=False)
    assert Client().get(f"/embed/{token}/").status_code == 403
    get_user_model().objects.filter(pk=editor.pk).update(is_active=True)
    settings.EMBED_ORIGINS = ["https://two.example.org"]
    assert Client().get(f"/embed/{token}/").status_code == 403


def test_tokens_are_given_to_whoever_is_logged_in_for_listed_origins(
    editor: Any, settings: Any
) -> None:
    settings.EMBED_ORIGINS = [DESK]
    client = Client()
    ask = {"path": "/api/v1/embed-tokens", "content_type": "application/json"}
    assert client.post(data={"origin": DESK}, **ask).status_code == 403
    client.force_login(editor)
    refused = client.post(data={"origin": "https://evil.example"}, **ask)
    assert refused.status_code == 400
    assert refused.json()["detail"] == "This origin is not one of EMBED_ORIGINS."
    given = client.post(data={"origin": DESK}, **ask)
    assert given.status_code == 201
    assert Client().get(f"/embed/{given.json()['token']}/").status_code == 200


def socket_of(key: str, origin: str = "http://localhost") -> WebsocketCommunicator:
    headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
    return WebsocketCommunicator(application, f"/embed/{key}/ws/search/", headers)


async def test_the_socket_of_a_frame_searches_until_its_token_expires(
    build: IndexBuild, token: str, settings: Any
) -> None:
    socket = socket_of(token)
    assert (await socket.connect(timeout=10))[0]
    await socket.send_json_to({"type": "query", "utterance": "knee"})
    frames = await frames_until(socket, "done", "error")
    hits = next(frame["data"]["hits"] for frame in frames if frame["type"] == "hits")
    assert hits[0]["thumbnail_url"].startswith(f"/embed/{token}/images/")
    settings.EMBED_MINUTES = -1
    await socket.send_json_to({"type": "query", "utterance": "chest"})
    (error,) = await frames_until(socket, "done", "error")
    assert error["data"]["message"] == "This search has expired. Load the page again to go on."
    assert await sync_to_async(Turn.objects.count)() == 1
    await socket.disconnect()


@pytest.mark.parametrize("origin", [DESK, "https://evil.example"])
async def test_the_socket_hears_no_page_but_the_frame(token: str, origin: str) -> None:
    assert not (await socket_of(token, origin).connect(timeout=10))[0]


@pytest.mark.parametrize("key", ["own", "x"])
async def test_the_socket_of_a_frame_needs_a_key_or_a_session(db: None, key: str) -> None:
    assert not (await socket_of(key).connect(timeout=10))[0]
