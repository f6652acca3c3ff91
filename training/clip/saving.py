"""What a run leaves on disk: the best weights as a checkpoint, and the last epochs if asked."""

import copy
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from training.clip.adapters import merge_adapters
from training.clip.blending import put
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.progress import EpochPoint

if TYPE_CHECKING:
    from training.clip.run import Run

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "pillow")


def save(run: "Run", folder: Path, *, stopped: bool) -> None:
    """The best weights, or those of now where no epoch was measured. Raises TrainingError."""
    if run.best_weights is not None:
        put(run.towers, run.best_weights)
    run.towers.merge()
    run.encoder.model.to("cpu")
    if run.crew.rank == 0:
        best = [point for point in run.history if point.epoch == run.best_epoch]
        _write(run.encoder, folder, _meta(run, best[0] if best else None, stopped))


def epochs_folder(folder: Path) -> Path:
    """Where the last epochs stay beside the checkpoint at `folder`."""
    return folder.with_name(f"{folder.name}.epochs")


def forget_epochs(run: "Run", folder: Path) -> None:
    """A run that begins from the front has nothing to do with the epochs of one before."""
    if run.step == 0 and run.crew.rank == 0:
        shutil.rmtree(epochs_folder(folder), ignore_errors=True)


def keep_epoch(run: "Run", folder: Path) -> None:
    """The weights of now as `epoch-N`, and of the older ones no more than asked for."""
    if not run.config.keep_last or run.crew.rank:
        return
    with run.averaged.in_place():
        model = copy.deepcopy(run.encoder.model)
    merge_adapters(model)
    encoder = DualEncoder(
        model.to("cpu"),
        run.encoder.tokenizer,
        run.encoder.image_processor,
        base=run.encoder.base,
        max_text_tokens=run.encoder.max_text_tokens,
    )
    kept = epochs_folder(folder)
    _write(encoder, kept / f"epoch-{run.epoch}", _meta(run, run.history[-1], stopped=False))
    of_old = sorted(kept.glob("epoch-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    for old in of_old[: -run.config.keep_last]:
        shutil.rmtree(old)


def _write(encoder: DualEncoder, folder: Path, meta: dict[str, Any]) -> None:
    try:
        encoder.save(folder, meta)
    except (OSError, SafetensorError) as problem:
        raise TrainingError(
            f"The checkpoint cannot be saved in {folder.parent}: {problem}. "
            "Make room there and start it again."
        ) from problem


def _meta(run: "Run", point: EpochPoint | None, stopped: bool) -> dict[str, Any]:
    return {
        "config": asdict(run.config),
        "data_hash": run.data_hash,
        "pairs": {
            "learned": len(run.learning.pairs),
            "held_out": len(run.holdout.pairs),
            "validation": len(run.validation.pairs),
        },
        "steps": run.step,
        "samples_seen": run.samples_seen,
        "best_epoch": run.best_epoch,
        "metrics": point.metrics if point else {},
        "blends": run.blends_tried,
        "history": [asdict(past) for past in run.history],
        "stopped": stopped,
        "seconds": round(run.seconds, 1),
        "versions": {name: version(name) for name in PACKAGES},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
