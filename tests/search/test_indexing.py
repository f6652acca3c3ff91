from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.utils import timezone

from ingest.models import Image
from jobs.models import JobCancelled
from jobs.running import run
from search import indexing, verification
from search.asking import say
from search.engine import engine
from search.engines.base import EngineError, Full, Scope, Unavailable
from search.engines.lance import LanceIndex
from search.indexing import build_index
from search.models import IndexBuild, LiveIndex
from search.reconciling import compare
from search.tasks import clear_index_build
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
    real = indexing.encode

    def count_and_break(encoder: Any, batch: Any) -> Any:
        if len(encoded) == 3:
            encoded.append(0)
            raise JobCancelled
        encoded.extend(image.pk for image in batch)
        return real(encoder, batch)

    monkeypatch.setattr(indexing, "encode", count_and_break)
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


def test_what_was_verified_stands_on_the_row(build: IndexBuild, images: dict[str, Any]) -> None:
    assert build.verification == {
        "documents": 8, "recall_at_10": 1.0, "recall_queries": 8, "golden_found": 8,
        "golden_queries": 8,
    }  # fmt: skip


def test_an_unreadable_file_is_listed_and_too_many_fail_the_build(
    images: dict[str, Any],
    checkpoint: Checkpoint,
    engine_folder: Any,
    media: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (media / str(images["knee"].file)).write_bytes(b"no picture any more")
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    with pytest.raises(EngineError, match="1 of 8 images were refused"):
        run(job, build_index)
    assert LiveIndex.current() is None
    monkeypatch.setattr(verification, "MOST_REJECTED", 0.2)
    job.enqueue()
    run(job, build_index)
    job.refresh_from_db()
    assert job.documents == 7
    assert [str(one) for one in job.rejections.all()] == [
        f"image {images['knee'].pk}: Its file is missing or cannot be read."
    ]
    assert "1 refused" in job.message


def test_a_graph_that_finds_too_little_fails_the_build(
    images: dict[str, Any],
    checkpoint: Checkpoint,
    engine_folder: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = LanceIndex.semantic

    async def sloppy(self: Any, vector: Any, scope: Any, limit: int, *, exact: bool = False) -> Any:
        found = await real(self, vector, scope, limit, exact=exact)
        return found if exact else found[2:]

    monkeypatch.setattr(LanceIndex, "semantic", sloppy)
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    with pytest.raises(EngineError, match=r"75\.0% of the true first 10"):
        run(job, build_index)
    assert LiveIndex.current() is None


def test_images_that_are_not_found_by_their_own_caption_fail_the_build(
    images: dict[str, Any],
    checkpoint: Checkpoint,
    engine_folder: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = LanceIndex.lexical

    async def deaf(self: Any, clauses: Any, scope: Any, limit: int) -> Any:
        found = await real(self, clauses, scope, limit)
        return [match for match in found if match.image_id != images["stone"].pk]

    monkeypatch.setattr(LanceIndex, "lexical", deaf)
    monkeypatch.setattr(verification, "GOLDEN_POOL", 1)
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    with pytest.raises(EngineError, match="1 of 8 sampled images are not found"):
        run(job, build_index)


def test_an_image_that_came_in_meanwhile_does_not_fail_the_build(
    images: dict[str, Any],
    checkpoint: Checkpoint,
    engine_folder: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = images["knee"]

    def verify_later(*args: Any) -> Any:
        late.pk, late.external_id = None, "late"
        late.save()
        return verification.verify(*args)

    monkeypatch.setattr(indexing, "verify", verify_later)
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    run(job, build_index)
    assert LiveIndex.current() == job
    assert compare(job).missing == (late.pk,)


def test_a_build_that_is_cancelled_while_it_is_verified_does_not_go_live(
    images: dict[str, Any],
    checkpoint: Checkpoint,
    engine_folder: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = IndexBuild.objects.create(checkpoint=checkpoint)

    def cancelled_meanwhile(*args: Any) -> Any:
        IndexBuild.objects.get(pk=job.pk).request_cancel()
        return verification.verify(*args)

    monkeypatch.setattr(indexing, "verify", cancelled_meanwhile)
    run(job, build_index)
    job.refresh_from_db()
    assert (job.status, job.verified_at) == ("cancelled", None)
    assert LiveIndex.current() is None


def test_a_full_engine_pauses_the_build_and_it_goes_on_by_itself(
    images: dict[str, Any],
    checkpoint: Checkpoint,
    engine_folder: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = LanceIndex.feed
    answers = [Full("Its disk is full."), Full("Its disk is full.")]

    async def full_at_first(self: Any, documents: Any, vectors: Any) -> Any:
        if answers:
            raise answers.pop()
        return await real(self, documents, vectors)

    monkeypatch.setattr(LanceIndex, "feed", full_at_first)
    monkeypatch.setattr(indexing, "PAUSE", 0.01)
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    run(job, build_index)
    job.refresh_from_db()
    assert job.documents == 8
    assert job.log.count("Paused. Its disk is full.") == 2


@pytest.fixture
def two_slots(settings: Any) -> tuple[str, str]:
    """An engine with room for two generations; only rows are looked at."""
    settings.VESPA_URL = "http://nowhere.invalid:8080"
    return ("a", "b")


def test_builds_take_turns_at_the_slots_and_the_live_one_is_kept(
    checkpoint: Checkpoint, two_slots: tuple[str, str]
) -> None:
    def built() -> IndexBuild:
        job = IndexBuild.objects.create(checkpoint=checkpoint)
        job.reserve("f", two_slots)
        job.take_over()
        IndexBuild.objects.filter(pk=job.pk).update(verified_at=timezone.now())
        job.refresh_from_db()
        return job

    first = built()
    first.promote()
    second = built()
    assert (first.slot, second.slot) == ("a", "b")
    third = built()
    second.refresh_from_db()
    assert (third.slot, second.slot, second.can_answer) == ("b", "", False)
    with pytest.raises(ValueError, match="still there"):
        second.promote()
    third.promote()
    fourth = built()
    first.refresh_from_db()
    assert (fourth.slot, first.slot) == ("a", "")


def test_a_third_build_at_once_is_told_to_wait(
    checkpoint: Checkpoint, two_slots: tuple[str, str]
) -> None:
    for slot in two_slots:
        IndexBuild.objects.create(checkpoint=checkpoint, slot=slot, status="running")
    with pytest.raises(ValueError, match="Both slots"):
        IndexBuild.objects.create(checkpoint=checkpoint).reserve("f", two_slots)


def test_each_engine_has_its_own_live_index(
    build: IndexBuild, checkpoint: Checkpoint, settings: Any
) -> None:
    settings.VESPA_URL = "http://nowhere.invalid:8080"
    assert LiveIndex.current() is None
    assert not build.can_answer
    with pytest.raises(ValueError, match="still there"):
        build.promote()
    settings.VESPA_URL = ""
    assert LiveIndex.current() == build


def test_an_administrator_clears_a_build_that_nobody_searches(
    build: IndexBuild, checkpoint: Checkpoint, admin_client: Any
) -> None:
    old = IndexBuild.objects.create(checkpoint=checkpoint, promote_when_done=False)
    run(old, build_index)
    page = f"/admin/clipsite_search/indexbuild/{old.pk}/"
    assert "Remove its documents" in admin_client.get(f"{page}change/").content.decode()
    admin_client.post(f"{page}clear/")
    clear_index_build(old.pk)
    old.refresh_from_db()
    assert not old.can_answer
    with pytest.raises(Unavailable):
        async_to_sync(engine().open)(old.generation)
    said = admin_client.post(f"/admin/clipsite_search/indexbuild/{build.pk}/clear/", follow=True)
    assert "cannot be cleared" in said.content.decode()
    assert build.is_live


def test_a_turn_whose_build_is_gone_is_answered_from_the_live_one(
    build: IndexBuild, checkpoint: Checkpoint, editor: Any
) -> None:
    turn = say(editor, "gallstones", None, {})
    assert turn.answering_build() == build
    newer = IndexBuild.objects.create(checkpoint=checkpoint)
    run(newer, build_index)
    assert turn.answering_build() == build
    build.refresh_from_db()
    build.forget_documents()
    turn.refresh_from_db()
    assert turn.answering_build() == newer


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
