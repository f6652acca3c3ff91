from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command

from ingest.models import Image
from jobs.models import JobCancelled
from jobs.running import run
from search import indexing
from search.engine import engine
from search.engines.base import Scope
from search.indexing import build_index
from search.models import IndexBuild, LiveIndex
from training.models import Checkpoint

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_finished_build_is_verified_and_live(build: IndexBuild, images: dict[str, Any]) -> None:
    assert build.status == "succeeded"
    assert build.documents == len(images)
    assert build.verified_at is not None
    assert LiveIndex.current() == build


def test_a_build_that_is_not_to_go_live_leaves_the_live_one(
    build: IndexBuild, checkpoint: Checkpoint
) -> None:
    second = IndexBuild.objects.create(checkpoint=checkpoint, promote_when_done=False)
    run(second, build_index)
    assert LiveIndex.current() == build
    second.refresh_from_db()
    second.promote()
    assert LiveIndex.current() == second
    build.promote()
    assert LiveIndex.objects.count() == 1


def test_an_unverified_build_cannot_go_live(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match="verified"):
        IndexBuild.objects.create(checkpoint=checkpoint).promote()


def test_an_interrupted_build_goes_on_without_encoding_twice(
    images: dict[str, Any],
    checkpoint: Checkpoint,
    engine_folder: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(indexing, "BATCH", 3)
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    encoded: list[int] = []
    real = indexing._encode

    def count_and_break(encoder: Any, batch: Any) -> Any:
        if len(encoded) == 3:
            encoded.append(0)
            raise JobCancelled
        encoded.extend(image.pk for image in batch)
        return real(encoder, batch)

    monkeypatch.setattr(indexing, "_encode", count_and_break)
    run(job, build_index)
    assert LiveIndex.current() is None
    encoded.remove(0)
    encoded.append(-1)
    job.enqueue()
    run(job, build_index)
    encoded.remove(-1)
    assert sorted(encoded) == sorted(image.pk for image in images.values())
    index = async_to_sync(engine().open)(job.generation)
    assert async_to_sync(index.count)(Scope()) == len(images)


def test_images_deleted_meanwhile_are_taken_out_again(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    images["knee"].delete()
    IndexBuild.objects.filter(pk=build.pk).update(status="lost")
    build.enqueue()
    run(build, build_index)
    build.refresh_from_db()
    assert build.documents == Image.objects.count() == 7


def test_a_build_without_images_fails_with_a_sentence(
    checkpoint: Checkpoint, engine_folder: Any
) -> None:
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    with pytest.raises(Exception, match="no images to index"):
        run(job, build_index)
    job.refresh_from_db()
    assert job.status == "failed"


def test_the_search_command_prints_one_json_object(
    build: IndexBuild, images: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    call_command("search", "pleural effusion", mode="lexical", json=True, limit=5)
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {"state", "chips", "total", "hits", "timing"}
    assert [hit["external_id"] for hit in report["hits"]] == ["effusion", "clear"]
    assert set(report["hits"][0]) == {
        "image_id", "external_id", "rank", "score", "bm25", "cosine", "caption", "modality",
    }  # fmt: skip
