"""What other words do for a search, over the live index: `make bench-synonyms`.

Each query is the medical terms that a caption uses, as far as the table of synonyms knows them, or
the same terms each in another form of its row, as somebody would say it who does not know the
caption's word. Only the caption's own image counts as found, by its own words (unmasked).
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clipsite.settings")

import django

django.setup()

import numpy as np

from ingest.models import Image
from search.asking import read
from search.health import what_is_missing
from search.judging import LEXICAL, metrics_of, pool_of, rank_of
from search.models import IndexBuild, LiveIndex
from search.understanding.synonyms import SAME_WEIGHT, thesaurus
from training.clip.bootstrap import Resamples

MOST_QUERIES = 300
MOST_TERMS = 3
MODES = ((LEXICAL, None), ("hybrid", 0.5))
METRICS = ("mrr@10", "recall@10")


def main() -> None:
    build = LiveIndex.current()
    if build is None:
        sys.exit("Nothing is indexed yet.")
    what_is_missing()
    asked = [
        (image, terms)
        for image in Image.objects.exclude(caption_clean="").order_by("sha256")
        if (terms := terms_of(image.caption_clean))
    ][:MOST_QUERIES]
    resamples = Resamples([image.group_key for image, _ in asked])
    print(f"{build.documents} documents, {build.checkpoint}, {len(asked)} queries\n")
    print("| terms | other words | mode | MRR@10 | recall@10 |\n|---|---|---|---|---|")
    for name, place in (("the caption's", 0), ("other forms of them", 1)):
        queries = [(image.pk, ", ".join(term[place] for term in terms)) for image, terms in asked]
        for with_others in (False, True):
            print_rows(name, with_others, queries, build, resamples)


def terms_of(caption: str) -> list[tuple[str, str]]:
    """Terms of the caption, each with another form that means the same and has other words."""
    found = []
    for term in thesaurus().known_in(caption):
        same = [text for text, weight in thesaurus().others_than(term) if weight == SAME_WEIGHT]
        said = caption.casefold()
        other = next((text for text in same if text.casefold() not in said), None)
        if other is not None:
            found.append((term, other))
    return list(dict.fromkeys(found))[:MOST_TERMS]


def print_rows(
    name: str,
    with_others: bool,
    queries: list[tuple[int, str]],
    build: IndexBuild,
    resamples: Resamples,
) -> None:
    ranks: dict[str, list[float]] = {mode: [] for mode, _ in MODES}
    for image_id, text in queries:
        state = read(text).state
        pool, _ = pool_of(state if with_others else replace(state, expansions=()), build)
        for mode, alpha in MODES:
            ranks[mode].append(rank_of(image_id, pool.ranked(mode, alpha)))
    for mode, found in ranks.items():
        table = metrics_of(np.array(found))
        intervals = resamples.intervals(table)
        cells = [
            f"{table[metric].mean():.3f} ({intervals[metric][0]:.3f}–{intervals[metric][1]:.3f})"
            for metric in METRICS
        ]
        used = "with" if with_others else "without"
        print(f"| {name} | {used} | {mode} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
