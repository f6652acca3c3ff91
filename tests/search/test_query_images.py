"""Pictures people bring to a search: taken in with care, remembered for a while, their owner's."""

import io
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as product
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Pillow

from search import encoding, query_images
from search.models import IndexBuild, Turn
from search.retrieval import retrieve
from search.understanding.state import ImageReference, Phrase, QueryState

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/api/v1/query-images"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.QUERY_IMAGE_DIR = tmp_path / "query-images"
    return tmp_path / "query-images"


@pytest.fixture
def api(editor: Any) -> Client:
    client = Client()
    client.force_login(editor)
    return client


@pytest.fixture
def stranger(django_user_model: Any) -> Client:
    client = Client()
    client.force_login(django_user_model.objects.create_user("stranger"))
    return client


def add(api: Client, data: bytes, name: str = "scan.png") -> Any:
    return api.post(ADD, {"image": SimpleUploadedFile(name, data)})


def upload_of(api: Client, data: bytes) -> str:
    response = add(api, data)
    assert response.status_code == 201, response.content
    return str(response.json()["upload"])


def ask(api: Client, **body: Any) -> Any:
    return api.post("/api/v1/turns", json.dumps(body), content_type="application/json")


def outdate(folder: Path) -> None:
    for path in folder.glob("*/*"):
        os.utime(path, (0, 0))


def with_gps(size: tuple[int, int] = (300, 200)) -> bytes:
    exif = Pillow.Exif()
    exif[0x010F] = "Camera of Mrs Example"
    buffer = io.BytesIO()
    Pillow.new("RGB", size, "teal").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_a_picture_of_the_corpus_finds_itself_first(
    build: IndexBuild, api: Client, images: dict[str, Any]
) -> None:
    data = Path(images["knee"].file.path).read_bytes()
    turn = ask(api, utterance="", pictures=[{"upload": upload_of(api, data)}]).json()
    assert turn["hits"][0]["external_id"] == "knee"
    assert turn["hits"][0]["cosine"] == pytest.approx(1.0, abs=1e-4)
    assert turn["moves"] == ["image"]
    assert [(c["kind"], c["label"], c["weighable"]) for c in turn["chips"]] == [
        ("image", "Like your picture", True)
    ]


def test_words_and_a_picture_are_one_search(
    build: IndexBuild, api: Client, picture: Callable[..., bytes]
) -> None:
    pictures = [{"upload": upload_of(api, picture(3))}]
    turn = ask(api, utterance="similar to this but without contrast", pictures=pictures).json()
    assert [chip["kind"] for chip in turn["chips"]] == ["exclusion", "image"]
    assert turn["notices"] == []
    assert turn["ranked"] == 8


def test_words_join_a_search_by_picture_alone(
    build: IndexBuild, api: Client, picture: Callable[..., bytes]
) -> None:
    first = ask(api, utterance="", pictures=[{"upload": upload_of(api, picture(3))}]).json()
    then = ask(api, utterance="chest x-ray with effusion", after=first["turn"]).json()
    assert {chip["kind"] for chip in then["chips"]} == {"filter", "phrase", "image"}
    assert then["moves"] == ["add"]
    assert then["notices"] == []
    away = ask(api, utterance="new topic: MRI of the knee", after=first["turn"]).json()
    assert "image" not in {chip["kind"] for chip in away["chips"]}


def test_its_weight_changes_on_the_chip_and_negative_pushes_away(
    build: IndexBuild, api: Client, images: dict[str, Any]
) -> None:
    upload = upload_of(api, Path(images["knee"].file.path).read_bytes())
    turn = ask(api, utterance="", pictures=[{"upload": upload}]).json()
    edit = {"op": "weigh", "chip": upload, "weight": -1}
    away = ask(api, turn=turn["turn"], edits=[edit]).json()
    assert away["chips"][0]["label"] == "Unlike your picture"
    assert away["hits"][-1]["external_id"] == "knee"
    without = ask(api, turn=away["turn"], edits=[{"op": "remove", "chip": upload}]).json()
    assert without["chips"] == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<!doctype html><script>alert(1)</script>", "HTML"),
        (b"GIF89a but no more", "not an image of a known format"),
        (with_gps()[:-200], "damaged or cut short"),
        (b"%PDF-1.7", "not an image of a known format"),
    ],
)
def test_what_is_not_a_picture_is_refused_in_a_sentence(
    build: IndexBuild, api: Client, folder: Path, data: bytes, says: str
) -> None:
    response = add(api, data)
    assert response.status_code == 400
    assert says in response.json()["detail"]
    assert not list(folder.glob("*/*"))


