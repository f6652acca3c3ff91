"""What the search socket survives: rubbish, breaks in the middle, a missing encoder, a crowd."""

import asyncio
import json
import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator

from search import asking, query_vector, retrieval
from search.encoding import EncoderUnavailable
from search.models import IndexBuild, Turn
from tests.search.talking import FRAMES, ask, connected, frames_until
from tests.search.test_frames import CLIENT, robbed, spoilt

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = re.compile(r"\w.{8,198}\.")

RUBBISH = {
    "nothing": " ",
    "a text that never closes": "[" * 60_000,
    "deep": '{"type":' * 9_000 + "1" + "}" * 9_000,
    "deep settings": '{"type": "query", "utterance": "a", "settings": {"alpha": '
    + "[" * 9_000 + "]" * 9_000 + "}}",
    "a number without end": '{"type": "resume", "turn": ' + "9" * 9_000 + "}",
    "not a number": '{"type": "query", "utterance": "a", "settings": {"alpha": NaN}}',
    "endless": '{"type": "query", "utterance": "a", "settings": {"alpha": 1e999}}',
    "a weight without end": '{"type": "query", "utterance": "a", "settings": {"alpha": '
    + "9" * 400 + "}}",
    "another version": '{"type": "query", "utterance": "a", "v": 2}',
    "a version in words": '{"type": "query", "utterance": "a", "v": [1]}',
    "a type without end": json.dumps({"type": "x" * 60_000}),
    "a member without end": json.dumps({"type": "cancel", "x" * 60_000: 1}),
    "half a character": '{"type": "query", "utterance": "\\ud800"}',
    "a null character": '{"type": "query", "utterance": "a\\u0000b"}',
    "a list for a field": '{"type": "edit_chips", "turn": TURN, "edits": [{"op": "filter",'
    ' "field": ["modality"], "value": "CT"}]}',
    "an edit without its op": '{"type": "edit_chips", "turn": TURN, "edits": [{"chip": "CHIP"}]}',
    "a filter without its op": '{"type": "edit_chips", "turn": TURN, "edits": '
    '[{"field": "modality", "value": "CT"}]}',
    "half a character on a label": '{"type": "edit_chips", "turn": TURN, "edits": '
    '[{"op": "rewrite", "chip": "CHIP", "text": "a\\ud800"}]}',
    "another edit as a picture": '{"type": "query", "utterance": "a", "pictures": '
    '[{"op": "like", "image_id": 1}]}',
}  # fmt: skip


async def refused(socket: WebsocketCommunicator) -> None:
    """One error frame came, with one sentence that tells nothing of the inside; and no other."""
    frame = await socket.receive_json_from(timeout=10)
    assert (frame["type"], frame["data"]["code"]) == ("error", "bad_frame")
    assert SENTENCE.fullmatch(frame["data"]["message"])
    assert "codec" not in frame["data"]["message"]


async def test_each_piece_of_rubbish_gets_one_sentence_and_the_next_question_its_answer(
    build: IndexBuild,
    socket: WebsocketCommunicator,
) -> None:
    first = await ask(socket, "pleural effusion")
    chip = first[1]["data"]["chips"][0]["id"]
    for text in RUBBISH.values():
        filled = text.replace("TURN", str(first[0]["turn"])).replace("CHIP", chip)
        await socket.send_to(text_data=filled)
        await refused(socket)
    for data in (b"\xff\xfe", b'{"type": "cancel"}', b"\x00" * 100_000):
        await socket.send_to(bytes_data=data)
        await refused(socket)
    await socket.send_to(text_data=json.dumps({"type": "query", "utterance": "a" * 1_000_000}))
    await refused(socket)
    assert [frame["type"] for frame in await ask(socket, "knee")] == FRAMES
    assert await socket.receive_nothing()


async def test_no_frame_with_one_thing_wrong_closes_the_socket(
    build: IndexBuild,
    socket: WebsocketCommunicator,
) -> None:
    turn = (await ask(socket, "pleural effusion"))[0]["turn"]
    for frame in CLIENT:
        if "turn" in frame:
            frame = {**frame, "turn": turn}
        for _, wrong in (*spoilt(frame), *robbed(frame)):
            await socket.send_json_to(wrong)
        await socket.send_json_to({"type": "cancel"})
    heard = await ask(socket, "knee")
    while heard[-1]["type"] == "error" or heard[0]["data"].get("utterance") != "knee":
        heard = await frames_until(socket, "done", "error")
    assert heard[-1]["type"] == "done"


