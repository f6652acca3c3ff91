"""
Pictures decoded and resized once, as bytes in one memory-mapped file: a run reads each of them
many times, and decoding costs more than a step of a small tower.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkstemp

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.pixels import open_image
from training.clip.progress import Watch

Bytes = NDArray[np.uint8]
DECODERS = 4
CHUNK = 64
# Files kept for the next runs, the newest ones: a run has one for training, one for validation.
KEPT_FILES = 8
# Seconds after which an unfinished file belongs to a process that is gone.
ABANDONED = 24 * 3600.0


class PixelCache:
    """(n, 3, height, width) bytes of the pictures of some pairs, by row."""

    def __init__(self, stored: Bytes, rows: NDArray[np.int64] | None = None) -> None:
        self._stored = stored
        self._rows = np.arange(len(stored)) if rows is None else rows

    def __getitem__(self, rows: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(self._stored[self._rows[rows]])

    def of(self, rows: NDArray[np.int64]) -> "PixelCache":
        """Some of the pictures, in that order."""
        return PixelCache(self._stored, self._rows[rows])


def open_cache(
    encoder: DualEncoder, pairs: Sequence[Pair], folder: Path | None, watch: Watch, title: str
) -> PixelCache:
    """
    From `folder` where an earlier run left it there, else made; in memory without a folder.
    Raises TrainingError naming a picture that cannot be read, or what the disk lacks.
    """
    sample = _bytes_of(encoder, Image.new("RGB", (64, 64)))
    shape = (len(pairs), *sample.shape)
    if folder is None or not pairs:
        stored = np.empty(shape, np.uint8)
        _fill(stored, encoder, pairs, watch, title)
        return PixelCache(stored)
    path = folder / f"{_name(encoder, pairs)}.u8"
    if not path.exists() or path.stat().st_size != int(np.prod(shape)):
        _make(path, shape, encoder, pairs, watch, title)
    path.touch()
    _forget_old(folder)
    return PixelCache(np.memmap(path, np.uint8, "r", shape=shape))


def _name(encoder: DualEncoder, pairs: Sequence[Pair]) -> str:
    """Stored pictures are named by their content, so their paths say what is on them."""
    digest = hashlib.sha256(encoder.pixel_settings.encode())
    for pair in pairs:
        digest.update(f"{pair.image}\x1e".encode())
    return digest.hexdigest()[:32]


def _make(
    path: Path,
    shape: tuple[int, ...],
    encoder: DualEncoder,
    pairs: Sequence[Pair],
    watch: Watch,
    title: str,
) -> None:
    """Written aside, then renamed: a file under its name is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        # Room is taken at once: writing to a map on a full disk kills the process.
        os.posix_fallocate(handle, 0, int(np.prod(shape)))
        stored = np.memmap(aside, np.uint8, "r+", shape=shape)
        _fill(stored, encoder, pairs, watch, title)
        stored.flush()
        os.fsync(handle)
        os.replace(aside, path)
    except OSError as problem:
        needed = np.prod(shape) / 2**30
        raise TrainingError(
            f"The decoded pictures need {needed:.1f} GB in {path.parent}: {problem.strerror}. "
            "Make room there and start it again."
        ) from problem
    finally:
        os.close(handle)
        Path(aside).unlink(missing_ok=True)


def _fill(
    stored: Bytes, encoder: DualEncoder, pairs: Sequence[Pair], watch: Watch, title: str
) -> None:
    """Pillow lets go of the interpreter, so threads decode side by side."""

    def read(row: int) -> None:
        stored[row] = _bytes_of(encoder, _picture(pairs[row]))

    with ThreadPoolExecutor(DECODERS) as pool:
        for start in range(0, len(pairs), CHUNK):
            watch.raise_if_stopped()
            end = min(start + CHUNK, len(pairs))
            list(pool.map(read, range(start, end)))
            watch.on_read(end, len(pairs), title)


def _picture(pair: Pair) -> Image.Image:
    try:
        return open_image(pair.image)
    except OSError as problem:
        raise TrainingError(f"The image of {pair.key} is gone or damaged: {problem}") from problem


def _bytes_of(encoder: DualEncoder, picture: Image.Image) -> Bytes:
    resized = encoder.image_processor(
        [picture], return_tensors="np", do_rescale=False, do_normalize=False
    )
    pixels: Bytes = np.asarray(resized["pixel_values"][0]).round().clip(0, 255).astype(np.uint8)
    return pixels


def _forget_old(folder: Path) -> None:
    files = sorted(folder.glob("*.u8"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT_FILES:]:
        path.unlink(missing_ok=True)
    for path in folder.glob(".*.u8-*"):
        if time.time() - path.stat().st_mtime > ABANDONED:
            path.unlink(missing_ok=True)
