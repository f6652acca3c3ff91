"""The same utterances on LanceDB (exact) and on the Vespa stub: `make bench-engines`.

Takes the images and the newest checkpoint of the database, encodes once, and feeds both engines of
its own; what is live is not touched. Prints one table.
"""

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clipsite.settings")

import django

django.setup()

import numpy as np
from django.conf import settings

from ingest.models import Image
from search.asking import read
from search.documents import document_of, encode
from search.engines.base import Blend, Clause, Document, Generation, Index, Match, Scope, Vectors
from search.engines.lance import LanceEngine
from search.engines.vespa import VespaEngine
from search.engines.vespa_package import render
from search.fusion import fuse
from search.query import clauses_of, scope_of
from tests.vespa_stub.server import StubServer
from training.clip.cpu import prepare_cpu
from training.models import Checkpoint

UTTERANCES, POOL, TOP = 200, 200, 10
GENERATION = Generation(1, "a")
# Half a unit in the last place of a bfloat16: the most by which rounding moves a unit dot product.
BFLOAT16 = 2.0**-9


def main() -> None:
    prepare_cpu(settings.MODEL_THREADS)
    checkpoint = Checkpoint.named("latest")
    encoder = checkpoint.encoder()
    images = list(Image.objects.select_related("collection").order_by("pk"))
    vectors = np.concatenate([encode(encoder, part)[1] for part in _parts(images, 64)])
    documents = [document_of(image) for image in images]
    asked = []
    for utterance in utterances(images):
        state = read(utterance).state
        if state.encoder_text:
            vector = encoder.encode_texts([state.encoder_text])[0].astype(np.float32)
            asked.append((clauses_of(state, {}), scope_of(state), vector))
        if len(asked) == UTTERANCES:
            break
    asyncio.run(compare(documents, vectors, asked, f"{len(images)} images, {checkpoint}"))


def utterances(images: Sequence[Image]) -> list[str]:
    """Words of captions as people put them: short, long, filtered, quoted, with exclusions."""
    captioned = [image for image in images if len(image.caption_clean.split()) > 3]
    chosen = captioned[:: max(len(captioned) // (2 * UTTERANCES), 1)]
    forms = [
        lambda words, image: " ".join(words[:6]),
        lambda words, image: f"show me {image.modality or 'images'} with {' '.join(words[:4])}",
        lambda words, image: f"{' '.join(words[:3])} without contrast",
        lambda words, image: f'"{words[0]} {words[1]}" {" ".join(words[2:5])}',
        lambda words, image: f"{image.anatomy or words[0]} not ultrasound",
        lambda words, image: " ".join(words[:20]),
    ]
    return [
        forms[number % len(forms)](image.caption_clean.split(), image)
        for number, image in enumerate(chosen)
    ]


async def compare(
    documents: Sequence[Document],
    vectors: Vectors,
    asked: Sequence[tuple[list[Clause], Scope, Any]],
    title: str,
) -> None:
    size = vectors.shape[1]
    with StubServer() as stub, tempfile.TemporaryDirectory() as folder:
        stub.deploy(render(ROOT / "vespa", {"a": size, "b": size}))
        engines = (LanceEngine(Path(folder)), VespaEngine(stub.url, timeout=10.0))
        lance, vespa = [await _filled(engine, documents, vectors) for engine in engines]
        rows = [await _compare_one(lance, vespa, *one) for one in asked]
        engines[1].close()
    by_id = {d.image_id: v for d, v in zip(documents, vectors, strict=True)}
    tied = [_equal_up_to_rounding(a, b, vector, by_id) for a, b, *_, vector in rows]
    lexical = [row[2] for row in rows if row[2] is not None]
    print(f"{title}; {len(rows)} utterances\n\n| | |\n|---|---|")
    same = sum([m.image_id for m in a] == [m.image_id for m in b] for a, b, *_ in rows)
    print(f"| semantic top-10 in the same order | {same} of {len(rows)} |")
    print(f"| semantic top-10 equal up to ties at bfloat16 | {sum(tied)} of {len(rows)} |")
    print(f"| lexical top-10 overlap, mean | {statistics.mean(lexical):.3f} |")
    print(f"| lexical top-10 overlap, lowest | {min(lexical):.2f} |")
    print(f"| fused score, largest difference | {max(row[3] for row in rows):.1e} |")
    print(f"| fused order of the pool the same | {sum(row[4] for row in rows)} of {len(rows)} |")


async def _filled(engine: Any, documents: Sequence[Document], vectors: Vectors) -> Index:
    index: Index = await engine.create(GENERATION, vectors.shape[1])
    for start in range(0, len(documents), 256):
        part = slice(start, start + 256)
        assert await index.feed(documents[part], vectors[part]) == []
    await index.settle()
    return index


async def _compare_one(
    lance: Index, vespa: Index, clauses: list[Clause], scope: Scope, vector: Any
) -> tuple[list[Match], list[Match], float | None, float, bool, Any]:
    exact, near = [await e.semantic(vector, scope, TOP) for e in (lance, vespa)]
    words = [await e.lexical(clauses, scope, POOL) for e in (lance, vespa)]
    tops = [{m.image_id for m in found[:TOP]} for found in words]
    overlap = len(tops[0] & tops[1]) / len(tops[0] | tops[1]) if tops[0] | tops[1] else None
    if tops[0] and tops[1]:
        overlap = len(tops[0] & tops[1]) / max(len(tops[0]), len(tops[1]))
    worst, ordered = 0.0, True
    for blend in (Blend(), Blend(alpha=0.3), Blend("rrf")):
        pool = sorted({m.image_id for m in (*words[1], *await vespa.semantic(vector, scope, POOL))})
        given = await vespa.candidates(pool, clauses, vector, blend)
        difference, same = _difference(given, blend)
        worst, ordered = max(worst, difference), ordered and same
    return exact, near, overlap, worst, ordered, vector


def _difference(given: Sequence[Any], blend: Blend) -> tuple[float, bool]:
    """Vespa's own score against the one formula; a flat leg is a constant there."""
    own = {h.image_id: h for h in fuse([_unscored(c) for c in given], [], [], blend)}
    shifts = [c.score - own[c.image_id].score for c in given]
    flat = blend.kind == "linear" and (
        len({c.bm25 for c in given}) == 1 or len({c.cosine for c in given}) == 1
    )
    base = min(shifts, default=0.0) if flat else 0.0
    theirs = [c.image_id for c in sorted(given, key=lambda c: (-round(c.score, 9), c.image_id))]
    ours = sorted(own, key=lambda i: (-round(own[i].score, 9), i))
    return max((abs(s - base) for s in shifts), default=0.0), theirs == ours


def _unscored(candidate: Any) -> Any:
    return type(candidate)(candidate.image_id, candidate.bm25, candidate.cosine)


def _equal_up_to_rounding(
    exact: Sequence[Match], near: Sequence[Match], vector: Any, by_id: dict[int, Any]
) -> bool:
    if len(exact) != len(near):
        return False
    last = exact[-1].score if exact else 0.0
    true = {m.image_id: float(by_id[m.image_id] @ vector) for m in near}
    in_order = all(true[a.image_id] >= true[b.image_id] - BFLOAT16 for a, b in pairwise(near))
    return in_order and all(score >= last - BFLOAT16 for score in true.values())


def _parts(images: Sequence[Image], size: int) -> Iterator[Sequence[Image]]:
    for start in range(0, len(images), size):
        yield images[start : start + size]


if __name__ == "__main__":
    main()
