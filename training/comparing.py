"""Runs side by side: which settings differ, what came of each, and what judged them alike."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from training.clip.config import PRESETS, preset_for
from training.models import EpochPoint, Evaluation, TrainingRun

# Of an evaluation's many numbers, those that stand in a comparison.
JUDGED_METRICS = ("mrr@1", "mrr@10", "recall@1", "recall@10", "ndcg@10")


@dataclass(frozen=True)
class Cell:
    """
    `difference`: to the first run. `interval`: of 95 %, of the value. `paired`: the same of the
    difference, where both were judged query by query.
    """

    value: float | None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    paired: tuple[float, float] | None = None

    @property
    def shown(self) -> str:
        return "–" if self.value is None else _short(self.value)

    @property
    def shown_difference(self) -> str:
        return "" if self.difference is None else _signed(self.difference)

    @property
    def shown_paired(self) -> str:
        return " to ".join(map(_signed, self.paired)) if self.paired else ""


@dataclass(frozen=True)
class Row:
    name: str
    cells: list[Cell]


@dataclass(frozen=True)
class Judged:
    """Evaluations of one protocol and direction on the same pairs, a column for each run."""

    protocol: str
    direction: str
    split: str
    candidates: int
    dataset_hash: str
    rows: list[Row]


def config_of(run: TrainingRun) -> dict[str, Any]:
    """As the run had it or, before it began, will have it; {} where that is no longer valid."""
    if "config" in run.manifest:
        return dict(run.manifest["config"])
    try:
        return asdict(run.config())
    except ValueError:
        return {}


def settings_table(run: TrainingRun) -> list[dict[str, Any]]:
    """Every setting with its preset's value, where that is another."""
    preset = asdict(preset_for(run.preset, run.origin)) if run.preset in PRESETS else {}
    return [
        {
            "name": name,
            "value": written(value),
            "preset": written(preset.get(name)),
            "differs": name in preset and written(value) != written(preset[name]),
        }
        for name, value in config_of(run).items()
    ]


def differing_settings(runs: Sequence[TrainingRun]) -> list[tuple[str, list[str]]]:
    """Name and the value of each run, for what is not the same in all."""
    columns = [
        {
            "collection": run.collection.name,
            "dataset": run.dataset.sha256[:8] if run.dataset else "–",
            "base": run.base,
            "preset": run.preset,
            **config_of(run),
        }
        for run in runs
    ]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [(name, [written(column.get(name)) for column in columns]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def final_metrics(runs: Sequence[TrainingRun]) -> list[Row]:
    """Of the epoch whose weights each run kept, with the difference to the first run."""
    results = [_result(run) for run in runs]
    names = dict.fromkeys(name for result in results for name in result)
    columns = {name: [result.get(name) for result in results] for name in names}
    return [
        Row(name, [Cell(v) for v in values] if name == "epoch" else _with_differences(values))
        for name, values in columns.items()
    ]


def judged_alike(runs: Sequence[TrainingRun]) -> list[Judged]:
    """Where the first run's checkpoint and another's were judged by one protocol on one dataset."""
    newest = [_newest_scores(run) for run in runs]
    return [
        Judged(*key, rows=list(_judged_rows(key, newest)))
        for key in newest[0]
        if any(key in others for others in newest[1:])
    ]


def written(value: Any) -> str:
    """1e-05, 0.9, 0.98: as it would be typed."""
    if isinstance(value, list | tuple):
        return ", ".join(map(written, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):.3f}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) >= 1 else f"{value:.3f}"


def best_epoch(run: TrainingRun) -> EpochPoint | None:
    return next((point for point in run.epoch_points.all() if point.selected), None)


def _result(run: TrainingRun) -> dict[str, float]:
    point = best_epoch(run)
    if point is None:
        return {}
    losses = {"train loss": point.train_loss}
    if point.validation_loss is not None:
        losses["validation loss"] = point.validation_loss
    return {"epoch": float(point.epoch), **losses, **point.metrics}


def _with_differences(values: Sequence[float | None]) -> list[Cell]:
    first = values[0]
    cells = [Cell(first)]
    for value in values[1:]:
        known = None if first is None or value is None else value - first
        cells.append(Cell(value, known))
    return cells


# protocol, direction, split, candidates, dataset hash
_Key = tuple[str, str, str, int, str]
_Scores = dict[_Key, tuple[dict[str, Any], Evaluation]]


def _newest_scores(run: TrainingRun) -> _Scores:
    """Strict scores of the run's checkpoint, the newest evaluation of each kind."""
    if not hasattr(run, "checkpoint"):
        return {}
    found: _Scores = {}
    for evaluation in run.checkpoint.evaluations.all():
        if evaluation.status != Evaluation.Status.SUCCEEDED or not evaluation.dataset_hash:
            continue
        for score in evaluation.scores:
            key = (
                score["protocol"], score["direction"], evaluation.split, score["candidates"],
                evaluation.dataset_hash,
            )  # fmt: skip
            if score["relevance"] == "strict":
                found.setdefault(key, (score, evaluation))
    return found


def _judged_rows(key: _Key, newest: Sequence[_Scores]) -> Iterator[Row]:
    scores = [found.get(key) for found in newest]
    first = scores[0]
    for name in JUDGED_METRICS:
        values = [None if s is None else s[0]["metrics"].get(name) for s in scores]
        if first is None or values[0] is None:
            continue
        cells = [
            Cell(cell.value, cell.difference, _interval(score, name), _paired(score, first, name))
            for cell, score in zip(_with_differences(values), scores, strict=True)
        ]
        yield Row(name, cells)


def _interval(
    score: tuple[dict[str, Any], Evaluation] | None, name: str
) -> tuple[float, float] | None:
    found = score[0].get("intervals", {}).get(name) if score else None
    return (found[0], found[1]) if found else None


def _paired(
    score: tuple[dict[str, Any], Evaluation] | None, first: tuple[dict[str, Any], Evaluation],
    name: str,
) -> tuple[float, float] | None:  # fmt: skip
    """Of the difference query by query, where the first run's checkpoint was the baseline."""
    if score is None or score is first:
        return None
    comparison = score[1].report.get("comparison") or {}
    if comparison.get("fingerprint") != first[1].checkpoint.fingerprint:
        return None
    same = (score[0]["direction"], score[0]["relevance"], name)
    for row in comparison.get("rows", ()):
        if (row["direction"], row["relevance"], row["metric"]) == same and score[0][
            "protocol"
        ] == Evaluation.Protocol.CORPUS:
            return row["low"], row["high"]
    return None
