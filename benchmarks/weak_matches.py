"""Where the line above weak matches falls, over the live index: `make bench-weak-matches`.

Queries with a known answer are captions of the validation split in several forms, by halves of
their groups; those with none are the lines of `off_topic.txt`, every other one. The rule was chosen
on the first half and is reported on the second. Only a caption's own image counts as its answer, by
its own words, or, masked, as if its caption had none.
"""

import hashlib
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clipsite.settings")

import django

django.setup()

from ingest.models import Image
from search.asking import read
from search.cutoff import strong, wanted_words
from search.health import what_is_missing
from search.judging import pool_of
from search.models import IndexBuild, LiveIndex
from search.query import clauses_of
from search.query_forms import FORMS
from search.understanding.state import QueryState
from search.understanding.synonyms import thesaurus

MOST_TERMS, TOP = 3, 100
HEAD = f"| queries | asked | no match | answer in top {TOP} | above the line | line at, median |"
OFF_TOPIC = Path(__file__).with_name("off_topic.txt").read_text().splitlines()


def main() -> None:
    build = LiveIndex.current()
    if build is None:
        sys.exit("Nothing is indexed yet.")
    what_is_missing()
    images = list(Image.objects.filter(split="validation").exclude(caption_clean=""))
    images.sort(key=lambda image: image.sha256)
    print(f"{build.documents} documents, {build.checkpoint}")
    for half, name in enumerate(("chosen on", "reported")):
        print(f"\n{name}:\n\n{HEAD}\n|---|---|---|---|---|---|")
        lines = [read(text).state for text in OFF_TOPIC[half::2]]
        none = [line for line, _ in (line_of(state, build) for state in lines)].count(0)
        print(f"| off topic | {len(lines)} | {none} | | | |", flush=True)
        own = [image for image in images if half_of(image.group_key) == half]
        for form in (*FORMS, "terms"):
            for masked in (False, True):
                print_row(form, own, build, masked=masked)


def half_of(group: str) -> int:
    return hashlib.sha256(group.encode()).digest()[-1] % 2


def queries(form: str, images: list[Image]) -> Iterator[tuple[int, str]]:
    for place, image in enumerate(images):
        terms = list(dict.fromkeys(thesaurus().known_in(image.caption_clean)))[:MOST_TERMS]
        make: Callable[[str, int], str] = FORMS.get(form, lambda _, __, said=terms: ", ".join(said))
        if text := make(image.caption_clean, place):
            yield image.pk, text


def line_of(
    state: QueryState, build: IndexBuild, masked: int | None = None
) -> tuple[int, list[int]]:
    """The last place above the line, and the images in order."""
    pool, _ = pool_of(state, build)
    if masked is not None:
        pool = pool.without_words_of(masked)
    hits = pool.ranked("hybrid", 0.5)
    line = strong(hits, wanted_words(clauses_of(state, {})), build.documents)
    return line, [hit.image_id for hit in hits]


def print_row(form: str, images: list[Image], build: IndexBuild, *, masked: bool) -> None:
    lines, there, above = [], 0, 0
    for image_id, text in queries(form, images):
        line, ids = line_of(read(text).state, build, image_id if masked else None)
        lines.append(line)
        there += image_id in ids[:TOP]
        above += image_id in ids[: min(line, TOP)]
    name = f"{form}, masked" if masked else form
    none, middle = lines.count(0), statistics.median(lines)
    print(f"| {name} | {len(lines)} | {none} | {there} | {above} | {middle:.0f} |", flush=True)


if __name__ == "__main__":
    main()
