"""
How far a number may be trusted: the percentile bootstrap over groups (Efron 1979), for the
figures of one article are not independent; two models are compared on the same resamples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
# One value for each query, by metric.
Table = dict[str, Numbers]

MEDIANS = ("median_rank",)
AT_ONCE = 100


@dataclass(frozen=True)
class Difference:
    """Ours less theirs. `p` is two-sided: twice the smaller share of resamples on one side of 0."""

    ours: float
    theirs: float
    difference: float
    low: float
    high: float
    p: float


class Resamples:
    """`count` draws of as many groups as there are, with replacement. All tables see the same."""

    def __init__(self, groups: Sequence[str], count: int = 1000, seed: int = 0) -> None:
        names = np.asarray(groups, dtype=object).astype(str)
        self._groups, self._members = np.unique(names, return_inverse=True)
        size = len(self._groups)
        rng = np.random.default_rng(seed)
        # A byte each: of a hundred thousand groups none is drawn more than a few times, and of
        # few none more often than there are.
        self._draws = np.zeros((max(count, 0) if size else 0, size), np.uint8)
        for draw in self._draws:
            draw += np.bincount(rng.integers(size, size=size), minlength=size).astype(np.uint8)

    def __len__(self) -> int:
        return len(self._draws)

    def statistics(self, table: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """(count,) for each metric: its mean in each resample, or its median."""
        means = [name for name in table if name not in MEDIANS]
        found = dict(zip(means, self._means([table[name] for name in means]).T, strict=True))
        return {
            name: self._medians(values) if name in MEDIANS else found[name]
            for name, values in table.items()
        }

    def intervals(self, table: Mapping[str, Numbers]) -> dict[str, tuple[float, float]]:
        """The middle 95 % for each metric; empty where nothing was drawn."""
        if not len(self):
            return {}
        return {name: _middle_95(drawn) for name, drawn in self.statistics(table).items()}

    def compare(self, ours: Table, theirs: Table) -> dict[str, Difference]:
        """Two tables of the same queries, in the same order. Empty where nothing was drawn."""
        if not len(self):
            return {}
        mine, others = self.statistics(ours), self.statistics(theirs)
        here, there = summary(ours), summary(theirs)
        return {
            name: _difference(here[name], there[name], mine[name] - others[name]) for name in ours
        }

    def _means(self, columns: Sequence[Numbers]) -> Numbers:
        """(count, columns)."""
        sizes = np.bincount(self._members, minlength=len(self._groups)).astype(float)
        sums = [np.bincount(self._members, values, len(self._groups)) for values in columns]
        totals = np.column_stack([*sums, sizes])
        parts = [draws @ totals for draws in self._some()]
        drawn = np.concatenate(parts) if parts else np.zeros((0, totals.shape[1]))
        means: Numbers = drawn[:, :-1] / drawn[:, -1:]
        return means

    def _medians(self, values: Numbers) -> Numbers:
        """The lower median of each resample."""
        order = np.argsort(values, kind="stable")
        members, rising = self._members[order], values[order]
        found = np.empty(len(self))
        for number, draw in enumerate(self._draws):
            reached = np.cumsum(draw[members], dtype=np.int64)
            found[number] = rising[np.searchsorted(reached, (reached[-1] + 1) // 2)]
        return found

    def _some(self) -> Iterator[Numbers]:
        for start in range(0, len(self), AT_ONCE):
            yield self._draws[start : start + AT_ONCE].astype(float)


def summary(table: Mapping[str, Numbers]) -> dict[str, float]:
    """The mean of each metric over the queries, or the median; 0 of no queries."""
    return {
        name: float((np.median if name in MEDIANS else np.mean)(values)) if len(values) else 0.0
        for name, values in table.items()
    }


def _difference(ours: float, theirs: float, drawn: Numbers) -> Difference:
    """The draw that was made counts as one of the resamples (Davison & Hinkley 1997, 4.11)."""
    low, high = _middle_95(drawn)
    rarer = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    p = min(1.0, 2 * (rarer + 1) / (len(drawn) + 1))
    return Difference(ours, theirs, ours - theirs, low, high, p)


def _middle_95(samples: Numbers) -> tuple[float, float]:
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(low), float(high)
