"""No text of a person changes what is asked: it is words, or it is refused."""

import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from search.engines import vespa_queries as queries
from search.engines.base import Clause, Document, Generation, Restriction, Scope
from search.engines.vespa import VespaEngine
from search.engines.vespa_package import render
from search.models import IndexBuild
from tests.vespa_stub.server import StubServer
from tests.vespa_stub.yql_parser import parse

PIECES = [
    '"', "'", "\\", "`", "(", ")", "{", "}", "[", "]", ";", ",", "*", "?", "~", "^", "@", "@v0",
    "!", "|", "&", "=", "<", ">", "-", "+", "OR", "AND", "NOT", "RANK", "or true", "and false",
    "true",
    "select * from", "where", "limit 0", "| all(group(x))", "userInput(@w0)", "nearestNeighbor",
    "caption:", "generation_a:", "generation_a = 2", "image_id", "contains", "rank(", "weakAnd(",
    "{targetHits:1}", "chest", "pleural effusion", "x-ray", "T2", "🩻", "‮", "\x00", "\x07", "\n",
    "\t", "é", "中文", "ａ", "%00", "%22", "${jndi:x}", "<script>", "]]>", "\ud800",
]  # fmt: skip
FIRST, SECOND = Generation(1, "a"), Generation(2, "a")
WHOLE = Scope()
# Each costs a whole search; a run of 1,000 takes a minute more and found the same.
API_UTTERANCES = 100


def unit(seed: int) -> Any:
    vector = np.random.default_rng(seed).normal(size=8).astype(np.float32)
    return vector / np.linalg.norm(vector)


def document(image_id: int, caption: str) -> Document:
    return Document(image_id, caption, "c", "ct", "", "", "", "", "", "train")


@pytest.fixture(scope="module")
def server() -> Iterator[StubServer]:
    with StubServer() as made:
        made.deploy(render(settings.VESPA_PACKAGE, {"a": 8, "b": 8}))
        yield made


def utterances(count: int) -> list[str]:
    dice = random.Random(20261123)
    made = [
        dice.choice(["", " "]).join(dice.choices(PIECES, k=dice.randint(1, 12)))
        for _ in range(count - 2)
    ]
    return [*made, '"' * 10_000, "chest " * 2_000]


async def test_a_thousand_hostile_utterances_stay_within_their_generation(
    server: StubServer,
) -> None:
    engine = VespaEngine(server.url, timeout=5.0)
    index = await engine.create(FIRST, 8)
    await index.feed([document(1, "chest x-ray"), document(2, "T2 chest")],
                     np.stack([unit(1), unit(2)]))  # fmt: skip
    hidden = await engine.create(SECOND, 8)
    await hidden.feed([document(3, "chest x-ray of another generation")], np.stack([unit(3)]))
    for text in utterances(1000):
        clauses = [Clause(text), Clause("chest", 0.5)]
        found = await index.lexical(clauses, WHOLE, 10)
        assert {match.image_id for match in found} == {1, 2}, text
        within = Scope((Restriction("modality", any_of=(text,)),), without=(text,))
        assert await index.count(within) == 0, text
        asked = await index.count(Scope(phrases=(text,)))
        expected = 0 if not queries.words_of(text) else asked
        assert asked == expected <= 2, text
    engine.close()


@pytest.mark.django_db(transaction=True)
def test_hostile_utterances_are_answered_or_refused_by_the_api(
    vespa_build: IndexBuild, stub: StubServer, editor: Any
) -> None:
    client = Client()
    client.force_login(editor)
    for text in utterances(API_UTTERANCES):
        answer = client.get("/api/v1/search", {"q": text.encode("utf-8", "replace").decode()})
        assert answer.status_code in (200, 400), text
        if answer.status_code == 200:
            assert answer.json()["total"] <= 8
        else:
            assert answer.json()["detail"].endswith("."), text
    assert stub.requests.statuses[400] == 0


@hypothesis_settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
@given(strategies.text(max_size=200), strategies.text(max_size=40))
def test_no_character_of_a_text_stands_in_the_query_language(text: str, value: str) -> None:
    scope = Scope((Restriction("collection", (value,), (text,)),), (text,), (value,), (7,))
    asked = [
        queries.lexical(FIRST, [Clause(text), Clause(value, 0.5)], scope, 5),
        queries.semantic(FIRST, unit(1), scope, 5, exact=False),
        queries.facets(FIRST, ("modality",), scope),
        queries.browse(FIRST, scope, 5),
    ]
    plain = Scope((Restriction("collection", ("p",), ("q",)),), ("p",), ("q",), (7,))
    alike = queries.semantic(FIRST, unit(1), plain, 5, exact=False)["yql"]
    for body in filter(None, asked):
        parse(body["yql"], "image", body)
        assert re.fullmatch(r"[\x20-\x7e]+", body["yql"])
        for said in (text, value):
            words = [w for w in queries.words_of(said).split() if len(w) > 12]
            assert not any(word in body["yql"] for word in words)
    if queries.words_of(text) and queries.words_of(value):
        assert _shape(asked[1]["yql"]) == _shape(alike)  # type: ignore[index]


def _shape(yql: str) -> str:
    return re.sub(r"@\w+", "@", yql)
