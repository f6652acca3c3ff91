"""Folders that hold a dual encoder: its Hugging Face files and a readable meta.json."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoImageProcessor,
    AutoModel,
    AutoTokenizer,
    BaseImageProcessor,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from training.clip import packaged  # noqa: F401  makes its architecture known to AutoModel
from training.clip.errors import CheckpointError

FORMAT = "dual-encoder-1"
META_FILE = "meta.json"
REQUIRED = ("format", "base", "dimension", "max_text_tokens", "fingerprint")

Parts = tuple[PreTrainedModel, PreTrainedTokenizerBase, BaseImageProcessor]


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` that takes its place when the block ends well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    new.chmod(0o755)
    try:
        yield new
        _sync(new)
        _swap(new, folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _sync(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _swap(new: Path, folder: Path) -> None:
    """A full folder cannot be renamed over, so the old one steps aside first."""
    if not folder.exists():
        new.rename(folder)
        return
    old = Path(mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    folder.rename(old / folder.name)
    new.rename(folder)
    shutil.rmtree(old)


def write_meta(folder: Path, meta: dict[str, Any]) -> None:
    (folder / META_FILE).write_text(json.dumps(meta, indent=2, ensure_ascii=False) + "\n")


def read_meta(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise CheckpointError(f"There is no checkpoint at {folder}.")
    try:
        meta = json.loads((folder / META_FILE).read_text())
    except FileNotFoundError:
        raise CheckpointError(
            f"The folder {folder} has no {META_FILE}, so no fine-tune of this product made it."
        ) from None
    except (OSError, ValueError) as problem:
        raise CheckpointError(f"The {META_FILE} in {folder} cannot be read: {problem}.") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise CheckpointError(f"The {META_FILE} in {folder} is of a format this version lacks.")
    missing = [name for name in REQUIRED if name not in meta]
    if missing:
        raise CheckpointError(f"The {META_FILE} in {folder} lacks {', '.join(missing)}.")
    return meta


def read_parts(source: Path | str) -> Parts:
    """From a folder or a hub id. fp32 on the CPU, whatever precision it was stored in."""
    try:
        with without_progress_bars():
            return (
                AutoModel.from_pretrained(source, dtype=torch.float32),
                AutoTokenizer.from_pretrained(source),
                AutoImageProcessor.from_pretrained(source, backend="pil"),  # type: ignore[no-untyped-call]
            )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as problem:
        reason = str(problem).strip().split("\n")[0].rstrip(".")
        raise CheckpointError(f"The model at {source} cannot be loaded: {reason}.") from problem


def refuse_changed(folder: Path, expected: str, found: str) -> None:
    if found != expected:
        raise CheckpointError(
            f"The files in {folder} are not those that were saved: "
            f"the fingerprint is {found[:12]}, not {expected[:12]}."
        )


@contextlib.contextmanager
def without_progress_bars() -> Iterator[None]:
    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
