"""The schema of the socket's frames: strict, served, and the same for the page without a socket."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client
from jsonschema import Draft202012Validator

from search.consumers import MEMBERS
from search.engines.base import FACET_FIELDS
from search.models import IndexBuild
from search.understanding import chips, edits, refining, state
from search.wire import HitJson
from tests.frames import SCHEMA, fault
from tests.search.talking import ask

DEFINED = SCHEMA["$defs"]
OVER_HTTP = Path(__file__).with_name("over_http.mjs")
QUERY = {"type": "query", "utterance": "chest x-ray without effusion", "conversation": None}
OPTIONAL = {
    "v",
    "offers",
    "expired",
    "lexical_ms",
    "encode_ms",
    "semantic_ms",
    "fuse_ms",
    "fold_ms",
    "facets_ms",
}

CLIENT = [
    {**QUERY, "v": 1, "after": 3, "settings": {"mode": "hybrid", "alpha": 0.5, "fusion": "rrf"}},
    {**QUERY, "pictures": [{"upload": f"upload:{'0a' * 16}", "weight": -0.5}]},
    {"type": "edit_chips", "turn": 7, "edits": [{"op": "weigh", "chip": "a", "weight": 2}]},
    {"type": "edit_chips", "turn": 7, "edits": [{"op": "set", "alpha": 1, "fusion": "linear"}]},
    {"type": "page", "turn": 7, "offset": 24, "limit": 24},
    {"type": "cancel"},
    {"type": "resume", "turn": 7, "last_seq": 0},
    {"type": "feedback", "turn": 7, "image_id": 1, "value": -1},
]


def objects_of(part: Any) -> Iterator[dict[str, Any]]:
    """Every object within a JSON value, itself included."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part:
        if isinstance(inner, dict | list):
            yield from objects_of(inner)


def spoilt(frame: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The frame with one thing wrong, in every place and way: a member too much, of no type."""
    for place in range(len(list(objects_of(frame)))):
        members = list(list(objects_of(frame))[place])
        for name, value in [("surplus", 1), *((name, {"no": "type"}) for name in members)]:
            wrong = deepcopy(frame)
            list(objects_of(wrong))[place][name] = value
            yield f"{place}.{name}", wrong


def robbed(frame: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The frame without one of its members, for each that it must have."""
    for place in range(len(list(objects_of(frame)))):
        for name in set(list(objects_of(frame))[place]) - OPTIONAL:
            less = deepcopy(frame)
            del list(objects_of(less))[place][name]
            yield f"{place}.{name}", less


def told_over_http(message: Any, answer: Any, status: int = 200) -> dict[str, Any]:
    if shutil.which("node") is None:
        pytest.skip("no node here")
    told = json.dumps({"message": message, "answer": answer, "status": status})
    done = subprocess.run(
        ["node", OVER_HTTP], input=told, capture_output=True, text=True, timeout=20, check=True
    )
    return dict(json.loads(done.stdout))


@pytest.fixture
async def streamed(build: IndexBuild, socket: WebsocketCommunicator) -> list[dict[str, Any]]:
    return await ask(socket, "chest x-ray without effusion")


def test_the_schema_is_one_and_leaves_no_object_open() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for part in objects_of(DEFINED):
        if "properties" in part and "type" in part and "const" not in part["type"]:
            assert part["additionalProperties"] is False


@pytest.mark.django_db(transaction=True)
async def test_a_frame_of_the_server_with_anything_wrong_is_refused(
    streamed: list[dict[str, Any]],
) -> None:
    for frame in streamed:
        assert fault(frame, "server") == ""
        passed = [
            how for how, wrong in (*spoilt(frame), *robbed(frame)) if not fault(wrong, "server")
        ]
        assert passed == []


@pytest.mark.parametrize("frame", CLIENT, ids=lambda frame: str(frame["type"]))
def test_a_frame_of_the_client_with_anything_wrong_is_refused(frame: dict[str, Any]) -> None:
    assert fault(frame, "client") == ""
    assert [how for how, wrong in spoilt(frame) if not fault(wrong, "client")] == []
    assert fault({**frame, "v": 2}, "client")
    assert fault({**frame, "type": "ack"}, "client")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"type": "query"}', '{"v": NaN}'])
