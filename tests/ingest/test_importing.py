"""Imports of whole folders: what gets in, what is refused and why, and doing it twice."""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Pillow

from ingest import importing
from ingest.models import Collection, Image, Import
from jobs.models import JobCancelled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

Write = Callable[..., Path]
Run = Callable[..., Import]


def reasons(job: Import) -> dict[str, str]:
    return {issue.record: issue.reason for issue in job.issues.all()}


def with_bad_rows(folder: Path, picture: Callable[..., bytes]) -> Path:
    """One good row, and after it every bad one the product promises to survive."""
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "drawing.jpg").write_bytes(b'<?xml version="1.0"?><svg xmlns="x"></svg>')
    (folder / "page.jpg").write_bytes(b"<!DOCTYPE html><html><body>403</body></html>")
    (folder / "cut.jpg").write_bytes(picture(5, (200, 200), "JPEG")[:900])
    bomb = io.BytesIO()
    Pillow.new("1", (10_000, 10_001)).save(bomb, "PNG")
    (folder / "bomb.png").write_bytes(bomb.getvalue())
    for name in ("good", "blank", "tab", "newline", "twin", "broken"):
        (folder / f"{name}.png").write_bytes(picture(len(name)))
    rows = [
        b"id,file,caption",
        b"good,good.png,Chest x-ray of a man",
        b"missing,nowhere.png,A caption",
        b"empty,empty.jpg,A caption",
        b"drawing,drawing.jpg,A caption",
        b"page,page.jpg,A caption",
        b"cut,cut.jpg,A caption",
        b"bomb,bomb.png,A caption",
        b"blank,blank.png,   ",
        b"tab,tab.png,A caption\twith a tab",
        b'newline,newline.png,"A caption\nover two lines"',
        b"good,twin.png,The same id again",
        b"latin,broken.png,Fi\xe8vre",
        b"columns,good.png,too,many,columns",
        b"outside,../../etc/passwd,A caption",
        b"last,twin.png,MRI of the knee",
    ]
    (folder / "captions.csv").write_bytes(b"\n".join(rows) + b"\n")
    return folder


def test_each_bad_row_is_listed_and_the_others_get_in(
    tmp_path: Path, picture: Callable[..., bytes], run_import: Run
) -> None:
    job = run_import(with_bad_rows(tmp_path, picture))
    found = reasons(job)
    assert job.status == "succeeded"
    assert set(Image.objects.values_list("external_id", flat=True)) == {
        "good", "tab", "newline", "last",
    }  # fmt: skip
    assert "missing" in found["missing"]
    assert "0 bytes" in found["empty"]
    assert "SVG" in found["drawing"]
    assert "HTML" in found["page"]
    assert "damaged" in found["cut"]
    assert "10000 × 10001 pixels" in found["bomb"]
    assert "caption is empty" in found["blank"]
    assert "already" in found["good"]
    assert "UTF-8" in found["latin"]
    assert "columns" in found["columns"]
    assert "outside" in found["outside"]
    assert job.refused == 11


def test_a_tab_or_a_line_break_in_a_caption_becomes_a_space_and_is_reported(
    tmp_path: Path, picture: Callable[..., bytes], run_import: Run
) -> None:
    job = run_import(with_bad_rows(tmp_path, picture))
    captions = dict(Image.objects.values_list("external_id", "caption"))
    assert captions["tab"] == "A caption with a tab"
    assert captions["newline"] == "A caption over two lines"
    assert "space instead" in reasons(job)["tab"]
    assert not job.issues.get(record="newline").refused


def test_issues_name_the_line_on_which_the_record_begins(
    tmp_path: Path, picture: Callable[..., bytes], run_import: Run
) -> None:
    job = run_import(with_bad_rows(tmp_path, picture))
    lines = {issue.record: issue.line for issue in job.issues.all()}
    assert (lines["missing"], lines["newline"], lines["latin"]) == (3, 11, 14)


def test_importing_twice_creates_nothing(corpus: Write, run_import: Run) -> None:
    folder = corpus([("a.png", "Chest CT"), ("b.png", "Knee MRI")])
    run_import(folder)
    again = run_import(folder)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert Image.objects.count() == 2


def test_a_changed_caption_updates_its_row(corpus: Write, run_import: Run) -> None:
    run_import(corpus([("a.png", "Chest CT")]))
    before = Image.objects.get()
    job = run_import(corpus([("a.png", "Brain MRI of a woman")]))
    after = Image.objects.get()
    assert (job.created, job.updated, after.pk) == (0, 1, before.pk)
    assert (after.caption, after.modality, after.sex) == ("Brain MRI of a woman", "mri", "female")


def test_a_renamed_file_keeps_its_row(corpus: Write, run_import: Run) -> None:
    folder = corpus([("a.png", "Chest CT"), ("b.png", "Knee MRI")])
    run_import(folder)
    before = Image.objects.get(external_id="a").pk
    (folder / "a.png").rename(folder / "renamed.png")
    job = run_import(corpus([("renamed.png", "Chest CT"), ("b.png", "Knee MRI")]))
    assert job.created == 0
    assert Image.objects.get(source_name="renamed.png").pk == before


