"""After any mishap, the database and the engine can be made equal again."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command

from ingest.models import Image
from search.engine import engine
from search.engines.base import Clause, Scope
from search.models import IndexBuild
from search.reconciling import Difference, compare, repair

pytestmark = pytest.mark.django_db(transaction=True)


def disturb(build: IndexBuild, images: dict[str, Any]) -> Difference:
    """One image each that is missing, extra, has another caption, and another picture."""
    index = async_to_sync(engine().open)(build.generation)
    async_to_sync(index.remove)([images["stone"].pk])
    gone = images["colon"].pk
    Image.objects.filter(pk=gone).delete()
    Image.objects.filter(pk=images["knee"].pk).update(caption_clean="Dislocated patella")
    Image.objects.filter(pk=images["brain"].pk).update(
        sha256=images["stent"].sha256, file=str(images["stent"].file)
    )
    return Difference(
        missing=(images["stone"].pk,),
        extra=(gone,),
        stale_words=(images["knee"].pk,),
        stale_pictures=(images["brain"].pk,),
    )


def test_what_differs_is_told_by_kind(build: IndexBuild, images: dict[str, Any]) -> None:
    assert not compare(build)
    assert compare(build) == Difference()
    expected = disturb(build, images)
    assert compare(build) == expected
    assert len(expected) == 4


def test_a_repair_leaves_no_difference_and_the_new_words_are_found(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    seen: list[tuple[int, int]] = []
    refused = repair(build, disturb(build, images), lambda *progress: seen.append(progress))
    assert refused == []
    assert seen[-1] == (4, 4)
    assert not compare(build)
    index = async_to_sync(engine().open)(build.generation)
    found = async_to_sync(index.lexical)([Clause("patella")], Scope(), 5)
    assert [match.image_id for match in found] == [images["knee"].pk]
    pair = async_to_sync(index.embeddings)([images["brain"].pk, images["stent"].pk])
    assert float(pair[images["brain"].pk] @ pair[images["stent"].pk]) == pytest.approx(1, abs=1e-3)


def test_the_command_lists_repairs_and_tells_by_its_exit_status(
    build: IndexBuild, images: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("check_index")
    assert "holds every image" in capsys.readouterr().out
    disturb(build, images)
    with pytest.raises(SystemExit):
        call_command("check_index")
    assert "1 missing: image" in capsys.readouterr().out
    call_command("check_index", repair=True, json=True)
    report = json.loads(capsys.readouterr().out)
    assert len(report["found"]["missing"]) == 1
    assert report["left"] == {
        "missing": [], "extra": [], "stale_words": [], "stale_pictures": [],
    }  # fmt: skip
    with pytest.raises(CommandError, match="no index build 99"):
        call_command("check_index", build=99)


def test_a_file_that_vanished_is_named_and_stays_missing(
    build: IndexBuild, images: dict[str, Any], capsys: pytest.CaptureFixture[str], media: Any
) -> None:
    index = async_to_sync(engine().open)(build.generation)
    async_to_sync(index.remove)([images["stone"].pk, images["stent"].pk])
    (media / str(images["stone"].file)).unlink()
    with pytest.raises(SystemExit):
        call_command("check_index", repair=True)
    said = capsys.readouterr().out
    assert f"refused: image {images['stone'].pk}: Its file is missing" in said
    assert compare(build) == Difference(missing=(images["stone"].pk,))


def test_without_a_live_index_it_says_so(db: None, engine_folder: Any) -> None:
    with pytest.raises(CommandError, match="No index is live"):
        call_command("check_index")
