"""Ranking 10,000 pairs, ours beside the loop it succeeds: `make bench-evaluation`.

Random unit vectors of 512 numbers. The loop is restated here as the first system had it: batches of
64, a softmax over the captions of the batch, a sort and a reciprocal rank for each image. Ours does
all of `corpus-v1`: both directions, strict and lenient, all metrics, 1,000 resamples. Then the
memory of 100,000 x 100,000, measured in a process of its own. `LARGE=0` leaves that out.
"""

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

from training.clip.evaluate import corpus, seed_inbatch

PAIRS, LARGE, SIZE, ROUNDS = 10_000, int(os.environ.get("LARGE", "100000")), 512, 5
BATCH, CUTOFFS = 64, (1, 3, 5, 10, 20)


def main() -> None:
    images, texts, captions, groups = _pairs(PAIRS)
    in_batches = PAIRS // BATCH * BATCH**2 + (PAIRS % BATCH) ** 2
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "the loop, batches of 64": (in_batches, lambda: _loop(images, texts)),
        "ours, `seed-inbatch-v1`": (in_batches, lambda: seed_inbatch(images, texts)),
        "ours, `corpus-v1` with intervals": (
            2 * PAIRS**2, lambda: corpus(images, texts, captions, groups),
        ),
    }  # fmt: skip
    assert _loop(images, texts)[10] == seed_inbatch(images, texts).metrics["mrr@10"]
    taken = {name: [_timed(way) for _ in range(ROUNDS)] for name, (_, way) in ways.items()}
    _report({name: (ways[name][0], statistics.median(runs)) for name, runs in taken.items()})
    if LARGE:
        print(flush=True)
        subprocess.run([sys.executable, __file__, str(LARGE)], check=True)


def _loop(images: np.ndarray, texts: np.ndarray) -> dict[int, float]:
    """Mean reciprocal rank of each image's own caption by cutoff."""
    found: dict[int, list[float]] = {cutoff: [] for cutoff in CUTOFFS}
    for start in range(0, len(images), BATCH):
        logits = 100 * images[start : start + BATCH] @ texts[start : start + BATCH].T
        for row in range(len(logits)):
            exponents = np.exp(logits[row] - logits[row].max())
            order = np.argsort(-(exponents / exponents.sum()), kind="stable").tolist()
            rank = order.index(row) + 1
            for cutoff in CUTOFFS:
                found[cutoff].append(1 / rank if rank <= cutoff else 0.0)
    return {cutoff: float(np.mean(values)) for cutoff, values in found.items()}


def _pairs(count: int) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """Every tenth caption stands twice; articles have two figures."""
    rng = np.random.default_rng(0)
    images, texts = (_unit_rows(rng, count) for _ in range(2))
    captions = [str(row - 1 if row % 10 == 9 else row) for row in range(count)]
    return images, texts, captions, [str(row // 2) for row in range(count)]


def _unit_rows(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = rng.standard_normal((count, SIZE), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _report(rows: dict[str, tuple[int, float]]) -> None:
    print(
        f"{PAIRS} pairs of {SIZE} numbers, medians of {ROUNDS}, {os.cpu_count()} cores "
        f"{platform.machine()}, Python {platform.python_version()}\n"
    )
    print("| | candidates scored | seconds | million a second | times the loop |")
    print("|---|---|---|---|---|")
    first = next(scored / seconds for scored, seconds in rows.values())
    for name, (scored, seconds) in rows.items():
        speed = scored / seconds
        print(f"| {name} | {scored:,} | {seconds:.3f} | {speed / 1e6:.1f} | {speed / first:.0f} |")


def measure_large(count: int) -> None:
    images, texts, captions, groups = _pairs(count)
    before = _peak()
    seconds = _timed(lambda: corpus(images, texts, captions, groups))
    print(
        f"{count:,} x {count:,}, all of `corpus-v1`: {seconds:.0f} s, peak memory {_peak():.2f} "
        f"GB, {before:.2f} GB of it before it began"
    )


def _peak() -> float:
    """The most this process ever held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    measure_large(int(sys.argv[1])) if len(sys.argv) > 1 else main()