async def test_what_nobody_foresaw_in_a_frame_leaves_the_socket_open(
    build: IndexBuild,
    socket: WebsocketCommunicator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*args: Any) -> Any:
        raise ZeroDivisionError("internal")

    with monkeypatch.context() as patch:
        patch.setattr(asking, "_store", broken)
        last = (await ask(socket, "knee"))[-1]
    assert (last["type"], last["data"]["code"]) == ("error", "failed")
    assert "internal" not in str(last)
    assert (await ask(socket, "knee"))[-1]["type"] == "done"


async def test_who_drops_in_the_middle_and_resumes_hears_each_frame_once(
    build: IndexBuild, editor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = retrieval._Search.look_for_pictures
    gate = asyncio.Event()

    async def slow(self: Any) -> None:
        await gate.wait()
        await real(self)

    monkeypatch.setattr(retrieval._Search, "look_for_pictures", slow)
    first = await connected(editor)
    await first.send_json_to({"type": "query", "utterance": "gallstones"})
    before = await frames_until(first, "hits")
    await first.disconnect()
    gate.set()
    second = await connected(editor)
    turn, seen = before[0]["turn"], before[-1]["seq"]
    await second.send_json_to({"type": "resume", "turn": turn, "last_seq": seen})
    after = await frames_until(second, "done")
    assert [frame["type"] for frame in (*before, *after)] == FRAMES
    assert [frame["seq"] for frame in (*before, *after)] == list(range(1, 8))
    assert {frame["turn"] for frame in (*before, *after)} == {turn}
    assert await second.receive_nothing()
    await second.disconnect()
    assert await Turn.objects.acount() == 1


async def test_without_an_encoder_the_words_answer_and_the_page_hears_it(
    build: IndexBuild,
    socket: WebsocketCommunicator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*args: Any) -> Any:
        raise EncoderUnavailable("The model is missing.")

    with monkeypatch.context() as patch:
        patch.setattr(query_vector, "text_vectors", broken)
        frames = await ask(socket, "pleural effusion")
    assert [frame["data"].get("leg") for frame in frames[2:4]] == ["lexical", "fused"]
    words, fused = ([hit["image_id"] for hit in f["data"]["hits"]] for f in frames[2:4])
    assert fused == words != []
    assert frames[-1]["data"]["notices"] == ["Searching captions only. The model is missing."]
    healed = await ask(socket, "pleural effusion")
    assert [frame["type"] for frame in healed] == FRAMES


async def test_while_the_encoder_warms_up_the_words_are_heard_already(
    build: IndexBuild,
    socket: WebsocketCommunicator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import threading

    real, warm = query_vector.text_vectors, threading.Event()

    def slow(*args: Any) -> Any:
        assert warm.wait(30)
        return real(*args)

    monkeypatch.setattr(query_vector, "text_vectors", slow)
    await socket.send_json_to({"type": "query", "utterance": "pleural effusion"})
    early = await frames_until(socket, "hits")
    assert (early[-1]["data"]["leg"], early[-1]["data"]["hits"] != []) == ("lexical", True)
    assert await socket.receive_nothing(0.2)
    warm.set()
    assert [frame["type"] for frame in (*early, *await frames_until(socket, "done"))] == FRAMES


TALKS = [
    ["chest x-ray with effusion", "without effusion", "more like the first one"],
    ["MRI of the knee", "also the brain", "only MRI"],
    ["kidney stone", "only CT", "undo"],
    ["gallstones", "instead stent placement", "less like #1"],
    ["histology of the colon", "start over", "meniscus"],
]


async def test_conversations_side_by_side_are_each_as_if_alone(
    build: IndexBuild, editor: Any
) -> None:
    """Two of each: a turn ends in one `done`, keeps its frames, and finds what it finds alone."""

    async def talk(utterances: list[str]) -> list[list[dict[str, Any]]]:
        socket = await connected(editor)
        conversation, turns = None, []
        for utterance in utterances:
            turns.append(await ask(socket, utterance, conversation=conversation))
            conversation = turns[-1][0]["data"]["conversation"]
        assert await socket.receive_nothing()
        await socket.disconnect()
        return turns

    def found(turns: list[list[dict[str, Any]]]) -> list[Any]:
        return [
            [(hit["image_id"], hit["score"]) for hit in frame["data"]["hits"]]
            for frames in turns
            for frame in frames
            if frame["type"] == "hits"
        ]

    alone = [await talk(utterances) for utterances in TALKS]
    crowd = await asyncio.gather(*(talk(utterances) for utterances in TALKS * 2))
    asked = [frames[0]["turn"] for turns in crowd for frames in turns]
    assert len(set(asked)) == len(asked) == 30
    for turns, same in zip(crowd, alone * 2, strict=True):
        for frames in turns:
            assert {frame["turn"] for frame in frames} == {frames[0]["turn"]}
            assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
            assert [frame["type"] for frame in frames].count("done") == 1
        assert found(turns) == found(same)
    assert await sync_to_async(Turn.objects.filter(total=None).count)() == 0
