import os
from pathlib import Path

import numpy as np
import pytest
import torch

from training.clip import pixel_cache
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.pixel_cache import open_cache
from training.clip.progress import Stopped, Watch

QUIET = Watch(lambda *read: None, lambda: False)


def test_it_holds_what_the_tower_takes(
    encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    rows = np.array([5, 0, 7])
    wanted = encoder.pixels([pairs[row].image for row in rows])
    for folder in (None, tmp_path):
        cache = open_cache(encoder, pairs, folder, QUIET, "training")
        assert cache[rows].dtype == torch.uint8
        torch.testing.assert_close(encoder.normalised(cache[rows].float()), wanted)


def test_the_next_run_over_the_same_pictures_reads_none(
    encoder: DualEncoder, pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_cache(encoder, pairs, tmp_path, QUIET, "training")
    monkeypatch.delattr(pixel_cache, "open_image")
    again = open_cache(encoder, pairs, tmp_path, QUIET, "training")
    assert torch.equal(first[np.arange(9)], again[np.arange(9)])


def test_a_file_that_was_cut_short_is_made_anew(
    encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    whole = open_cache(encoder, pairs, tmp_path, QUIET, "training")[np.arange(3)].clone()
    (file,) = tmp_path.glob("*.u8")
    os.truncate(file, 100)
    assert torch.equal(open_cache(encoder, pairs, tmp_path, QUIET, "training")[np.arange(3)], whole)


def test_old_files_go_and_the_newest_stay(
    encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    for number in range(10):
        (tmp_path / f"{number}.u8").write_bytes(b"old")
        os.utime(tmp_path / f"{number}.u8", (number, number))
    open_cache(encoder, pairs, tmp_path, QUIET, "training")
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) == pixel_cache.KEPT_FILES
    assert {"9.u8", "8.u8", "7.u8"} < left


def test_a_full_disk_is_told_before_anything_is_read(
    encoder: DualEncoder, pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with pytest.raises(TrainingError, match=r"need 0\.0 GB in .*: No space left on device"):
        open_cache(encoder, pairs, tmp_path, QUIET, "training")
    assert not list(tmp_path.iterdir())


def test_a_picture_that_is_gone_is_named_and_leaves_nothing(
    encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    gone = [*pairs[:3], Pair(tmp_path / "gone.png", "A red disc.", "a", "the lost one")]
    with pytest.raises(TrainingError, match="The image of the lost one is gone or damaged"):
        open_cache(encoder, gone, tmp_path / "cache", QUIET, "training")
    assert not list((tmp_path / "cache").iterdir())


def test_stopping_leaves_nothing_half_written(
    encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        open_cache(encoder, pairs, tmp_path, Watch(lambda *read: None, lambda: True), "training")
    assert not list(tmp_path.iterdir())