def test_what_is_no_frame_is_refused(text: str) -> None:
    assert fault(text, "client")
    assert fault(text, "server")


def test_the_schema_names_what_the_code_knows() -> None:
    def literals(kind: Any) -> set[str]:
        return set(get_args(kind))

    said = {one["properties"]["type"]["const"]: one for one in DEFINED["client"]["oneOf"]}
    assert {name: set(one["properties"]) - {"type", "v"} for name, one in said.items()} == MEMBERS
    ops = {one["properties"]["op"]["const"]: one for one in DEFINED["edit"]["oneOf"]}
    known = {name: set(keys) for name, (_, keys) in edits._OPERATIONS.items()}
    assert {name: set(one["properties"]) - {"op"} for name, one in ops.items()} == known
    shown = DEFINED["chips"]["properties"]
    assert set(shown["moves"]["items"]["enum"]) == literals(refining.Move)
    assert set(DEFINED["chip"]["properties"]["kind"]["enum"]) == literals(chips.Kind)
    assert set(DEFINED["mode"]["enum"]) == literals(state.Mode)
    assert set(DEFINED["fusion"]["enum"]) == literals(state.Fusion)
    assert DEFINED["field"]["enum"] == list(state.FILTER_FIELDS)
    facet = DEFINED["facets"]["properties"]["fields"]["items"]["properties"]
    assert facet["field"]["enum"] == list(FACET_FIELDS)
    assert set(DEFINED["hit"]["properties"]) == set(HitJson.__annotations__)
    assert set(DEFINED["state"]["properties"]) == {f.name for f in fields(state.QueryState)}


def test_the_schema_is_served_to_whoever_is_signed_in(editor: Any) -> None:
    client = Client()
    assert client.get("/api/v1/frames.schema.json").status_code == 403
    client.force_login(editor)
    answer = client.get("/api/v1/frames.schema.json")
    assert answer["Content-Type"] == "application/schema+json"
    assert answer.json() == SCHEMA


@pytest.mark.django_db(transaction=True)
async def test_without_a_socket_the_page_hears_the_same_frames(
    streamed: list[dict[str, Any]], editor: Any
) -> None:
    client = Client()
    await sync_to_async(client.force_login)(editor)
    post = sync_to_async(client.post)
    answer = (await post("/api/v1/turns", QUERY, content_type="application/json")).json()
    told = (await sync_to_async(told_over_http)(QUERY, answer))["frames"]
    assert [fault(frame, "server") for frame in told] == [""] * 5
    heard = {frame["type"]: frame["data"] for frame in streamed}
    for frame in told:
        data, same = frame["data"], dict(heard[frame["type"]])
        for name in ("conversation", "took_ms", "timing"):
            data.pop(name, None), same.pop(name, None)
        assert data == same


@pytest.mark.django_db(transaction=True)
async def test_pages_and_votes_without_a_socket_are_frames_too(
    streamed: list[dict[str, Any]], editor: Any
) -> None:
    client = Client()
    await sync_to_async(client.force_login)(editor)
    turn = streamed[0]["turn"]
    page = {"type": "page", "turn": turn, "offset": 2, "limit": 3}
    vote = {"type": "feedback", "turn": turn, "value": 1}
    vote["image_id"] = streamed[-3]["data"]["hits"][0]["image_id"]
    for message in (page, vote):
        asked = (await sync_to_async(told_over_http)(message, {}, 503))["sent"][0]
        answer = await sync_to_async(client.generic)(
            asked["method"], asked["url"], json.dumps(asked.get("body")), "application/json"
        )
        (frame,) = (await sync_to_async(told_over_http)(message, answer.json()))["frames"]
        assert fault(frame, "server") == ""
        assert frame["type"] == ("hits" if message is page else "feedback")


@pytest.mark.parametrize(
    ("status", "code"), [(0, "unreachable"), (403, "refused"), (503, "failed")]
)
def test_what_went_wrong_without_a_socket_is_an_error_frame(status: int, code: str) -> None:
    told = told_over_http(QUERY, {"detail": "The search engine does not answer."}, status)
    (frame,) = told["frames"]
    assert fault(frame, "server") == ""
    assert frame["data"]["code"] == code
