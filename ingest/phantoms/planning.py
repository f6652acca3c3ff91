"""Which patients there are, what they have, and which picture shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ingest.phantoms.catalogue import KIND_BY_NAME, KINDS
from ingest.phantoms.study import Finding, FindingKind, Kind, Patient, Study

T = TypeVar("T")

VISITS_OF_A_BLOCK = (1, 1, 1, 2, 3)
"""Five patients share eight consecutive pictures, in an order that each block shuffles."""
PATIENTS, PICTURES = len(VISITS_OF_A_BLOCK), sum(VISITS_OF_A_BLOCK)
SECOND_FINDING_SHARE = 0.22
# Each stream of random numbers is told apart by one of these, so that none depends on another.
BLOCK_STREAM, PATIENT_STREAM, PICTURE_STREAM = range(3)


@dataclass(frozen=True)
class Appointment:
    patient: int
    visit: int


def picture_stream(seed: int, index: int) -> np.random.Generator:
    return np.random.default_rng([seed, PICTURE_STREAM, index])


def appointment(seed: int, index: int) -> Appointment:
    """Whose picture number `index` is."""
    block, place = divmod(index, PICTURES)
    visits = np.random.default_rng([seed, BLOCK_STREAM, block]).permutation(VISITS_OF_A_BLOCK)
    turns = [(patient, visit) for patient in range(PATIENTS) for visit in range(visits[patient])]
    patient, visit = turns[place]
    return Appointment(block * PATIENTS + patient, visit)


def plan_study(seed: int, index: int) -> Study:
    """Sequels show the first visit's findings by another technique; other visits have their own."""
    when = appointment(seed, index)
    rng = np.random.default_rng([seed, PATIENT_STREAM, when.patient])
    kind = _choose_kind(rng)
    patient = Patient(
        number=when.patient,
        sex=pick(rng, kind.sexes),
        age=float(rng.integers(22, 88)),
        build=float(rng.uniform(-1, 1)),
    )
    side = pick(rng, kind.sides)
    if when.visit and not kind.sequels:
        rng = np.random.default_rng([seed, PATIENT_STREAM, when.patient, when.visit])
    findings = _choose_findings(kind, rng)
    if when.visit and kind.sequels:
        kind = KIND_BY_NAME[kind.sequels[when.visit - 1]]
    return Study(kind, patient, findings, side, when.visit)


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


def _choose_kind(rng: np.random.Generator) -> Kind:
    weights = np.array([kind.weight for kind in KINDS])
    return KINDS[int(rng.choice(len(KINDS), p=weights / weights.sum()))]


def _choose_findings(kind: Kind, rng: np.random.Generator) -> tuple[Finding, ...]:
    """None, one or two, in the order in which the catalogue has them drawn."""
    if rng.random() < kind.normal_share:
        return ()
    chosen = [pick(rng, kind.findings)]
    others = [each for each in kind.findings if _go_together(each, chosen[0])]
    if others and rng.random() < SECOND_FINDING_SHARE:
        chosen.append(pick(rng, others))
    chosen.sort(key=kind.findings.index)
    return tuple(_choose_finding(each, rng) for each in chosen)


def _go_together(one: FindingKind, other: FindingKind) -> bool:
    return one != other and one.what not in other.excludes and other.what not in one.excludes


def _choose_finding(kind: FindingKind, rng: np.random.Generator) -> Finding:
    side = pick(rng, kind.sides)
    count = int(pick(rng, kind.both_counts if side == "bilateral" else kind.counts))
    where = pick(rng, kind.places) if count == 1 else ""
    if (side, where) == ("left", "middle lobe"):
        where = "lower lobe"
    mm, size = 0, pick(rng, kind.sizes)
    if kind.mm:
        low, high = kind.mm
        mm = int(rng.integers(low, high + 1))
        size = "small" if mm <= (low + high) / 2 else "large"
    return Finding(kind.what, where, side, size, count, mm)
