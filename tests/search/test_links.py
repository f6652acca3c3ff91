"""A link opens the state it was made of; one that is broken says so."""

import base64
import json
import zlib
from typing import Any

import pytest
from django.test import Client

from search import links
from search.models import Conversation, IndexBuild
from search.understanding.state import Filter, ImageReference, InvalidState, Phrase, QueryState

STATE = QueryState(
    utterance="effusion, no „device“",
    phrases=(Phrase("effusion", weight=2.0, inferred=False), Phrase("device", excluded=True)),
    filters=(Filter("modality", included=("x-ray",), words="x-ray", position=3),),
    images=(ImageReference(image_id=7, weight=-1.0),),
    mode="lexical",
    alpha=0.25,
    fusion="rrf",
)


def packed(data: object) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(zlib.compress(raw)).decode().rstrip("=")


def test_a_state_comes_back_as_it_was_and_is_short() -> None:
    assert links.decode(links.encode(STATE)) == STATE
    assert links.decode(links.encode(QueryState())) == QueryState()
    assert len(links.encode(STATE)) < 400


def test_pictures_of_ones_own_are_left_out_and_that_is_said() -> None:
    own = ImageReference(upload=f"upload:{'0' * 32}")
    state = QueryState(images=(ImageReference(image_id=7), own))
    assert links.decode(links.encode(state)).images == (ImageReference(image_id=7),)
    assert "pictures" in links.link_of(state)["notice"]
    assert links.link_of(STATE)["notice"] == ""
    smuggled = packed({"images": [{"upload": own.upload}]})
    assert links.decode(smuggled).images == ()


BROKEN = {
    "nothing": "",
    "not encoded": "%%%",
    "not ASCII": "é",
    "cut off": links.encode(STATE)[:-9],
    "not packed": base64.urlsafe_b64encode(b"{}").decode(),
    "not JSON": packed(b"{"),
    "not text": packed(b"\xff\xfe"),
    "no state": packed([1]),
    "unknown key": packed({"admin": True}),
    "unknown mode": packed({"mode": "magic"}),
    "a bomb": packed(b"[" * 50_000_000),
    "deep": packed(b"[" * 100_000),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_link_is_refused(text: str) -> None:
    with pytest.raises(InvalidState, match="This link is broken"):
        links.decode(text)


@pytest.mark.django_db(transaction=True)
def test_a_link_opens_the_same_search_for_anyone_who_is_signed_in(
    build: IndexBuild, editor: Any, django_user_model: Any
) -> None:
    mine, other = Client(), Client()
    mine.force_login(editor)
    other.force_login(django_user_model.objects.create_user("other"))
    body = {"utterance": "effusion", "settings": {"alpha": 0.2}}
    made = mine.post("/api/v1/turns", body, content_type="application/json").json()
    state = links.decode(made["link"]["path"].split("state=")[1])
    opened = other.get(made["link"]["path"])
    assert opened.context["response"]["hits"] == made["hits"]
    assert state.as_json() == opened.context["response"]["state"]
    assert Client().get(made["link"]["path"]).status_code == 302
    went_on = other.post("/c/new", {"state": links.encode(state)}, follow=True)
    assert went_on.context["turns"][0]["utterance"] == "effusion"
    assert went_on.context["response"]["hits"] == made["hits"]
    assert Conversation.objects.filter(user__username="other").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_broken_link_opens_a_page_with_one_sentence(build: IndexBuild, editor: Any) -> None:
    client = Client()
    client.force_login(editor)
    answers = [
        client.get("/search", {"state": "broken"}),
        client.post("/c/new", {"state": "broken"}),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert "This link is broken" in answer.content.decode()
