"""Latency of each leg over the live index, in this process: `make bench-search`.

Asks the first sentences of captions, one after another, after a warm-up. Prints one table.
"""

import os
import platform
import statistics
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clipsite.settings")

import django

django.setup()

from asgiref.sync import async_to_sync

from ingest.models import Image
from search import wire
from search.asking import read
from search.health import what_is_missing
from search.models import LiveIndex

QUERIES = 200
LEGS = ("lexical_ms", "encode_ms", "semantic_ms", "fuse_ms", "facets_ms", "total_ms")


def main() -> None:
    build = LiveIndex.current()
    if build is None:
        sys.exit("Nothing is indexed yet.")
    captions = Image.objects.exclude(caption_clean="").order_by("sha256")[: QUERIES + 5]
    utterances = [image.caption_clean.split(". ")[0][:200] for image in captions]
    what_is_missing()
    times: dict[str, list[float]] = defaultdict(list)
    for number, utterance in enumerate(utterances):
        response = async_to_sync(wire.answer)(read(utterance).state, build)
        if number >= 5:
            for name, value in response["timing"].items():
                times[name].append(value)
    print(
        f"{build.documents} documents, {build.checkpoint}, {len(utterances) - 5} queries, ", end=""
    )
    print(f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}\n")
    print("| leg | p50 ms | p95 ms |\n|---|---|---|")
    for name in LEGS:
        values = sorted(times[name])
        if values:
            p95 = values[int(0.95 * (len(values) - 1))]
            print(f"| {name[:-3]} | {statistics.median(values):.1f} | {p95:.1f} |")


if __name__ == "__main__":
    main()
