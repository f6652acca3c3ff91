"""Radiographs of hand, knee and forearm."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ingest.phantoms.bone_findings import AFTER_EXPOSURE, BEFORE_EXPOSURE
from ingest.phantoms.canvas import Canvas, Point, Pose
from ingest.phantoms.limb import Limb
from ingest.phantoms.study import Study

MM_PER_UNIT = {"hand": 75.0, "knee": 80.0, "forearm": 70.0}


PHALANGES = ("proximal", "middle", "distal")
RAY_WIDTHS = (0.135, 0.125, 0.105, 0.085)
# Joints from the wrist to the fingertip, for a left hand seen from its back.
# fmt: off
RAYS: dict[tuple[str, str], list[Point]] = {
    ("second", "index finger"): [
        (0.15, 0.28), (0.29, -0.16), (0.37, -0.58), (0.41, -0.84), (0.43, -1.02),
    ],
    ("third", "middle finger"): [
        (0.03, 0.26), (0.06, -0.20), (0.08, -0.68), (0.09, -0.97), (0.09, -1.16),
    ],
    ("fourth", "ring finger"): [
        (-0.09, 0.28), (-0.17, -0.13), (-0.24, -0.56), (-0.28, -0.84), (-0.30, -1.02),
    ],
    ("fifth", "little finger"): [
        (-0.20, 0.32), (-0.37, -0.02), (-0.49, -0.34), (-0.55, -0.54), (-0.59, -0.70),
    ],
    ("first", "thumb"): [
        (0.30, 0.40), (0.57, 0.12), (0.73, -0.16), (0.83, -0.36),
    ],
}
# fmt: on


def draw_hand(study: Study, rng: np.random.Generator) -> Image.Image:
    limb = _limb("hand", study, (288, 384), rng)
    for (ray, finger), joints in RAYS.items():
        limb.flesh(joints, [0.22, 0.2, 0.19, 0.18, 0.17, 0.16, 0.16])
        limb.flesh([joints[-2], joints[-1], _beyond(joints)], [0.17, 0.17, 0.17, 0.15, 0.06])
        names = (f"{ray} metacarpal", *(f"{part} phalanx of the {finger}" for part in PHALANGES))
        for name, start, end, width in zip(names, joints, joints[1:], RAY_WIDTHS, strict=False):
            limb.long_bone(name, *_short_of_the_joints(start, end), width)
    _draw_wrist(limb)
    return _finish(limb, study, rng)


def _beyond(joints: Sequence[Point]) -> Point:
    """The tip of a finger, past its last joint."""
    (x0, y0), (x1, y1) = joints[-2:]
    return x1 + 0.4 * (x1 - x0), y1 + 0.4 * (y1 - y0)


def _short_of_the_joints(start: Point, end: Point) -> tuple[Point, Point]:
    """Leaves the joint space."""
    (x0, y0), (x1, y1) = start, end
    length = max(float(np.hypot(x1 - x0, y1 - y0)), 1e-6)
    along, down = (x1 - x0) / length * 0.018, (y1 - y0) / length * 0.018
    return (x0 + along, y0 + down), (x1 - along, y1 - down)


def _draw_wrist(limb: Limb) -> None:
    for x, y in (
        (-0.21, 0.43),
        (-0.08, 0.40),
        (0.06, 0.39),
        (0.20, 0.42),
        (-0.20, 0.58),
        (-0.07, 0.56),
        (0.08, 0.57),
        (0.22, 0.55),
    ):
        limb.bone(
            "carpal",
            [(x - 0.05, y), (x, y - 0.005), (x + 0.05, y)],
            [0.07, 0.125, 0.13, 0.125, 0.07],
        )
    limb.bone("distal radius", [(0.10, 0.67), (0.13, 1.0), (0.12, 1.5)], [0.34, 0.30, 0.2, 0.17])
    limb.bone("distal ulna", [(-0.20, 0.70), (-0.19, 1.0), (-0.17, 1.5)], [0.14, 0.13, 0.1, 0.1])
    limb.flesh([(0.0, -0.12), (0.0, 0.2), (0.02, 0.5)], [0.7, 0.82, 0.74])
    limb.flesh([(0.28, 0.35), (0.45, 0.2), (0.56, 0.08)], [0.4, 0.32, 0.22])
    limb.flesh([(0.0, 0.35), (-0.02, 0.8), (-0.02, 1.5)], [0.74, 0.64, 0.62, 0.7])


def draw_knee(study: Study, rng: np.random.Generator) -> Image.Image:
    limb = _limb("knee", study, (304, 384), rng)
    gap = 0.05
    limb.bone(
        "distal femur",
        [(0.02, -1.45), (0.01, -0.9), (0.0, -0.45), (0.0, -0.06)],
        [0.36, 0.35, 0.36, 0.38, 0.44, 0.60, 0.80, 0.90, 0.88, 0.72],
    )
    for sign in (-1, 1):
        limb.bone(
            "condyle",
            [(sign * 0.43, -0.16), (sign * 0.24, -0.13), (sign * 0.05, -0.16)],
            [0.10, 0.24, 0.29, 0.26, 0.10],
        )
    limb.bone(
        "proximal tibia",
        [(0.0, gap), (0.0, 0.3), (-0.02, 0.8), (-0.03, 1.45)],
        [0.80, 0.88, 0.86, 0.76, 0.62, 0.48, 0.42, 0.38, 0.36, 0.36, 0.36, 0.36, 0.36, 0.36],
    )
    limb.bone("spine", [(-0.12, 0.06), (0.0, 0.02), (0.12, 0.06)], [0.02, 0.08, 0.04, 0.08, 0.02])
    limb.bone(
        "proximal fibula",
        [(0.43, 0.26), (0.42, 0.6), (0.40, 1.45)],
        [0.15, 0.16, 0.11, 0.10, 0.10, 0.10],
    )
    limb.flesh(
        [(0.0, -1.5), (0.0, -0.5), (0.0, 0.1), (0.02, 0.7), (0.02, 1.5)],
        [1.5, 1.36, 1.18, 1.2, 1.28, 1.1],
    )
    return _finish(limb, study, rng)


def draw_forearm(study: Study, rng: np.random.Generator) -> Image.Image:
    limb = _limb("forearm", study, (232, 384), rng)
    limb.bone(
        "radius",
        [(0.20, -1.08), (0.20, -0.8), (0.30, 0.0), (0.24, 0.7), (0.20, 1.14)],
        [0.26, 0.20, 0.17, 0.18, 0.19, 0.19, 0.20, 0.24, 0.38, 0.40],
    )
    limb.bone(
        "ulna",
        [(-0.14, -1.22), (-0.14, -0.9), (-0.22, 0.0), (-0.22, 0.7), (-0.21, 1.10)],
        [0.36, 0.36, 0.26, 0.20, 0.18, 0.17, 0.16, 0.15, 0.15, 0.18],
    )
    limb.bone("humerus", [(0.0, -1.8), (0.0, -1.5), (0.02, -1.24)], [0.36, 0.5, 0.72, 0.62])
    for x, y in ((-0.2, 1.32), (0.0, 1.28), (0.2, 1.30), (-0.12, 1.52), (0.08, 1.50), (0.26, 1.5)):
        limb.bone(
            "carpal", [(x - 0.07, y), (x, y - 0.01), (x + 0.07, y)], [0.1, 0.17, 0.18, 0.17, 0.1]
        )
    limb.flesh(
        [(0.02, -1.8), (0.02, -1.0), (0.02, 0.2), (0.0, 1.0), (0.02, 1.8)],
        [1.15, 1.2, 1.28, 1.24, 1.12, 1.0, 0.86, 0.78, 0.9],
    )
    return _finish(limb, study, rng)


def _limb(region: str, study: Study, size: tuple[int, int], rng: np.random.Generator) -> Limb:
    pose = Pose(
        tilt=float(rng.normal(0, 0.05)),
        shift=(float(rng.normal(0, 0.03)), float(rng.normal(0.02, 0.03))),
        zoom=float(rng.normal(1.0, 0.03)),
    )
    mirror = 1 if study.side == "left" else -1
    return Limb(Canvas(*size, 0.03, pose), mirror, MM_PER_UNIT[region])


def _finish(limb: Limb, study: Study, rng: np.random.Generator) -> Image.Image:
    for finding in study.findings:
        if finding.what in BEFORE_EXPOSURE:
            BEFORE_EXPOSURE[finding.what](limb, finding, rng)
    limb.expose(rng)
    for finding in study.findings:
        if finding.what in AFTER_EXPOSURE:
            AFTER_EXPOSURE[finding.what](limb, finding, rng)
    film = limb.film
    film.film_grain(rng, 0.024)
    top = -film.height / film.width + 0.06
    film.write(
        study.side[:1].upper(), (0.78 * limb.mirror - (0.05 if limb.mirror > 0 else 0.0), top), 24
    )
    return film.image(blur=0.55, gamma=float(rng.uniform(0.85, 1.1)))
