"""Axial chest CT in a lung window."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from ingest.phantoms.canvas import Canvas, Floats, Point, Pose, curve, mirrored
from ingest.phantoms.study import Finding, Study, apart, shared_out, signs

MM_PER_UNIT = 185.0
AIR, LUNG, FAT, MUSCLE, BONE = 0.02, 0.13, 0.60, 0.82, 0.99
LEFT_LUNG: list[Point] = [
    (0.10, -0.40),
    (0.30, -0.47),
    (0.52, -0.42),
    (0.69, -0.22),
    (0.74, 0.05),
    (0.66, 0.31),
    (0.46, 0.47),
    (0.24, 0.47),
    (0.15, 0.33),
    (0.19, 0.14),
    (0.34, 0.04),
    (0.37, -0.12),
    (0.24, -0.27),
]
RIGHT_LUNG: list[Point] = [
    (0.07, -0.42),
    (0.28, -0.47),
    (0.52, -0.42),
    (0.69, -0.22),
    (0.74, 0.05),
    (0.66, 0.31),
    (0.46, 0.47),
    (0.24, 0.47),
    (0.14, 0.33),
    (0.13, 0.12),
    (0.20, 0.02),
    (0.22, -0.14),
    (0.15, -0.28),
]
PLACES = {"upper lobe": (0.46, -0.24), "middle lobe": (0.42, -0.22), "lower lobe": (0.44, 0.24)}


class Slice(Canvas):
    def lung(self, sign: int, shrink: float = 1.0) -> Floats:
        points = LEFT_LUNG if sign > 0 else RIGHT_LUNG
        about = np.array([0.28, 0.1])
        shrunk = [(float(x), float(y)) for x, y in (np.array(points) - about) * shrink + about]
        return self.spread(self.outline(mirrored(shrunk, sign), soft=0.006))


def draw(study: Study, rng: np.random.Generator) -> Image.Image:
    pose = Pose(
        tilt=float(rng.normal(0, 0.03)),
        shift=(float(rng.normal(0, 0.02)), float(rng.normal(-0.02, 0.02))),
        zoom=float(rng.normal(1.0, 0.03)),
    )
    scan = Slice(384, 304, AIR, pose)
    _draw_wall(scan, study, rng)
    for sign in (-1, 1):
        lung = scan.lung(sign)
        scan.pixels += (lung * (LUNG - scan.pixels[..., 0]))[..., None]
        _draw_vessels(scan, lung, sign, rng)
    _draw_mediastinum(scan, rng)
    for finding in study.findings:
        PAINTERS[finding.what](scan, finding, rng)
    scan.film_grain(rng, 0.032)
    return scan.image(blur=0.55, gamma=float(rng.uniform(0.9, 1.1)))


def _draw_wall(scan: Slice, study: Study, rng: np.random.Generator) -> None:
    fat = 0.05 + 0.025 * study.patient.build
    scan.paint(scan.strokes([curve([(-0.8, 0.72), (0, 0.78), (0.8, 0.72)])], 0.03), 0.35)
    scan.paint(scan.ellipse((0, 0.02), (0.86 + fat, 0.60 + fat), soft=0.015), FAT)
    if study.patient.sex == "female":
        for sign in (-1, 1):
            scan.paint(scan.ellipse((sign * 0.42, -0.56), (0.28, 0.13), sign * 0.35, 0.02), FAT)
    scan.paint(scan.ellipse((0, 0.02), (0.84, 0.575), soft=0.02), MUSCLE)
    for sign in (-1, 1):
        scan.paint(scan.ellipse((sign * 0.60, 0.44), (0.17, 0.03), sign * -0.75, 0.02), FAT)
    for angle in np.linspace(0.25, 2.9, 7):
        for sign in (-1, 1):
            turn = sign * (np.pi / 2 - angle) + rng.normal(0, 0.04)
            x, y = 0.77 * np.sin(turn), 0.02 + 0.53 * np.cos(turn)
            slope = float(np.arctan2(-0.53 * np.sin(turn), 0.77 * np.cos(turn)))
            scan.paint(scan.ellipse((x, y), (0.085, 0.026), slope, 0.012), BONE)
            scan.paint(scan.ellipse((x, y), (0.06, 0.011), slope, 0.012), 0.87)


def _draw_mediastinum(scan: Slice, rng: np.random.Generator) -> None:
    size = float(rng.uniform(0.9, 1.08))
    scan.paint(
        scan.outline(
            [
                (-0.10, -0.38),
                (0.02, -0.42),
                (0.24 * size, -0.27),
                (0.37 * size, -0.12),
                (0.34 * size, 0.03),
                (0.20, 0.13),
                (0.06, 0.2),
                (-0.12, 0.12),
                (-0.20, 0.0),
                (-0.21, -0.14),
                (-0.15, -0.28),
            ],
            0.012,
        ),
        0.88,
    )
    scan.paint(scan.ellipse((0.02, -0.40), (0.12, 0.03), 0.0, 0.015), FAT)
    scan.paint(scan.ellipse((0, -0.47), (0.10, 0.035), 0.0, 0.012), BONE)
    scan.paint(scan.ellipse((0.15, 0.25), (0.075, 0.075), 0.0, 0.012), 0.92)
    scan.paint(scan.ellipse((0.03, 0.19), (0.035, 0.028), 0.0, 0.012), 0.80)
    scan.paint(scan.ellipse((0, 0.31), (0.125, 0.10), 0.0, 0.012), BONE)
    scan.paint(scan.ellipse((0, 0.31), (0.10, 0.078), 0.0, 0.02), 0.90)
    scan.paint(scan.ellipse((0, 0.44), (0.11, 0.05), 0.0, 0.012), BONE)
    scan.paint(scan.ellipse((0, 0.435), (0.055, 0.042), 0.0, 0.01), 0.74)
    processes: list[list[Point]] = [
        [(0, 0.46), (0, 0.56)],
        [(-0.05, 0.44), (-0.17, 0.49)],
        [(0.05, 0.44), (0.17, 0.49)],
    ]
    scan.paint(scan.strokes(processes, 0.035, 0.006), BONE)
    for sign in (-1, 1):
        scan.paint(scan.ellipse((sign * 0.20, 0.03), (0.035, 0.028), 0.0, 0.01), 0.85)
        scan.paint(scan.ellipse((sign * 0.175, 0.06), (0.03, 0.024), 0.0, 0.01), 0.03)


def _draw_vessels(scan: Slice, lung: Floats, sign: int, rng: np.random.Generator) -> None:
    hilum = np.array([sign * 0.22, 0.05])
    for width, value, reach, branches in ((0.034, 0.75, 0.2, 6), (0.015, 0.55, 0.45, 15)):
        lines = []
        for angle in np.linspace(-1.7, 1.5, branches) + rng.normal(0, 0.12, branches):
            way = np.array([sign * np.cos(angle), np.sin(angle)]) * reach * rng.uniform(0.7, 1.1)
            bend = np.array([way[1], -way[0]]) * rng.normal(0, 0.15)
            lines.append(curve([hilum + way * 0.1, hilum + way * 0.5 + bend, hilum + way]))
        scan.paint(scan.strokes(lines, width, 0.004).within(lung), value)
    centres = rng.uniform((0.2, -0.4), (0.7, 0.42), (26, 2)) * (sign, 1)
    dots = scan.ellipses(centres, rng.uniform(0.008, 0.014, (26, 2)))
    scan.paint(dots.within(lung), 0.55)
    scan.texture(lung, 0.018 * scan.cloud(rng, 0.03))


def _spot(finding: Finding, sign: int, rng: np.random.Generator) -> Point:
    place = PLACES.get(finding.where) or (
        float(rng.uniform(0.4, 0.55)),
        float(rng.uniform(-0.3, 0.3)),
    )
    return (
        sign * (place[0] + float(rng.uniform(-0.09, 0.09))),
        place[1] + float(rng.uniform(-0.07, 0.07)),
    )


def _nodules(scan: Slice, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    order = shared_out(finding, rng)
    for spot in apart(lambda sign: _spot(finding, sign, rng), order, 3 * radius):
        radii = (radius, radius * float(rng.uniform(0.85, 1.0)))
        scan.paint(scan.ellipse(spot, radii, float(rng.uniform(0, 3)), 0.008), 0.9)


def _mass(scan: Slice, finding: Finding, rng: np.random.Generator) -> None:
    for sign in signs(finding.side):
        x, y = _spot(finding, sign, rng)
        angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        radii = finding.mm / 2 / MM_PER_UNIT * rng.uniform(0.85, 1.1, 16)
        spikes = [
            [(x, y), (x + 1.5 * r * np.cos(a), y + 1.5 * r * np.sin(a))]
            for a, r in zip(angles, radii, strict=True)
        ]
        rim = [(x + r * np.cos(a), y + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)]
        lung = scan.lung(sign)
        scan.paint(scan.strokes(spikes, 0.01, 0.003).within(lung), 0.7)
        scan.paint(scan.outline(rim, 0.006).within(lung), 0.88)


def _opacity(scan: Slice, finding: Finding, rng: np.random.Generator, value: float) -> Floats:
    """Paint hazy patches; returns where they are."""
    reach = 0.14 if finding.size == "small" else 0.25
    everywhere = np.zeros_like(scan.x, dtype=np.float32)
    for sign in signs(finding.side):
        x, y = PLACES.get(finding.where, (0.48, 0.08))
        patch = scan.ellipse((sign * x, y), (reach * 1.1, reach), soft=0.09)
        mask = scan.spread(patch.within(scan.lung(sign)))
        mask *= np.clip(0.95 + 0.3 * scan.cloud(rng, 0.05), 0.3, 1)
        everywhere += mask
    shade = np.maximum(value - scan.pixels[..., 0], 0)
    scan.texture(np.clip(everywhere, 0, 1), shade)
    return everywhere


def _ground_glass(scan: Slice, finding: Finding, rng: np.random.Generator) -> None:
    _opacity(scan, finding, rng, 0.46)


def _consolidation(scan: Slice, finding: Finding, rng: np.random.Generator) -> None:
    mask = _opacity(scan, finding, rng, 0.86)
    for sign in signs(finding.side):
        x, y = PLACES[finding.where]
        hilum = np.array([sign * 0.24, 0.06])
        ends = np.array([sign * x, y]) + rng.uniform(-0.13, 0.13, (4, 2))
        ways = [curve([hilum, (hilum + end) / 2 + rng.normal(0, 0.02, 2), end]) for end in ends]
        scan.paint(scan.strokes(ways, 0.018, 0.003).within(np.clip(mask, 0, 1)), 0.08)


def _emphysema(scan: Slice, finding: Finding, rng: np.random.Generator) -> None:
    for sign in signs(finding.side):
        lung = scan.lung(sign)
        for x, y in rng.uniform((0.2, -0.44), (0.7, 0.42), (34, 2)):
            radius = float(rng.uniform(0.02, 0.06))
            hole = scan.ellipse((sign * x, y), (radius, radius * 0.9), soft=0.012).within(lung)
            wall = scan.ellipse((sign * x, y), (radius + 0.012, radius * 0.9 + 0.012), soft=0.012)
            scan.paint(wall.within(lung), 0.3, 0.6)
            scan.paint(hole, 0.0, 0.95)


def _effusion(scan: Slice, finding: Finding, rng: np.random.Generator) -> None:
    top = 0.33 if finding.size == "small" else 0.12
    for sign in signs(finding.side):
        fluid = [
            (0.9, top - 0.16),
            (0.7, top - 0.07),
            (0.5, top + 0.03),
            (0.3, top + 0.06),
            (0.05, top),
            (0.05, 0.6),
            (0.9, 0.6),
        ]
        stencil = scan.outline(mirrored(fluid, sign), 0.008).within(scan.lung(sign))
        scan.paint(stencil, 0.74 + float(rng.uniform(-0.02, 0.02)))


def _pneumothorax(scan: Slice, finding: Finding, rng: np.random.Generator) -> None:
    shrink = rng.uniform(0.78, 0.83) if finding.size == "small" else rng.uniform(0.5, 0.6)
    for sign in signs(finding.side):
        lung, collapsed = scan.lung(sign), scan.lung(sign, shrink)
        gap = np.clip(lung - collapsed, 0, 1)
        scan.texture(gap, -scan.pixels[..., 0])
        edge = np.clip(scan.lung(sign, shrink + 0.02) - collapsed, 0, 1) * lung
        scan.texture(edge, 0.7 - scan.pixels[..., 0])
        scan.texture(collapsed, np.full_like(lung, 0.25 * (0.9 - shrink)))


PAINTERS: dict[str, Callable[[Slice, Finding, np.random.Generator], object]] = {
    "lung nodule": _nodules,
    "lung mass": _mass,
    "ground-glass opacity": _ground_glass,
    "consolidation": _consolidation,
    "emphysema": _emphysema,
    "pleural effusion": _effusion,
    "pneumothorax": _pneumothorax,
}
