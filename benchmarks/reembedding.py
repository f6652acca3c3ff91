"""A rebuild and promotion under load, on the Vespa stub: `make bench-reembedding`.

Searches come at a steady rate through the product's own `retrieve` while a second generation is
built with another model, verified and promoted. Every search must come from one generation whole:
the old one before the switch, the new one after. Prints one table; exits with 1 if a search fails.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

RATE, LEAD_SECONDS = float(os.environ.get("RATE", "50")), 5.0
# As people ask: what names a modality or a region becomes a filter.
UTTERANCES = [
    "show me a chest x-ray with pleural effusion", "axial CT of the abdomen", "MRI of the brain",
    "fracture of the femur", "CT with a renal calculus", "ultrasound of gallstones",
    "knee MRI", "histology, hematoxylin and eosin", "chest x-ray without pleural effusion",
    "CT of the chest with a nodule", "brain MRI with a mass, not CT", "x-ray of the hand",
    "ultrasound of the liver", "CT of the abdomen, not ultrasound", "pneumothorax on chest x-ray",
    "fundus photograph", "x-ray of the pelvis", "no finding", "T2-weighted MRI", "pleural effusion",
]  # fmt: skip
FOLDER = tempfile.mkdtemp(prefix="clipsite-bench-")


def main() -> None:
    stub = subprocess.Popen(
        [sys.executable, "-m", "tests.vespa_stub.server", "--port", "0"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert stub.stdout is not None
        url = stub.stdout.readline().split()[-1]
        _settings(url)
        _run()
    finally:
        stub.terminate()
        stub.wait()
        shutil.rmtree(FOLDER, ignore_errors=True)


def _settings(url: str) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "clipsite.settings", "SECRET_KEY": "bench", "DATABASE_URL": "",
        "CLIPSITE_VAR": FOLDER, "VESPA_URL": url, "VESPA_CONFIG_URL": url, "VESPA_TIMEOUT": "5",
        "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    import django

    django.setup()


@dataclass(frozen=True)
class Search:
    began: float
    ended: float
    number: int
    build: int
    found: tuple[int, ...]
    failed: str = ""


def _run() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("import_corpus", format="phantoms", json=True)
    old, new = _checkpoint("old", 7), _checkpoint("new", 8)
    call_command("vespa_deploy")
    first = _build(old)
    searches: list[Search] = []
    stop = threading.Event()
    load = threading.Thread(target=lambda: asyncio.run(_load(searches, stop)))
    load.start()
    time.sleep(LEAD_SECONDS)
    began = time.monotonic()
    second = _build_elsewhere(new)
    rebuilt = time.monotonic() - began
    time.sleep(LEAD_SECONDS)
    stop.set()
    load.join()
    expected = {build.pk: asyncio.run(_expected(build)) for build in (first, second)}
    _report(searches, first, second, rebuilt, expected)


def _checkpoint(name: str, seed: int) -> Any:
    """An untrained model of its own: other vectors for the same pictures and words."""
    import torch

    from ingest.models import Image
    from training.clip.bases import load_base
    from training.models import Checkpoint

    torch.manual_seed(seed)
    folder = Path(FOLDER) / name
    captions = list(Image.objects.values_list("caption_clean", flat=True))
    encoder = load_base("scratch:tiny", captions=captions)
    encoder.save(folder, {})
    return Checkpoint.objects.create(
        name=name, folder=str(folder), base="scratch:tiny", dimension=encoder.dimension,
        fingerprint=encoder.fingerprint,
    )  # fmt: skip


def _build(checkpoint: Any) -> Any:
    from jobs.running import run
    from search.indexing import build_index
    from search.models import IndexBuild

    job = IndexBuild.objects.create(checkpoint=checkpoint)
    run(job, build_index)
    job.refresh_from_db()
    return job


def _build_elsewhere(checkpoint: Any) -> Any:
    """As a worker does it: in a process of its own."""
    from search.models import IndexBuild

    command = [sys.executable, "manage.py", "build_index", "--checkpoint", checkpoint.name]
    done = subprocess.run(
        [*command, "--promote"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
    return IndexBuild.objects.get(checkpoint=checkpoint)


def _states() -> list[Any]:
    from search.asking import read

    return [read(utterance).state for utterance in UTTERANCES]


async def _load(searches: list[Search], stop: threading.Event) -> None:
    """Begins searches at the rate, whether or not the earlier ones have ended."""
    states, running = _states(), set[asyncio.Task[None]]()
    began, count = time.monotonic(), 0
    while not stop.is_set():
        count += 1
        task = asyncio.create_task(_search(states[count % len(states)], count, searches))
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.sleep(max(0.0, began + count / RATE - time.monotonic()))
    await asyncio.gather(*running, return_exceptions=True)


async def _search(state: Any, count: int, searches: list[Search]) -> None:
    from asgiref.sync import sync_to_async

    from search.engines.base import EngineError
    from search.models import LiveIndex

    began = time.monotonic()
    build = await sync_to_async(LiveIndex.current)()
    try:
        found, notices = await _answer(state, build)
        failed = " ".join(notices)
    except EngineError as exc:
        found, failed = (), repr(exc)
    ended = time.monotonic()
    searches.append(Search(began, ended, count, build.pk, found, failed))


async def _answer(state: Any, build: Any) -> tuple[tuple[int, ...], list[str]]:
    from search.retrieval import retrieve

    last = None
    async for event in retrieve(state, build):
        last = event
    return tuple(hit.image_id for hit in last.hits), list(last.notices)


async def _expected(build: Any) -> list[tuple[int, ...]]:
    return [(await _answer(state, build))[0] for state in _states()]


def _report(
    searches: list[Search], first: Any, second: Any, rebuilt: float, expected: dict[int, Any]
) -> None:
    states = len(next(iter(expected.values())))
    mixed = sum(s.found != expected[s.build][s.number % states] for s in searches if not s.failed)
    failed = [s for s in searches if s.failed]
    last_old = max(s.began for s in searches if s.build == first.pk)
    first_new = min(s.began for s in searches if s.build == second.pk)
    took = sorted((s.ended - s.began) * 1000 for s in searches)
    seconds = max(s.began for s in searches) - min(s.began for s in searches)
    rows = [
        ("documents", str(second.documents)),
        ("rebuild, verification and promotion", f"{rebuilt:.1f} s"),
        ("searches", f"{len(searches)}, {len(searches) / seconds:.1f} a second"),
        ("answered by the old, by the new generation",
         ", ".join(str(sum(s.build == b.pk for s in searches)) for b in (first, second))),
        ("failed or partial", str(len(failed))),
        ("not exactly what their generation answers at rest", str(mixed)),
        ("begun on the old after one had begun on the new", str(int(last_old > first_new))),
        ("p50, p95 ms", f"{statistics.median(took):.0f}, {took[int(0.95 * len(took))]:.0f}"),
    ]  # fmt: skip
    print("| | |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")
    if failed or mixed or last_old > first_new:
        sys.exit(f"It did not hold: {failed[:3]}")


if __name__ == "__main__":
    main()