def test_a_pixel_bomb_and_a_large_file_are_refused(
    build: IndexBuild, api: Client, settings: Any, picture: Callable[..., bytes]
) -> None:
    settings.MAX_IMAGE_PIXELS = 1000
    assert "pixels" in add(api, picture(1)).json()["detail"]
    settings.QUERY_IMAGE_BYTES = 1000
    response = add(api, bytes(100_000))
    assert response.status_code == 413
    assert "at most" in response.json()["detail"]
    response = add(api, bytes(2_000))
    assert response.status_code == 400
    assert "larger" in response.json()["detail"]


def test_its_kind_is_that_of_its_bytes_whatever_it_is_called(
    build: IndexBuild, api: Client, picture: Callable[..., bytes]
) -> None:
    assert add(api, picture(1), "scan.svg").status_code == 201
    assert add(api, b"<svg/>", "scan.png").status_code == 400


def test_only_a_vector_and_a_preview_are_kept_and_nobody_else_can_read_them(
    build: IndexBuild, api: Client, folder: Path, editor: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upload = upload_of(api, with_gps((2000, 1000)))
    (kept,) = folder.glob("*/*")
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert b"Mrs Example" not in kept.read_bytes()
    shown = api.get(f"/query-images/{upload}")
    assert shown["Content-Type"] == "image/webp"
    assert "no-store" in shown["Cache-Control"]
    assert max(Pillow.open(io.BytesIO(shown.content)).size) == query_images.PREVIEW_SIDE
    assert set(np.load(kept).files) == {"vector", "fingerprint", "preview"}
    assert "scan.png" not in caplog.text
    turn = ask(api, utterance="", pictures=[{"upload": upload}]).json()
    assert "scan" not in json.dumps(Turn.objects.get(pk=turn["turn"]).state)


def test_a_large_body_passes_no_named_file(
    build: IndexBuild, api: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a temporary file was made")

    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    monkeypatch.setattr("django.core.files.uploadhandler.TemporaryUploadedFile", fail)
    assert add(api, with_gps()).status_code == 201


def test_the_picture_of_somebody_else_is_refused(
    build: IndexBuild, api: Client, stranger: Client, picture: Callable[..., bytes]
) -> None:
    upload = upload_of(api, picture(1))
    assert stranger.get(f"/query-images/{upload}").status_code == 404
    response = ask(stranger, utterance="knee", pictures=[{"upload": upload}])
    assert response.status_code == 400
    assert "not one of yours" in response.json()["detail"]
    own = ask(stranger, utterance="knee").json()
    edits = [{"op": "picture", "upload": upload}]
    assert ask(stranger, turn=own["turn"], edits=edits).status_code == 400
    assert stranger.delete(f"{ADD}/{upload}").status_code == 204
    assert api.get(f"/query-images/{upload}").status_code == 200


def test_a_search_reads_only_pictures_of_the_one_who_asks(
    build: IndexBuild, api: Client, editor: Any, picture: Callable[..., bytes]
) -> None:
    state = QueryState(
        phrases=(Phrase("knee"),), images=(ImageReference(upload=upload_of(api, picture(1))),)
    )

    async def notices(owner: int | None) -> list[str]:
        return list([event async for event in retrieve(state, build, owner)][-1].notices)

    assert async_to_sync(notices)(editor.pk) == []
    assert async_to_sync(notices)(editor.pk + 1) == [f"{query_images.EXPIRED}."]
    assert async_to_sync(notices)(None) == [f"{query_images.EXPIRED}."]


def test_a_saved_search_by_a_picture_is_the_same_by_the_plain_api(
    build: IndexBuild, api: Client, stranger: Client, images: Any
) -> None:
    upload = upload_of(api, Path(images["knee"].file.path).read_bytes())
    turn = ask(api, utterance="", pictures=[{"upload": upload}]).json()
    body = {"name": "Knees", "turn": turn["turn"]}
    saved = api.post("/api/v1/saved-searches", body, content_type="application/json").json()
    again = api.get("/api/v1/search", {"saved": saved["id"]}).json()
    assert [hit["image_id"] for hit in again["hits"]] == [hit["image_id"] for hit in turn["hits"]]
    assert (again["notices"], again["chips"]) == (turn["notices"], turn["chips"])
    assert stranger.get("/api/v1/search", {"saved": saved["id"]}).status_code == 404


def test_an_expired_picture_says_so_and_the_rest_still_answers(
    build: IndexBuild, api: Client, folder: Path, picture: Callable[..., bytes]
) -> None:
    turn = ask(api, utterance="knee", pictures=[{"upload": upload_of(api, picture(1))}]).json()
    outdate(folder)
    again = api.get(f"/api/v1/turns/{turn['turn']}").json()
    (chip,) = [chip for chip in again["chips"] if chip["kind"] == "image"]
    assert chip["label"] == "This picture has expired, add it again"
    assert (chip["thumbnail_url"], chip["weighable"]) == (None, False)
    assert again["hits"][0]["external_id"] == "knee"
    assert "This picture has expired, add it again." in again["notices"]
    assert not list(folder.glob("*/*"))


def test_expired_pictures_go_by_themselves(
    build: IndexBuild, api: Client, folder: Path, picture: Callable[..., bytes]
) -> None:
    from search.tasks import forget_query_images

    upload_of(api, picture(1))
    outdate(folder)
    fresh = upload_of(api, picture(2))
    (kept,) = folder.glob("*/*")
    assert kept.stem == fresh.removeprefix("upload:")
    outdate(folder)
    forget_query_images()
    assert not list(folder.glob("*/*"))


def test_the_sweep_does_not_wait_behind_training() -> None:
    from clipsite.celery import app

    entry = product.CELERY_BEAT_SCHEDULE["forget-query-images"]
    assert app.amqp.router.route({}, entry["task"])["queue"].name == "default"


def test_of_one_person_only_the_newest_are_kept(
    build: IndexBuild,
    api: Client,
    folder: Path,
    picture: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(query_images, "MOST_KEPT", 2)
    uploads = []
    for age in (3, 2, 1):
        uploads.append(upload_of(api, picture(age)))
        path = next(folder.glob(f"*/{uploads[-1].removeprefix('upload:')}.npz"))
        os.utime(path, (time.time() - age, time.time() - age))
    codes = [api.get(f"/query-images/{upload}").status_code for upload in uploads]
    assert codes == [404, 200, 200]


def test_a_picture_can_be_forgotten_at_once(
    build: IndexBuild, api: Client, picture: Callable[..., bytes]
) -> None:
    upload = upload_of(api, picture(1))
    assert api.delete(f"{ADD}/{upload}").status_code == 204
    assert api.get(f"/query-images/{upload}").status_code == 404


def test_adding_one_needs_a_login_and_the_csrf_token(
    build: IndexBuild, editor: Any, picture: Callable[..., bytes]
) -> None:
    assert add(Client(), picture(1)).status_code in (401, 403)
    assert Client().get("/query-images/upload:" + "0" * 32).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(editor)
    assert add(strict, picture(1)).status_code == 403


def test_no_path_or_address_is_followed(build: IndexBuild, api: Client) -> None:
    for upload in ("http://127.0.0.1/x.png", "upload:../../etc/passwd", "upload:" + "0" * 31, 7):
        response = ask(api, utterance="knee", pictures=[{"upload": upload}])
        assert response.status_code == 400
        assert "upload" in response.json()["detail"]
    assert api.post(ADD, {"image": "http://127.0.0.1/x.png"}).status_code == 400
    assert api.get("/query-images/upload:..%2f..%2fpasswd").status_code == 404


def test_without_an_index_or_a_model_one_sentence_says_so(
    build: IndexBuild, api: Client, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*args: Any) -> None:
        raise encoding.EncoderUnavailable("/secret/folder is gone")

    monkeypatch.setattr(query_images, "picture_vector", missing)
    response = add(api, picture(1))
    assert response.status_code == 503
    assert response.json()["detail"].startswith("No model can read pictures just now.")
    assert "secret" not in response.content.decode()


def test_a_busy_model_says_so(
    build: IndexBuild, api: Client, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_images, "_readers", threading.BoundedSemaphore(1))
    monkeypatch.setattr(query_images, "LONGEST_WAIT", 0.01)
    with query_images._readers:
        response = add(api, picture(1))
    assert response.status_code == 503
    assert "busy" in response.json()["detail"]
    assert add(api, picture(1)).status_code == 201


def test_a_picture_read_by_another_model_is_left_out_and_said(
    build: IndexBuild, api: Client, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = query_images._write
    monkeypatch.setattr(query_images, "_write", lambda p, v, f, t: real(p, v, "other", t))
    turn = ask(api, utterance="knee", pictures=[{"upload": upload_of(api, picture(1))}]).json()
    assert any("before the model changed" in notice for notice in turn["notices"])
    assert turn["hits"][0]["external_id"] == "knee"
