"""
A step of ours beside one of the first demo's recipe, and what it takes to bring the pictures:
`make bench-training-speed`. Same model, same pairs, same batch, taken turn by turn in one process;
medians of five. Evaluation has a benchmark of its own: `make bench-evaluation`.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from benchmarks.seed_recipe import SeedRecipe
from ingest.phantoms import draw_corpus
from training.clip.bases import load_base
from training.clip.config import RECOMMENDED
from training.clip.cpu import prepare_cpu
from training.clip.data import Pair
from training.clip.pixel_cache import open_cache
from training.clip.progress import Watch
from training.clip.run import Run

ROUNDS = 5
PICTURES = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", nargs="+", default=["scratch:tiny", "packaged"])
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    prepare_cpu(os.cpu_count() or 1)
    with TemporaryDirectory() as folder:
        pairs = _pairs(Path(folder))
        rows = [_steps(base, pairs, options.batch) for base in options.base]
        rows += [_loading(base, pairs, Path(folder)) for base in options.base]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{device}, {os.cpu_count()} cores {platform.machine()}, torch {torch.__version__}\n")
    print("| what | base | the first demo's, /s | ours, /s | ratio |\n|---|---|---|---|---|")
    print("\n".join(rows))


def _pairs(folder: Path) -> list[Pair]:
    pairs = []
    for phantom in draw_corpus(PICTURES):
        path = folder / f"{phantom.external_id}.jpg"
        phantom.image.convert("RGB").save(path, quality=90)
        pairs.append(Pair(path, phantom.caption, phantom.group_key, phantom.external_id))
    return pairs


def _steps(base: str, pairs: list[Pair], batch: int) -> str:
    """Both towers tuned, no GradCache; what is timed is from ready pixels to changed weights."""
    captions = [pair.caption for pair in pairs]
    theirs = SeedRecipe(load_base(base, captions=captions).on_fastest_device(), samples=0)
    config = replace(
        RECOMMENDED.get(base.partition(":")[0], RECOMMENDED["pretrained"]),
        image_tower="tune", frozen_text_layers=0, batch_size=batch, holdout_fraction=0.0,
        head_start="random",
    )  # fmt: skip
    ours = Run(load_base(base, captions=captions), pairs, [], config, _quiet())
    ours.fill_caches()
    ours.towers.train()
    plan = np.array_split(np.random.default_rng(0).permutation(len(pairs)), len(pairs) // batch)
    batches = list(ours.learning.batches(plan[: ROUNDS + 1], seed=0))
    prepared = [theirs.prepare([pairs[row] for row in found.rows]) for found in batches]
    times: dict[str, list[float]] = {"theirs": [], "ours": []}
    for number, found in enumerate(batches):
        taken = {
            "theirs": _seconds(lambda at=number: theirs.step(*prepared[at])),
            "ours": _seconds(lambda at=found: ours._learn(at)),
        }
        if number:
            for name, seconds in taken.items():
                times[name].append(batch / seconds)
    return _row(f"pairs through a step of {batch}", base, times)


def _loading(base: str, pairs: list[Pair], folder: Path) -> str:
    """The image processor each time a picture is drawn, beside bytes that are kept."""
    encoder = load_base(base, captions=[pair.caption for pair in pairs])
    cache = open_cache(encoder, pairs, folder / "pixels", _quiet(), "")
    times: dict[str, list[float]] = {"theirs": [], "ours": []}
    for start in range(0, 64 * ROUNDS, 64):
        rows = np.arange(start, start + 64) % len(pairs)
        images = [pairs[row].image for row in rows]
        times["theirs"].append(64 / _seconds(lambda at=images: encoder.pixels(at)))
        times["ours"].append(64 / _seconds(lambda at=rows: encoder.normalised(cache[at].float())))
    return _row("pictures to pixels, after the first epoch", base, times)


def _row(what: str, base: str, times: dict[str, list[float]]) -> str:
    theirs, ours = (statistics.median(times[name]) for name in ("theirs", "ours"))
    return f"| {what} | `{base}` | {theirs:.1f} | {ours:.1f} | {ours / theirs:.2f} |"


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _quiet() -> Watch:
    return Watch(lambda *read: None, lambda: False)


if __name__ == "__main__":
    main()
