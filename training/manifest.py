"""What a run was made of, written down so that it can be made again."""

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from django.conf import settings

from training.clip.errors import TrainingError
from training.clip.progress import Outcome
from training.models import TrainingRun

FILE = "manifest.json"
PACKAGES = (
    *("torch", "transformers", "tokenizers", "safetensors", "accelerate", "peft"),
    *("numpy", "pillow", "django"),
)


def of_start(run: TrainingRun, base_fingerprint: str) -> dict[str, Any]:
    """All that decides the run, and where and by which code it is made. Plain JSON values."""
    config = asdict(run.config())
    dataset = run.dataset
    facts = {
        "run": run.pk,
        "again_of": run.again_of_id,
        "preset": run.preset,
        "settings": run.settings,
        "config": config,
        "seed": config["seed"],
        "base": {"spec": run.base, "fingerprint": base_fingerprint},
        "dataset": dataset
        and {
            "collection": run.collection.name,
            "sha256": dataset.sha256,
            "counts": dataset.counts,
        },
        "revision": revision(),
        "packages": _packages(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "hardware": _hardware(),
        "command": shlex.join(sys.argv),
    }
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    return plain


def of_end(outcome: Outcome) -> dict[str, Any]:
    return {
        "steps": outcome.steps,
        "pairs_seen": outcome.samples_seen,
        "best_epoch": outcome.best_epoch,
        "stopped": outcome.stopped,
        "seconds": round(outcome.seconds, 1),
    }


def write(folder: Path, facts: dict[str, Any]) -> None:
    """Beside the weights, whole or not at all. Raises TrainingError where the disk is full."""
    aside = ""
    try:
        handle, aside = mkstemp(dir=folder, prefix=f".{FILE}-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)
        os.replace(aside, folder / FILE)
    except OSError as exc:
        Path(aside).unlink(missing_ok=True) if aside else None
        raise TrainingError(f"The manifest cannot be written to {folder}: {exc.strerror}.") from exc


def revision() -> str | None:
    """The commit of this code, with "+changes" where files differ from it; None if unknown."""
    if settings.REVISION:
        return str(settings.REVISION)
    if not (Path(settings.BASE_DIR) / ".git").exists():
        return None
    commit = _said_by("git", "-C", str(settings.BASE_DIR), "rev-parse", "HEAD")
    if not commit:
        return None
    changes = _said_by(
        "git", "-C", str(settings.BASE_DIR), "status", "--porcelain", "--untracked-files=no"
    )
    return f"{commit}+changes" if changes else commit


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _hardware() -> dict[str, Any]:
    gpus = _said_by("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": settings.MODEL_THREADS,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": gpus.splitlines(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _said_by(program: str, *arguments: str) -> str:
    """Its output; "" where it is not installed or fails."""
    path = shutil.which(program)
    if path is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603  a fixed command line
            [path, *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
