"""The search socket through the whole ASGI application, routing and login included."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from clipsite.asgi import application
from search import retrieval
from search.engines.base import Timeout, Unavailable
from search.models import Conversation, Feedback, IndexBuild, Turn
from tests.search.talking import FRAMES, ask, connected, frames_until

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_query_streams_its_frames_in_order(
    build: IndexBuild, socket: WebsocketCommunicator
) -> None:
    frames = await ask(socket, "show me a chest x-ray with pleural effusion")
    assert [frame["type"] for frame in frames] == FRAMES
    assert [frame["seq"] for frame in frames] == list(range(1, 8))
    assert {frame["turn"] for frame in frames} == {frames[0]["turn"]}
    assert [f["data"]["leg"] for f in frames if f["type"] == "hits"] == [
        "lexical",
        "semantic",
        "fused",
    ]
    assert {frame["v"] for frame in frames} == {1}


async def test_the_fused_hits_are_those_of_the_api(
    build: IndexBuild, socket: WebsocketCommunicator, editor: Any
) -> None:
    frames = await ask(socket, "CT of the abdomen with a kidney stone")
    fused = next(f["data"]["hits"] for f in frames if f["data"].get("leg") == "fused")
    client = Client()
    await sync_to_async(client.force_login)(editor)
    url = f"/api/v1/turns/{frames[0]['turn']}"
    response = await sync_to_async(client.get)(url)
    assert response.json()["hits"] == fused


async def test_images_that_look_the_same_come_as_one_hit_on_every_page_and_are_counted(
    build: IndexBuild, socket: WebsocketCommunicator, images: dict[str, Any]
) -> None:
    for name in ("knee", "stent", "colon"):
        images[name].perceptual_hash = "5" * 64
        await images[name].asave()
    frames = await ask(socket, "torn meniscus")
    fused = next(f["data"] for f in frames if f["data"].get("leg") == "fused")
    similar = {hit["image_id"]: set(hit["similar"]) for hit in fused["hits"] if hit["similar"]}
    assert similar == {images["knee"].pk: {images["stent"].pk, images["colon"].pk}}
    counts = {name: frames[-1]["data"][name] for name in ("total", "ranked", "folded")}
    assert counts == {"total": 8, "ranked": 6, "folded": 2}
    page = {"type": "page", "turn": frames[0]["turn"], "offset": 4, "limit": 4}
    await socket.send_json_to(page)
    rest = (await frames_until(socket, "hits"))[0]["data"]
    assert (rest["hits"], rest["ranked"]) == (fused["hits"][4:], 6)
    turn = await Turn.objects.aget(pk=frames[0]["turn"])
    assert turn.shown == [hit["image_id"] for hit in fused["hits"]]


async def test_editing_chips_makes_a_new_turn_of_the_same_conversation(
    build: IndexBuild, socket: WebsocketCommunicator
) -> None:
    first = await ask(socket, "chest x-ray with pleural effusion")
    chip = next(c for c in first[1]["data"]["chips"] if c["field"] == "modality")
    edits = [{"op": "remove", "chip": chip["id"]}, {"op": "set", "mode": "lexical"}]
    await socket.send_json_to({"type": "edit_chips", "turn": first[0]["turn"], "edits": edits})
    second = await frames_until(socket, "done", "error")
    assert second[0]["turn"] != first[0]["turn"]
    assert second[0]["data"]["conversation"] == first[0]["data"]["conversation"]
    assert chip["id"] not in {c["id"] for c in second[1]["data"]["chips"]}
    assert second[1]["data"]["state"]["mode"] == "lexical"
    assert await Turn.objects.acount() == 2


async def test_a_vote_is_stored_and_shown_when_the_turn_is_read_again(
    build: IndexBuild, socket: WebsocketCommunicator
) -> None:
    frames = await ask(socket, "knee")
    turn, image = frames[0]["turn"], frames[-3]["data"]["hits"][0]["image_id"]
    for value in (1, -1):
        vote = {"type": "feedback", "turn": turn, "image_id": image, "value": value}
        await socket.send_json_to(vote)
        answer = (await frames_until(socket, "feedback", "error"))[-1]
        assert answer["data"] == {"turn": turn, "image_id": image, "value": value}
    assert await Feedback.objects.acount() == 1
    await socket.send_json_to({"type": "resume", "turn": turn, "last_seq": 4})
    again = await frames_until(socket, "done")
    assert again[0]["data"]["hits"][0]["feedback"] == -1


async def test_resuming_sends_only_what_was_not_seen(
    build: IndexBuild, socket: WebsocketCommunicator, editor: Any
) -> None:
    whole = await ask(socket, "gallstones")
    other = await connected(editor)
    await other.send_json_to({"type": "resume", "turn": whole[0]["turn"], "last_seq": 3})
    rest = await frames_until(other, "done")
    assert [(f["seq"], f["type"]) for f in rest] == [(f["seq"], f["type"]) for f in whole[3:]]
    await other.disconnect()


async def test_more_hits_of_a_turn_come_as_a_page(
    build: IndexBuild, socket: WebsocketCommunicator
) -> None:
    frames = await ask(socket, "gallstones")
    fused = next(f["data"]["hits"] for f in frames if f["data"].get("leg") == "fused")
    page = {"type": "page", "turn": frames[0]["turn"], "offset": 2, "limit": 3}
    await socket.send_json_to(page)
    got = (await frames_until(socket, "hits", "error"))[-1]
    assert got["data"]["leg"] == "page"
    assert got["data"]["hits"] == fused[2:5]


@pytest.mark.parametrize(
    "text",
    [
        "not json", "[]", "null", "{}", '{"type": 3}', '{"type": "steal"}', '{"type": "query"}',
        '{"type": "query", "utterance": 7}', '{"type": "query", "utterance": "a", "settings": []}',
        '{"type": "query", "utterance": "a", "settings": {"mode": "magic"}}',
        '{"type": "query", "utterance": "a", "settings": {"alpha": 7}}',
        '{"type": "query", "utterance": "a", "conversation": 999}',
        '{"type": "edit_chips", "turn": 1, "edits": [1]}', '{"type": "resume", "turn": -1}',
        '{"type": "edit_chips", "turn": "x", "edits": []}',
        '{"type": "feedback", "turn": 99999999999999999999, "image_id": 1, "value": 1}',
    ],
)  # fmt: skip
async def test_rubbish_gets_an_error_frame_and_the_socket_lives(
    socket: WebsocketCommunicator, text: str
) -> None:
    await socket.send_to(text_data=text)
    frame = await socket.receive_json_from(timeout=10)
    assert (frame["type"], frame["data"]["code"]) == ("error", "bad_frame")
    assert frame["data"]["message"].endswith(".")
    await socket.send_json_to({"type": "cancel"})
    assert await socket.receive_nothing()


async def test_a_binary_or_huge_frame_is_refused(socket: WebsocketCommunicator) -> None:
    await socket.send_to(bytes_data=b"\x00\x01")
    assert (await socket.receive_json_from(timeout=10))["type"] == "error"
    await socket.send_to(text_data='{"type": "query", "utterance": "' + "a" * 70_000 + '"}')
    assert (await socket.receive_json_from(timeout=10))["type"] == "error"


async def test_an_engine_that_fails_mid_stream_ends_the_turn_not_the_socket(
    build: IndexBuild, socket: WebsocketCommunicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: Any) -> Any:
        raise Unavailable("disk at /secret/path is gone")

    with monkeypatch.context() as patch:
        patch.setattr("search.engines.lance.LanceIndex.semantic", broken)
        patch.setattr("search.engines.lance.LanceIndex.lexical", broken)
        frames = await ask(socket, "pleural effusion")
    assert [frame["type"] for frame in frames] == ["ack", "chips", "error"]
    assert frames[-1]["data"]["code"] == "engine_unavailable"
    assert "secret" not in str(frames[-1])
    assert (await ask(socket, "pleural effusion"))[-1]["type"] == "done"


async def test_paging_while_the_engine_is_down_says_so_and_the_socket_lives(
    build: IndexBuild, socket: WebsocketCommunicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = await ask(socket, "pleural effusion")

    async def broken(*args: Any) -> Any:
        raise Unavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr("search.engines.lance.LanceEngine.open", broken)
        page = {"type": "page", "turn": frames[0]["turn"], "offset": 2, "limit": 3}
        await socket.send_json_to(page)
        answer = (await frames_until(socket, "error"))[-1]
    assert answer["data"]["code"] == "engine_unavailable"
    assert (await ask(socket, "pleural effusion"))[-1]["type"] == "done"


async def test_a_leg_that_fails_leaves_the_other_and_the_page_hears_it(
    build: IndexBuild, socket: WebsocketCommunicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(*args: Any) -> Any:
        raise Timeout("node 3 of 5 was slow")

    monkeypatch.setattr("search.engines.lance.LanceIndex.semantic", late)
    frames = await ask(socket, "pleural effusion")
    assert [frame["data"].get("leg") for frame in frames[2:4]] == ["lexical", "fused"]
    by_words, final = (frame["data"]["hits"] for frame in frames[2:4])
    assert [hit | {"weak": False} for hit in final] == by_words
    assert [hit["weak"] for hit in final] == [False, True], "the second denies it"
    assert frames[-1]["data"]["notices"] == ["The search by picture did not answer in time."]


async def test_an_unforeseen_failure_tells_nothing_internal(
    build: IndexBuild, socket: WebsocketCommunicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **values: Any) -> Any:
        raise ZeroDivisionError("internal")

    monkeypatch.setattr("search.retrieval.fuse", broken)
    last = (await ask(socket, "pleural effusion"))[-1]
    assert (last["type"], last["data"]["code"]) == ("error", "failed")
    assert "internal" not in str(last)


async def test_without_an_index_the_page_hears_what_to_do(socket: WebsocketCommunicator) -> None:
    last = (await ask(socket, "anything"))[-1]
    assert last["data"]["code"] == "nothing_indexed"
    assert "administrator" in last["data"]["message"]


async def test_a_new_query_silences_the_running_one(
    build: IndexBuild, socket: WebsocketCommunicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = asyncio.Event()
    real = retrieval._Search.look_for_pictures

    async def slow_first(self: Any) -> None:
        if not started.is_set():
            started.set()
            await asyncio.sleep(30)
        await real(self)

    monkeypatch.setattr(retrieval._Search, "look_for_pictures", slow_first)
    await socket.send_json_to({"type": "query", "utterance": "gallstones"})
    first = await frames_until(socket, "hits")
    await asyncio.wait_for(started.wait(), 10)
    second = await ask(socket, "meniscus")
    assert {frame["turn"] for frame in second}.isdisjoint({first[0]["turn"]})
    assert second[-1]["type"] == "done"
    assert await socket.receive_nothing()


async def test_disconnecting_mid_stream_stops_the_search(
    build: IndexBuild, editor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = asyncio.Event()

    async def endless(self: Any) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            stopped.set()

    monkeypatch.setattr(retrieval._Search, "look_for_pictures", endless)
    socket = await connected(editor)
    await socket.send_json_to({"type": "query", "utterance": "gallstones"})
    await frames_until(socket, "hits")
    await asyncio.sleep(0.3)
    await socket.disconnect()
    await asyncio.wait_for(stopped.wait(), 10)


async def test_an_anonymous_socket_is_refused(db: None) -> None:
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    accepted, _ = await WebsocketCommunicator(application, "/ws/search/", headers).connect()
    assert not accepted


async def test_a_foreign_origin_is_refused(db: None, editor: Any) -> None:
    headers = [(b"origin", b"https://evil.example"), (b"host", b"localhost")]
    accepted, _ = await WebsocketCommunicator(application, "/ws/search/", headers).connect()
    assert not accepted


async def test_the_turns_of_others_do_not_exist(
    build: IndexBuild, socket: WebsocketCommunicator, django_user_model: Any
) -> None:
    mine = await ask(socket, "gallstones")
    create = sync_to_async(django_user_model.objects.create_user)
    other = await connected(await create("other", password="x"))
    for frame in (
        {"type": "resume", "turn": mine[0]["turn"], "last_seq": 0},
        {"type": "edit_chips", "turn": mine[0]["turn"], "edits": []},
        {"type": "page", "turn": mine[0]["turn"], "offset": 0},
        {"type": "query", "utterance": "x", "conversation": mine[0]["data"]["conversation"]},
    ):
        await other.send_json_to(frame)
        assert (await other.receive_json_from(timeout=10))["data"]["code"] == "bad_frame"
    await other.disconnect()
    assert await Conversation.objects.acount() == 1


async def test_two_sockets_do_not_mix_their_turns(build: IndexBuild, editor: Any) -> None:
    sockets = [await connected(editor) for _ in range(4)]
    words = ["gallstones", "meniscus", "effusion", "colon"]
    answers = await asyncio.gather(*(ask(s, w) for s, w in zip(sockets, words, strict=True)))
    assert len({frames[0]["turn"] for frames in answers}) == 4
    for frames, word in zip(answers, words, strict=True):
        assert {frame["turn"] for frame in frames} == {frames[0]["turn"]}
        assert frames[0]["data"]["utterance"] == word
    for socket in sockets:
        await socket.disconnect()
