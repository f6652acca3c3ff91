"""The whole state of a run on disk, so that a run that was cut goes on to the same end."""

import hashlib
import json
import os
import pickle
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from training.clip.config import Config
from training.clip.errors import TrainingError
from training.clip.progress import EpochPoint

if TYPE_CHECKING:
    from training.clip.run import Run

FORMAT = "run-state-1"
# What of a run is numbers and lists already.
PLAIN = (
    *("epoch", "step", "samples_seen", "best_epoch", "best_score", "best_weights"),
    *("epoch_loss", "epoch_rng", "losses", "sizes", "told", "micro_batch"),
)


def identity(config: Config, data: str, base: str) -> str:
    """Of what a run is made of: a state of anything else must not be taken up.

    `data` is the hash of the training pairs, `base` the fingerprint of the model begun with.
    """
    facts = json.dumps([asdict(config), data, base], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def keep(run: "Run", path: Path) -> None:
    """Everything that the rest of the run depends on, as it is between two steps.

    Written aside, forced to the disk, then renamed. Raises TrainingError where that fails.
    """
    state = {
        **{name: getattr(run, name) for name in PLAIN},
        "seconds_before": run.seconds,
        "history": [asdict(point) for point in run.history],
        "weights": {n: p.detach().cpu().clone() for n, p in run.towers.parameters()},
        "optimiser": run.optimiser.state_dict(),
        "averaged": run.averaged.weights,
        "torch_rng": torch.get_rng_state(),
    }
    aside = path.with_name(f".{path.name}.new")
    try:
        with aside.open("wb") as file:
            torch.save({"format": FORMAT, "made_of": run.made_of, "state": state}, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except (OSError, RuntimeError) as problem:
        aside.unlink(missing_ok=True)
        raise TrainingError(
            f"The state of the run cannot be saved in {path.parent}: {problem}. "
            "Make room there and start it again."
        ) from problem


def take_up(run: "Run", path: Path) -> None:
    """Go on where an earlier run of the same make was cut, if one was."""
    kept = _load(path, run.made_of)
    if kept is None:
        return
    for name in (*PLAIN, "seconds_before"):
        setattr(run, name, kept[name])
    run.history = [EpochPoint(**point) for point in kept["history"]]
    run.encoder.model.load_state_dict(kept["weights"], strict=False)
    run.optimiser.load_state_dict(kept["optimiser"])
    device = run.encoder.model.device
    run.averaged.weights = {name: value.to(device) for name, value in kept["averaged"].items()}
    torch.set_rng_state(kept["torch_rng"])
    run.started = time.monotonic()


def _load(path: Path, made_of: str) -> dict[str, Any] | None:
    """None where there is none, it is damaged, or it belongs to other settings, data or model."""
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError):
        return None
    is_ours = isinstance(kept, dict) and kept.get("format") == FORMAT
    if not is_ours or kept.get("made_of") != made_of:
        return None
    state: dict[str, Any] = kept["state"]
    return state
