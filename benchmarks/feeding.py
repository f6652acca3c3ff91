"""Documents a second into the Vespa stub: `make bench-feeding`.

Our adapter beside pyvespa's plain `feed_iterable`, the same 20,000 documents of 512 numbers, in
turns, against a stub in a process of its own. The client's CPU share is of one core.
"""

import asyncio
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from vespa.application import Vespa

from search.engines.base import Document, Generation
from search.engines.vespa import VespaEngine, VespaIndex, bfloat16_hex

DOCUMENTS, SIZE, BATCH, ROUNDS = 20_000, 512, 1024, 3
WORDS = Path(ROOT / "ingest/negation.py").read_text().split()


def main() -> None:
    documents = [_document(number) for number in range(1, DOCUMENTS + 1)]
    vectors = np.random.default_rng(1).normal(size=(DOCUMENTS, SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    stub = subprocess.Popen(
        [sys.executable, "-m", "tests.vespa_stub.server", "--port", "0", "--package", "vespa"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert stub.stdout is not None
        url = stub.stdout.readline().split()[-1]
        ways: dict[str, Callable[[], None]] = {
            "ours": lambda: asyncio.run(_ours(url, documents, vectors)),
            "pyvespa `feed_iterable`": lambda: _plain(url, documents, vectors),
        }
        taken = {name: [_timed(way) for _ in range(ROUNDS)] for name, way in ways.items()}
    finally:
        stub.terminate()
        stub.wait()
    _report(taken)


async def _ours(url: str, documents: list[Document], vectors: np.ndarray) -> None:
    engine = VespaEngine(url, timeout=10.0)
    index: VespaIndex = await engine.create(Generation(1, "a"), SIZE)
    for start in range(0, DOCUMENTS, BATCH):
        part = slice(start, start + BATCH)
        assert await index.feed(documents[part], vectors[part]) == []
    engine.close()


def _plain(url: str, documents: list[Document], vectors: np.ndarray) -> None:
    """As its documentation shows it: updates that create, one vector as hex."""
    refused = []

    def keep(answer: object, document_id: str) -> None:
        if not answer.is_successful():  # type: ignore[attr-defined]
            refused.append(document_id)

    Vespa(url=url).feed_iterable(
        _operations(documents, vectors), schema="image", namespace="clipsite", callback=keep,
        operation_type="update", create=True,
    )  # fmt: skip
    assert refused == []


def _operations(documents: list[Document], vectors: np.ndarray) -> Iterator[dict[str, object]]:
    from search.engines.vespa import _fields

    for document, vector in zip(documents, vectors, strict=True):
        embedding = {"generation_a": 1, "embedding_a": {"values": bfloat16_hex(vector)}}
        yield {"id": str(document.image_id), "fields": {**_fields(document), **embedding}}


def _document(number: int) -> Document:
    words = [WORDS[(number * 31 + i * 17) % len(WORDS)] for i in range(5 + number % 35)]
    return Document(number, " ".join(words), "c", "ct", "chest", "", "", "2020", "CC BY", "train")


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


def _report(taken: dict[str, list[tuple[float, float]]]) -> None:
    print(
        f"{DOCUMENTS} documents of {SIZE} numbers, medians of {ROUNDS}, {os.cpu_count()} cores "
        f"{platform.machine()}, Python {platform.python_version()}\n"
    )
    print("| | documents/s | client's CPU share | CPU ms a document |\n|---|---|---|---|")
    for name, runs in taken.items():
        seconds = statistics.median(wall for wall, _ in runs)
        used = statistics.median(cpu for _, cpu in runs)
        print(
            f"| {name} | {DOCUMENTS / seconds:.0f} | {used / seconds:.0%} | "
            f"{used / DOCUMENTS * 1000:.2f} |"
        )


if __name__ == "__main__":
    main()
