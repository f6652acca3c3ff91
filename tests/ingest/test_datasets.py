"""Dataset versions: what is written down, that it stays so, and the leaks that are found in it."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.models import ProtectedError
from django.test import Client
from PIL import Image as Pillow
from PIL import ImageEnhance, ImageFilter

from ingest.captions import normalise_caption
from ingest.datasets import freeze, manifest_file, records, version_to_show
from ingest.errors import IngestError
from ingest.leakage import leakage_line
from ingest.likeness import NEAR, near_pairs, picture_hash, stacked
from ingest.models import Collection, DatasetVersion, Image, Unchangeable
from training.models import TrainingRun

MEDCAP = Path(__file__).resolve().parents[3] / "shared" / "data" / "medcap"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture(autouse=True)
def datasets(settings: Any, tmp_path: Path) -> Path:
    settings.DATASET_DIR = tmp_path / "datasets"
    return tmp_path / "datasets"


def make_scene(seed: int, size: tuple[int, int] = (160, 120)) -> Pillow.Image:
    """A smooth picture that is unlike those of other seeds."""
    noise = np.random.default_rng(seed).integers(0, 255, (12, 16), dtype=np.uint8)
    scene = Pillow.fromarray(noise).resize(size, Pillow.Resampling.BICUBIC)
    return scene.filter(ImageFilter.GaussianBlur(2)).convert("RGB")


def png(picture: Pillow.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def collection(corpus: Callable[..., Path], run_import: Callable[..., Any]) -> Collection:
    """Six images of six groups on three sides, no two alike."""
    rows = [
        (f"{n}.png", f"Caption number {n}", side, f"article {n}")
        for n, side in enumerate(["train"] * 3 + ["validation"] * 2 + ["test"])
    ]
    folder = corpus(rows, "file,caption,split,group")
    for n in range(6):
        (folder / f"{n}.png").write_bytes(png(make_scene(n)))
    run_import(folder)
    return Collection.objects.get()


def found(version: DatasetVersion) -> dict[str, int]:
    return {
        kind: finding["count"]
        for kind, finding in version.leakage.items()
        if kind != "unread" and finding["count"]
    }


def give_picture(image: Image, picture: Pillow.Image) -> None:
    """As if it had been imported with this one."""
    image.perceptual_hash, image.sha256 = picture_hash(picture), f"{image.pk:064}"
    image.save()


def test_a_version_reads_back_what_the_collection_held_in_its_order(
    collection: Collection,
) -> None:
    version = freeze(collection)
    assert version.counts == {"train": 3, "validation": 2, "test": 1}
    read = list(records(version))
    assert [record.id for record in read] == [str(n) for n in range(6)]
    stored = Image.objects.get(external_id="3")
    assert (read[3].sha256, read[3].file) == (stored.sha256, stored.file.name)
    assert (read[3].caption, read[3].group, read[3].split) == (
        "Caption number 3", "article 3", "validation",
    )  # fmt: skip


def test_the_same_content_is_the_same_version(collection: Collection) -> None:
    assert freeze(collection) == freeze(collection)
    assert DatasetVersion.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"caption_clean": "Another"}, {"split": "test"}, {"group_key": "another"}]
)
def test_anything_that_training_sees_makes_another_version(
    collection: Collection, change: dict[str, str]
) -> None:
    first = freeze(collection)
    Image.objects.filter(external_id="1").update(**change)
    second = freeze(collection)
    assert first.sha256 != second.sha256
    assert [record.caption for record in records(first)] == [
        f"Caption number {n}" for n in range(6)
    ]


def test_what_training_does_not_see_makes_none(collection: Collection) -> None:
    first = freeze(collection)
    Image.objects.update(licence="CC BY", modality="ct")
    assert freeze(collection) == first


def test_an_image_without_a_caption_is_not_in_it(collection: Collection) -> None:
    Image.objects.filter(external_id="0").update(caption_clean="")
    assert [record.id for record in records(freeze(collection))] == ["1", "2", "3", "4", "5"]


def test_a_collection_without_captions_is_refused_and_nothing_written(datasets: Path) -> None:
    empty = Collection.objects.create(name="empty")
    with pytest.raises(IngestError, match="empty has no captioned image"):
        freeze(empty)
    assert not datasets.exists()


def test_a_version_cannot_be_changed(collection: Collection) -> None:
    version = freeze(collection)
    version.counts = {"train": 1}
    with pytest.raises(Unchangeable):
        version.save()
    with pytest.raises(Unchangeable):
        DatasetVersion.objects.update(counts={})
    version.refresh_from_db()
    assert version.counts == {"train": 3, "validation": 2, "test": 1}


def test_a_version_that_a_run_uses_cannot_be_deleted(collection: Collection) -> None:
    version = freeze(collection)
    run = TrainingRun.objects.create(collection=collection, dataset=version)
    with pytest.raises(ProtectedError):
        version.delete()
    run.delete()
    version.delete()


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_manifest_is_refused_and_freezing_again_mends_it(
    collection: Collection, damage: str
) -> None:
    version = freeze(collection)
    path = manifest_file(version.sha256)
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        text = gzip.decompress(content).replace(b"Caption number 2", b"Caption number 9")
        path.write_bytes(gzip.compress(text))
    with pytest.raises(IngestError, match=f"manifest of dataset {version} is (damaged|gone)"):
        list(records(version))
    assert freeze(collection) == version
    assert len(list(records(version))) == 6


def test_a_full_disk_leaves_nothing_half_written(
    collection: Collection, datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ingest.datasets.os.fsync", full)
    with pytest.raises(IngestError, match=r"cannot be written to .*: No space left on device\."):
        freeze(collection)
    assert list(datasets.iterdir()) == []
    assert not DatasetVersion.objects.exists()


def test_a_clean_split_leaks_nothing(collection: Collection) -> None:
    version = freeze(collection)
    assert found(version) == {}
    assert leakage_line(version.leakage) == "Nothing stands on more than one side of the split."


def test_a_torn_group_is_found(collection: Collection) -> None:
    Image.objects.filter(external_id__in=["0", "5"]).update(group_key="torn")
    version = freeze(collection)
    assert found(version) == {"groups": 1}
    assert version.leakage["groups"]["examples"] == [
        {"what": "torn", "images": [["train", "0"], ["test", "5"]]}
    ]
    assert leakage_line(version.leakage) == "1 group stands on more than one side of the split."


def test_an_equal_file_across_the_split_is_found(collection: Collection) -> None:
    twin = Image.objects.get(external_id="0")
    Image.objects.filter(external_id="4").update(
        sha256=twin.sha256, perceptual_hash=twin.perceptual_hash
    )
    assert found(freeze(collection)) == {"equal_images": 1}


def test_captions_that_differ_in_case_and_stops_only_are_found(collection: Collection) -> None:
    Image.objects.filter(external_id="3").update(caption_clean="caption  Number 0.")
    version = freeze(collection)
    assert found(version) == {"equal_captions": 1}
    example = version.leakage["equal_captions"]["examples"][0]
    assert example["what"] == normalise_caption("Caption number 0")


def test_what_is_alike_on_one_side_is_no_leak(collection: Collection) -> None:
    Image.objects.filter(external_id__in=["0", "1"]).update(
        group_key="one", caption_clean="The same", perceptual_hash="0" * 64
    )
    assert found(freeze(collection)) == {}


COPIES: dict[str, Callable[[Pillow.Image], Pillow.Image]] = {
    "smaller": lambda p: p.resize((p.width // 2, p.height // 2)),
    "brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.15),
    "of more contrast": lambda p: ImageEnhance.Contrast(p).enhance(1.2),
    "cropped": lambda p: p.crop((1, 1, p.width - 1, p.height)),
    "grey": lambda p: p.convert("L"),
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_on_another_side_is_found(collection: Collection, copy: str) -> None:
    give_picture(Image.objects.get(external_id="5"), COPIES[copy](make_scene(1)))
    version = freeze(collection)
    assert found(version) == {"near_images": 1}
    assert version.leakage["near_images"]["examples"][0]["images"] == [
        ["train", "1"],
        ["test", "5"],
    ]


def test_a_recompressed_copy_is_found(collection: Collection) -> None:
    buffer = io.BytesIO()
    make_scene(2).save(buffer, "JPEG", quality=30)
    give_picture(Image.objects.get(external_id="3"), Pillow.open(buffer))
    assert found(freeze(collection)) == {"near_images": 1}


def test_near_pairs_are_those_of_a_slow_search() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 256, (300, 32), dtype=np.uint8)
    # Copies with 0 to 59 bits turned, so that some lie on either side of the limit.
    for row in range(60):
        bits = np.unpackbits(hashes[row])
        bits[:row] ^= 1
        hashes[row + 100] = np.packbits(bits)
    sides = random.integers(0, 3, 300).astype(np.int8)
    slow = {
        (a, b)
        for a in range(300)
        for b in range(300)
        if sides[a] > sides[b] and int(np.bitwise_count(hashes[a] ^ hashes[b]).sum()) <= NEAR
    }
    fast = {
        (int(a), int(b))
        for later, earlier, _ in near_pairs(hashes, sides)
        for a, b in zip(later, earlier, strict=True)
    }
    assert fast == slow
    assert len(slow) > 10


def test_pictures_of_earlier_imports_are_hashed_when_frozen(collection: Collection) -> None:
    before = dict(Image.objects.values_list("external_id", "perceptual_hash"))
    Image.objects.update(perceptual_hash="")
    told: list[tuple[int, int, str]] = []
    freeze(collection, lambda *progress: told.append(progress))
    assert told[0][:2] == (6, 6)
    after = Image.objects.values_list("external_id", "perceptual_hash")
    # The stored thumbnail is compressed, so a few bits may differ.
    for key, text in after:
        different = np.bitwise_count(stacked([text]) ^ stacked([before[key]])).sum()
        assert different <= NEAR // 2


def test_a_picture_that_is_gone_is_counted_as_unread(collection: Collection, media: Path) -> None:
    image = Image.objects.get(external_id="2")
    Image.objects.filter(pk=image.pk).update(perceptual_hash="")
    (media / image.thumbnail.name).unlink()
    assert freeze(collection).leakage["unread"] == 1


def test_a_large_collection_that_changed_is_not_measured_while_a_page_waits(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = freeze(collection)
    monkeypatch.setattr("ingest.datasets.SMALL", 5)
    assert version_to_show(collection) == version
    Image.objects.filter(external_id="0").update(caption_clean="Changed")
    assert version_to_show(collection) is None
    monkeypatch.setattr("ingest.datasets.SMALL", 6)
    assert version_to_show(collection) != version


def test_the_command_tells_counts_and_leaks(
    collection: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.objects.filter(external_id__in=["0", "5"]).update(group_key="torn")
    call_command("freeze_dataset", collection.name)
    told = capsys.readouterr().out
    assert "3 train, 2 validation, 1 test" in told
    assert "1 group stands on more than one side" in told
    assert "group torn: train 0 and test 5" in told
    call_command("freeze_dataset", collection.name, json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["sha256"] == DatasetVersion.objects.get().sha256
    assert Path(report["file"]).exists()


def test_the_command_names_a_collection_that_does_not_exist() -> None:
    with pytest.raises(CommandError, match="no collection 'gone'"):
        call_command("freeze_dataset", "gone")


def test_the_admin_shows_a_version_with_its_leaks_and_changes_nothing(
    collection: Collection, admin_client: Client
) -> None:
    Image.objects.filter(external_id__in=["0", "5"]).update(group_key="torn")
    version = freeze(collection)
    url = f"/admin/clipsite_ingest/datasetversion/{version.pk}/change/"
    page = admin_client.get(url).content.decode()
    assert version.sha256 in page
    assert "1 group stands on more than one side of the split." in page
    assert f"/images/{Image.objects.get(external_id='5').pk}/thumbnail" in page
    assert admin_client.get("/admin/clipsite_ingest/datasetversion/").status_code == 200
    assert admin_client.get("/admin/clipsite_ingest/datasetversion/add/").status_code == 403
    assert admin_client.post(url, {"sha256": "x"}).status_code == 403


def altered(picture: Pillow.Image) -> list[Pillow.Image]:
    """What becomes of a figure on its way through other people's hands."""
    width, height = picture.size
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=30)
    edge = (round(width * 0.01), round(height * 0.01))
    return [
        Pillow.open(buffer),
        picture.resize((width // 3, height // 3)),
        picture.crop((*edge, width - edge[0], height - edge[1])),
        ImageEnhance.Brightness(picture).enhance(0.8),
        ImageEnhance.Contrast(picture).enhance(1.2),
    ]


@pytest.mark.medcap
@pytest.mark.skipif(not MEDCAP.exists(), reason="the real figures are not here")
def test_copies_of_real_figures_are_near_and_other_figures_are_not() -> None:
    pictures = [Pillow.open(path).convert("RGB") for path in sorted(MEDCAP.glob("images/*"))[::24]]
    originals = stacked([picture_hash(picture) for picture in pictures])
    distances = [
        int(np.bitwise_count(stacked([picture_hash(copy)]) ^ original).sum())
        for picture, original in zip(pictures, originals, strict=True)
        for copy in altered(picture)
    ]
    assert np.mean(np.array(distances) <= NEAR) >= 0.99
    every_one_apart = np.arange(len(originals)) % 2
    pairs = [len(later) for later, _, _ in near_pairs(originals, every_one_apart.astype(np.int8))]
    assert sum(pairs) == 0
