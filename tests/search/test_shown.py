"""What a turn remembers of its answer, whichever way it was asked: "the 30th" counts through it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from search import asking
from search.models import IndexBuild, Turn
from search.models.conversations import MOST_SHOWN
from search.understanding.state import QueryState
from training.models import Checkpoint

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 103


@pytest.fixture
def build(
    corpus: Callable[..., Path], run_import: Callable[..., Any], media: Path,
    checkpoint: Checkpoint, engine_folder: Path,
) -> IndexBuild:  # fmt: skip
    """A live index of more images than a turn remembers."""
    from jobs.running import run
    from search.indexing import build_index

    rows = [(f"{n}.png", f"MRI of the knee, case {n}", f"{n}") for n in range(MANY)]
    run_import(corpus(rows, "file,caption,id"))
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    run(job, build_index)
    job.refresh_from_db()
    return job


@pytest.fixture
def client(editor: Any) -> Client:
    client = Client()
    client.force_login(editor)
    return client


def post(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/api/v1/turns", json.dumps(body), content_type="application/json")
    assert answer.status_code == 201
    return answer.json()


def ranking(client: Client, turn: int) -> list[int]:
    url = f"/api/v1/turns/{turn}?limit=100&offset="
    hits = [*client.get(f"{url}0").json()["hits"], *client.get(f"{url}100").json()["hits"]]
    return [hit["image_id"] for hit in hits]


def test_over_http_a_turn_remembers_its_first_hundred_and_the_thirtieth_can_be_named(
    build: IndexBuild, client: Client
) -> None:
    asked = post(client, {"utterance": "knee"})
    whole = ranking(client, asked["turn"])
    before = Turn.objects.get(pk=asked["turn"])
    assert len(asked["hits"]) < len(before.shown) == MOST_SHOWN < MANY
    assert before.shown == whole[:MOST_SHOWN]
    for page in ("limit=3", "limit=1&offset=90", "offset=24"):
        client.get(f"/api/v1/turns/{asked['turn']}?{page}")
    after = Turn.objects.get(pk=asked["turn"])
    assert (after.total, after.shown) == (before.total, before.shown)
    named = post(client, {"utterance": "more like #30", "after": asked["turn"]})
    assert [image["image_id"] for image in named["state"]["images"]] == [whole[29]]


def test_a_page_and_a_short_reading_remember_as_much(
    build: IndexBuild, client: Client, editor: Any
) -> None:
    opened = asking.open_state(editor, asking.read("knee").state, "From a link")
    client.get(f"/c/{opened.conversation_id}/")
    opened.refresh_from_db()
    assert opened.total == MANY
    assert opened.shown == ranking(client, opened.pk)[:MOST_SHOWN]
    everything = asking.open_state(editor, QueryState(), "Everything")
    client.get(f"/api/v1/turns/{everything.pk}?limit=5")
    everything.refresh_from_db()
    assert everything.shown == ranking(client, everything.pk)[:MOST_SHOWN]