def test_two_files_with_the_same_content_are_two_images(
    corpus: Write, run_import: Run, picture: Callable[..., bytes]
) -> None:
    folder = corpus([("a.png", "Chest CT"), ("b.png", "Chest CT again")])
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes())
    run_import(folder)
    job = run_import(folder)
    assert job.unchanged == 2
    assert Image.objects.values("sha256").distinct().count() == 1


def test_a_dry_run_reports_and_changes_nothing(corpus: Write, run_import: Run, media: Path) -> None:
    job = run_import(corpus([("a.png", "Chest CT")]), dry_run=True)
    assert (job.created, Image.objects.count(), Collection.objects.count()) == (1, 0, 0)
    assert not media.exists()


def test_metadata_columns_win_over_what_the_caption_says(corpus: Write, run_import: Run) -> None:
    header = "file,caption,modality,sex,age,year,licence,group"
    row = ("a.png", "CT of a 30-year-old man", "MRI", "F", "51", "2014", "CC BY", "PMC1")
    run_import(corpus([row], header))
    image = Image.objects.get()
    assert (image.modality, image.sex, image.age) == ("mri", "female", 51.0)
    assert (image.year, image.licence, image.group_key) == (2014, "CC BY", "PMC1")


def test_a_number_that_is_none_is_left_empty_and_reported(corpus: Write, run_import: Run) -> None:
    job = run_import(corpus([("a.png", "CT", "soon", "-3")], "file,caption,year,age"))
    image = Image.objects.get()
    assert (image.year, image.age, job.refused, job.issues.count()) == (None, None, 0, 2)


def test_a_table_without_captions_fails_with_a_sentence(tmp_path: Path, run_import: Run) -> None:
    (tmp_path / "captions.csv").write_text("file,text\na.png,b\n")
    with pytest.raises(Exception, match="no column 'caption'; its first line has: file, text"):
        run_import(tmp_path)
    assert Import.objects.get().status == "failed"


def test_an_import_that_was_killed_completes_without_doubles(
    corpus: Write, run_import: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 3)
    folder = corpus([(f"{n}.png", f"Chest CT number {n}") for n in range(9)])
    real, calls = Import.advance, []

    def die_at_second_batch(job: Import, *args: Any, **values: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise JobCancelled
        real(job, *args, **values)

    monkeypatch.setattr(Import, "advance", die_at_second_batch)
    run_import(folder)
    assert Image.objects.count() == 6
    job = run_import(folder)
    assert (job.created, job.unchanged, Image.objects.count()) == (3, 6, 9)


def test_a_folder_takes_captions_from_sidecars_and_images_without_them(
    tmp_path: Path, picture: Callable[..., bytes], run_import: Run
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.png").write_bytes(picture(1))
    (tmp_path / "deep" / "a.txt").write_text("Axial CT of the abdomen")
    (tmp_path / "b.png").write_bytes(picture(2))
    job = run_import(tmp_path)
    assert job.refused == 0
    assert dict(Image.objects.values_list("external_id", "caption")) == {
        "deep/a": "Axial CT of the abdomen",
        "b": "",
    }


def test_imageclef_folders_become_the_seeds_splits(
    tmp_path: Path, picture: Callable[..., bytes], run_import: Run
) -> None:
    for part, count in (("training", 60), ("validation", 5), ("test", 2)):
        folder = tmp_path / part
        folder.mkdir()
        names = [f"1471-2342-{part[:2]}-{number // 3}-{number % 3}" for number in range(count)]
        for number, name in enumerate(names):
            (folder / f"{name}.jpg").write_bytes(picture(number, format_name="JPEG"))
        if part != "test":
            lines = [f"{name}\tFigure, with a comma, {name}" for name in names]
            (folder / f"{part}-captions.csv").write_text("\n".join(lines))
    with (tmp_path / "training" / "training-captions.csv").open("a") as table:
        table.write("\nno tab here")
    job = run_import(tmp_path)
    splits = list(Image.objects.values_list("split", flat=True))
    assert splits.count("test") == 5
    assert splits.count("train") + splits.count("validation") == 60
    assert 0 < splits.count("validation") < 20
    assert reasons(job) == {"no tab here": "no tab between image id and caption"}


def test_strict_makes_the_command_fail_and_still_imports(
    corpus: Write, media: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = corpus([("a.png", "Chest CT"), ("b.png", " ")])
    with pytest.raises(CommandError, match="1 line had an issue"):
        call_command("import_corpus", str(folder), strict=True)
    assert Image.objects.count() == 1
    call_command("import_corpus", str(folder))


def test_the_command_names_a_folder_that_does_not_exist() -> None:
    with pytest.raises(CommandError, match="/nowhere/at/all does not exist"):
        call_command("import_corpus", "/nowhere/at/all")


def test_random_bytes_as_a_table_never_break_the_import(
    tmp_path: Path, run_import: Run, picture: Callable[..., bytes]
) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    noise = random.Random(3).randbytes(4000)
    table = b"file,caption\na.png,First\n" + noise + b"\na.png,Last\n"
    (tmp_path / "captions.csv").write_bytes(table)
    job = run_import(tmp_path)
    assert job.status == "succeeded"
    assert Image.objects.filter(caption="First").exists()
    assert job.refused > 0
