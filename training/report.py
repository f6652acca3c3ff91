"""What an evaluation tells beyond its scores, as it is kept in the row."""

from collections.abc import Mapping, Sequence
from typing import TypedDict
from urllib.parse import urlsplit

import numpy as np

from ingest.models import Collection, Image
from ingest.vocabulary import label_of
from training.clip import inspection
from training.clip.bootstrap import Difference, Resamples, Table
from training.clip.data import Pair
from training.clip.evaluate import STRICT, TEXT_TO_IMAGE, Vectors

Tables = dict[tuple[str, str], Table]

SLICED = "mrr@10"


class SliceRow(TypedDict):
    name: str
    queries: int
    mean: float
    interval: tuple[float, float]


class SliceTable(TypedDict):
    by: str
    rows: list[SliceRow]


class Slices(TypedDict):
    """One metric, text→image, strict."""

    metric: str
    tables: list[SliceTable]


class Found(TypedDict):
    """`image` is its primary key."""

    image: int
    key: str
    cosine: float


class WorstQuery(TypedDict):
    image: int
    key: str
    query: str
    rank: float
    cosine: float
    found: list[Found]


class Heatmap(TypedDict):
    """`cosines`: a row for each image, in thousandths; the captions are the columns."""

    keys: list[str]
    cosines: list[list[int]]


class ComparedMetric(TypedDict):
    direction: str
    relevance: str
    metric: str
    ours: float
    theirs: float
    difference: float
    low: float
    high: float
    p: float


class Comparison(TypedDict):
    """`baseline` is the name it had then; `rows` are differences, ours less the baseline's."""

    baseline: str
    fingerprint: str
    rows: list[ComparedMetric]


class Facts(TypedDict):
    image: int
    modality: str
    source: str


def facts_of(collection: Collection, pairs: Sequence[Pair]) -> list[Facts]:
    """What is known of the image of each pair."""
    rows = Image.objects.filter(collection=collection)
    known = {
        key: Facts(image=pk, modality=modality, source=source)
        for key, pk, modality, source in rows.values_list("external_id", "pk", "modality", "source")
    }
    return [known[pair.key] for pair in pairs]


def slices(table: Table, pairs: Sequence[Pair], facts: Sequence[Facts]) -> Slices:
    groups = [pair.group for pair in pairs]
    names = {
        "modality": [label_of("modality", fact["modality"]) or "not known" for fact in facts],
        "caption length": [inspection.length_slice(pair.caption) for pair in pairs],
        "source": [place_of(fact["source"]) or "not known" for fact in facts],
    }
    tables = [
        SliceTable(
            by=by,
            rows=[
                SliceRow(name=s.name, queries=s.queries, mean=s.mean, interval=s.interval)
                for s in inspection.slices(table[SLICED], column, groups, inspection.LENGTHS)
            ],
        )
        for by, column in names.items()
    ]
    return Slices(metric=SLICED, tables=tables)


def place_of(source: str) -> str:
    """The host of an address, or a reference up to its first comma: where figures come from."""
    return urlsplit(source).hostname or source.split(",")[0].strip()


def worst(
    texts: Vectors, images: Vectors, table: Table, pairs: Sequence[Pair], facts: Sequence[Facts]
) -> list[WorstQuery]:
    return [
        WorstQuery(
            image=facts[miss.row]["image"],
            key=pairs[miss.row].key,
            query=pairs[miss.row].caption,
            rank=miss.rank,
            cosine=miss.cosine,
            found=[
                Found(image=facts[row]["image"], key=pairs[row].key, cosine=cosine)
                for row, cosine in miss.found
            ],
        )
        for miss in inspection.worst_queries(texts, images, table["median_rank"])
    ]


def heatmap(images: Vectors, texts: Vectors, pairs: Sequence[Pair]) -> Heatmap:
    cosines = inspection.batch_cosines(images, texts)
    thousandths: list[list[int]] = np.rint(1000 * cosines).astype(int).tolist()
    return Heatmap(keys=[pair.key for pair in pairs[: len(cosines)]], cosines=thousandths)


def compared(ours: Tables, theirs: Tables, resamples: Resamples) -> list[ComparedMetric]:
    return [
        _compared(direction, relevance, metric, difference)
        for (direction, relevance), table in ours.items()
        for metric, difference in resamples.compare(table, theirs[direction, relevance]).items()
    ]


def _compared(
    direction: str, relevance: str, metric: str, difference: Difference
) -> ComparedMetric:
    return ComparedMetric(
        direction=direction,
        relevance=relevance,
        metric=metric,
        ours=difference.ours,
        theirs=difference.theirs,
        difference=difference.difference,
        low=difference.low,
        high=difference.high,
        p=difference.p,
    )


def headline_table(tables: Mapping[tuple[str, str], Table]) -> Table:
    """What slices and worst queries are drawn from: the product's own direction."""
    return tables[TEXT_TO_IMAGE, STRICT]
