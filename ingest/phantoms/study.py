"""What a picture is of: the vocabulary that the drawings and the captions share."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

from ingest.phantoms.canvas import Point

MANY = 3
"""Above this count a caption says 'multiple'."""


@dataclass(frozen=True)
class Finding:
    what: str
    where: str = ""
    side: str = ""
    """The patient's left, right or bilateral; empty where a side has no meaning."""
    size: str = ""
    """small, large or empty."""
    count: int = 1
    mm: int = 0
    """Diameter as drawn; 0 where it is not measured."""

    def as_truth(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class FindingKind:
    """A finding that can be drawn, and the words for it.

    Phrases have the slots {n} {size} {name} {side} {where} {mm}; an empty slot leaves no gap.
    """

    what: str
    names: tuple[tuple[str, str], ...]
    """Singular and plural."""
    phrases: tuple[str, ...]
    many: tuple[str, ...] = ()
    """Phrases for several on one side, or where there are no sides; they name no place."""
    both: tuple[str, ...] = ()
    """Phrases for both sides."""
    places: tuple[str, ...] = ("",)
    sides: tuple[str, ...] = ("",)
    sizes: tuple[str, ...] = ("small", "large")
    grades: tuple[str, str] = ("small", "large")
    """The words for the two sizes."""
    mm: tuple[int, int] | None = None
    """Smallest and largest diameter; sizes beyond the middle are called large."""
    counts: tuple[int, ...] = (1,)
    both_counts: tuple[int, ...] = (2,)
    absent: str = ""
    """How a report says it is not there, after 'no'."""
    excludes: tuple[str, ...] = ()
    """Findings that are not drawn in the same picture."""
    remarks: tuple[str, ...] = ()
    """What else the drawing always shows with it."""


@dataclass(frozen=True)
class Patient:
    number: int
    sex: str
    age: float
    build: float
    """From -1 (thin) to 1 (heavy)."""


@dataclass(frozen=True)
class Study:
    kind: "Kind"
    patient: Patient
    findings: tuple[Finding, ...]
    side: str
    """Which limb or organ of a pair is imaged; empty where both are."""
    visit: int

    def has(self, what: str) -> bool:
        return any(finding.what == what for finding in self.findings)

    def laterality(self) -> str:
        sides = {finding.side for finding in self.findings if finding.side} or {self.side}
        return sides.pop() if len(sides) == 1 else "bilateral"


Draw = Callable[[Study, np.random.Generator], Image.Image]


@dataclass(frozen=True)
class Kind:
    name: str
    modality: str
    anatomy: str
    draw: Draw
    studies: tuple[str, ...]
    """Names of the examination, {side} where one limb is imaged."""
    findings: tuple[FindingKind, ...]
    normal: tuple[str, ...]
    """Sentences for a picture without findings."""
    complaints: tuple[str, ...]
    """After 'presented with'."""
    plane: str = ""
    sequence: str = ""
    sides: tuple[str, ...] = ("",)
    sexes: tuple[str, ...] = ("female", "male")
    weight: float = 1.0
    normal_share: float = 0.15
    sequels: tuple[str, ...] = ()
    """Kinds that the same patient's further pictures take in turn; empty: this kind again."""

    def finding_kind(self, what: str) -> FindingKind:
        return next(each for each in self.findings if each.what == what)


def signs(side: str) -> tuple[int, ...]:
    """Where a side of the patient lies: 1 is the image's right, which is the patient's left."""
    return {"left": (1,), "right": (-1,)}.get(side, (-1, 1))


def shared_out(finding: Finding, rng: np.random.Generator) -> list[int]:
    """A sign for each lesion of `finding`; with two sides, each gets at least one."""
    available = signs(finding.side)
    order = [available[index % len(available)] for index in range(finding.count)]
    return [order[index] for index in rng.permutation(finding.count)]


def apart(choose: Callable[[int], Point], order: Sequence[int], gap: float) -> list[Point]:
    """A spot for each sign, at least `gap` from the others where twenty tries find one."""
    spots: list[Point] = []
    for sign in order:
        tries = [choose(sign) for _ in range(20)]
        spots.append(max(tries, key=lambda spot: min(_clearance(spot, spots), gap)))
    return spots


def _clearance(spot: Point, others: Sequence[Point]) -> float:
    return min((float(np.hypot(spot[0] - x, spot[1] - y)) for x, y in others), default=np.inf)
