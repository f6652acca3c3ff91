"""Axial abdomen CT with intravenous contrast, soft-tissue window."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from ingest.phantoms.canvas import Canvas, Floats, Point, Pose, curve, mirrored
from ingest.phantoms.study import Finding, Study, shared_out, signs

MM_PER_UNIT = 185.0
AIR, FAT, FLUID, MUSCLE, LIVER, BONE = 0.0, 0.20, 0.33, 0.46, 0.58, 0.97
FATTY_LIVER = 0.38
LIVER_OUTLINE: list[Point] = [
    (-0.16, -0.46),
    (-0.45, -0.42),
    (-0.68, -0.24),
    (-0.76, 0.02),
    (-0.70, 0.28),
    (-0.54, 0.40),
    (-0.40, 0.30),
    (-0.30, 0.10),
    (-0.18, -0.02),
    (-0.06, -0.10),
    (0.12, -0.26),
    (0.16, -0.38),
    (0.02, -0.46),
]
LIVER_PLACES = {"right lobe": (-0.56, 0.02), "left lobe": (-0.06, -0.29)}
KIDNEY = (0.36, 0.27)


def draw(study: Study, rng: np.random.Generator) -> Image.Image:
    pose = Pose(
        tilt=float(rng.normal(0, 0.03)),
        shift=(float(rng.normal(0, 0.02)), float(rng.normal(-0.02, 0.015))),
        zoom=float(rng.normal(1.0, 0.03)),
    )
    scan = Canvas(384, 304, AIR, pose)
    _draw_wall(scan, study)
    _draw_bowel(scan, rng)
    _draw_organs(scan, study, rng)
    _draw_spine(scan)
    for finding in study.findings:
        PAINTERS[finding.what](scan, finding, rng)
    scan.film_grain(rng, 0.038)
    return scan.image(blur=0.6, gamma=float(rng.uniform(0.88, 1.1)))


def _draw_wall(scan: Canvas, study: Study) -> None:
    rim = 0.05 + 0.03 * study.patient.build
    scan.paint(scan.strokes([curve([(-0.8, 0.72), (0, 0.77), (0.8, 0.72)])], 0.025), 0.22)
    scan.paint(scan.ellipse((0, 0.02), (0.86 + rim, 0.59 + rim), soft=0.012), 0.32)
    scan.paint(scan.ellipse((0, 0.02), (0.845 + rim, 0.575 + rim), soft=0.012), FAT)
    scan.paint(scan.ellipse((0, 0.02), (0.855, 0.575), soft=0.015), MUSCLE)
    scan.paint(scan.ellipse((0, -0.01), (0.80, 0.515), soft=0.02), FAT)
    for angle in (0.45, 0.95, 1.45, 1.95):
        for sign in (-1, 1):
            x, y = sign * 0.82 * np.sin(angle), 0.02 + 0.54 * np.cos(angle)
            slope = float(np.arctan2(-0.54 * np.sin(angle) * sign, 0.82 * np.cos(angle)))
            scan.paint(scan.ellipse((x, y), (0.07, 0.022), slope, 0.012), BONE)
            scan.paint(scan.ellipse((x, y), (0.045, 0.009), slope, 0.012), 0.7)


def _draw_spine(scan: Canvas) -> None:
    for sign in (-1, 1):
        scan.paint(scan.ellipse((sign * 0.19, 0.49), (0.14, 0.085), sign * 0.15, 0.02), 0.47)
        scan.paint(scan.ellipse((sign * 0.185, 0.33), (0.06, 0.075), 0.0, 0.02), 0.47)
    scan.paint(scan.ellipse((0, 0.31), (0.135, 0.105), 0.0, 0.012), BONE)
    scan.paint(scan.ellipse((0, 0.31), (0.11, 0.083), 0.0, 0.025), 0.74)
    scan.paint(scan.ellipse((0, 0.44), (0.10, 0.055), 0.0, 0.012), BONE)
    scan.paint(scan.ellipse((0, 0.435), (0.055, 0.04), 0.0, 0.012), 0.40)
    processes: list[list[Point]] = [
        [(0, 0.46), (0, 0.58)],
        [(-0.06, 0.43), (-0.2, 0.43)],
        [(0.06, 0.43), (0.2, 0.43)],
    ]
    scan.paint(scan.strokes(processes, 0.035, 0.006), BONE)


def _draw_bowel(scan: Canvas, rng: np.random.Generator) -> None:
    for x, y in ((0.36, -0.05), (0.52, 0.10), (0.20, -0.08), (0.62, -0.14), (0.30, 0.08)):
        x, y = x + rng.normal(0, 0.02), y + rng.normal(0, 0.02)
        radii = (float(rng.uniform(0.07, 0.10)), float(rng.uniform(0.055, 0.08)))
        turn = float(rng.uniform(0, 3))
        scan.paint(scan.ellipse((x, y), radii, turn, 0.015), 0.52)
        inside = (radii[0] * 0.6, radii[1] * 0.6)
        scan.paint(scan.ellipse((x, y), inside, turn, 0.02), float(rng.choice([0.36, 0.42, 0.75])))
    scan.paint(scan.ellipse((0.40, -0.30), (0.27, 0.15), 0.45, 0.015), 0.52)
    scan.paint(scan.ellipse((0.40, -0.30), (0.24, 0.125), 0.45, 0.015), 0.37)
    air = scan.ellipse((0.38, -0.39), (0.17, 0.055), 0.15, 0.012)
    scan.paint(air, AIR)


def _draw_organs(scan: Canvas, study: Study, rng: np.random.Generator) -> None:
    fatty = study.has("fatty liver")
    scan.paint(scan.outline(LIVER_OUTLINE, 0.008), FATTY_LIVER if fatty else LIVER)
    _draw_liver_vessels(scan, 0.67, rng)
    large = 1.32 if study.has("splenomegaly") else float(rng.uniform(0.92, 1.05))
    spleen = [
        (0.80, -0.10),
        (0.80, 0.12),
        (0.68, 0.32),
        (0.54, 0.40),
        (0.56, 0.28),
        (0.66, 0.12),
        (0.72, -0.06),
    ]
    if large > 1.2:
        spleen = [
            (0.70, -0.34),
            (0.80, -0.08),
            (0.78, 0.16),
            (0.66, 0.34),
            (0.50, 0.42),
            (0.44, 0.22),
            (0.46, 0.0),
            (0.54, -0.22),
        ]
    scan.paint(scan.outline(spleen, 0.008), 0.60)
    for sign in (-1, 1):
        _draw_kidney(scan, sign)
    scan.paint(
        scan.outline(
            [
                (-0.10, 0.02),
                (0.06, -0.06),
                (0.28, -0.10),
                (0.44, 0.0),
                (0.30, 0.02),
                (0.08, 0.06),
                (-0.08, 0.12),
            ],
            0.012,
        ),
        0.50,
    )
    if not study.has("aortic aneurysm"):
        scan.paint(scan.ellipse((0.05, 0.15), (0.055, 0.055), 0.0, 0.01), 0.85)
    scan.paint(scan.ellipse((-0.11, 0.15), (0.065, 0.05), 0.0, 0.01), 0.68)


def _draw_liver_vessels(scan: Canvas, value: float, rng: np.random.Generator) -> None:
    porta = np.array([-0.28, 0.0])
    lines = []
    for angle in (2.0, 2.6, 3.1, 3.6, 4.2, 5.1):
        way = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.2, 0.33)
        bend = rng.normal(0, 0.025, 2)
        lines.append(curve([porta + way * 0.1, porta + way * 0.55 + bend, porta + way]))
    inside = scan.spread(scan.outline(LIVER_OUTLINE, 0.008))
    scan.paint(scan.strokes(lines, 0.024, 0.008).within(inside), value)


def _draw_kidney(scan: Canvas, sign: int) -> None:
    x, y = KIDNEY
    outline = [
        (x - 0.10, y - 0.10),
        (x + 0.05, y - 0.13),
        (x + 0.15, y - 0.02),
        (x + 0.13, y + 0.11),
        (x, y + 0.15),
        (x - 0.11, y + 0.09),
        (x - 0.05, y),
    ]
    scan.paint(scan.outline(mirrored(outline, sign), 0.008), 0.78)
    scan.paint(scan.ellipse((sign * (x + 0.02), y + 0.01), (0.07, 0.07), 0.0, 0.03), 0.66)
    scan.paint(scan.ellipse((sign * (x - 0.05), y), (0.055, 0.035), 0.0, 0.02), 0.22)


def _in_liver(finding: Finding, index: int, rng: np.random.Generator) -> Point:
    """Spots that lie apart, so that what is counted can be counted."""
    if finding.count == 1:
        x, y = LIVER_PLACES[finding.where]
        return x + float(rng.uniform(-0.05, 0.05)), y + float(rng.uniform(-0.04, 0.04))
    spots = [
        (-0.62, -0.12),
        (-0.52, 0.22),
        (-0.38, -0.26),
        (-0.60, 0.08),
        (-0.10, -0.30),
        (-0.40, 0.02),
        (-0.24, -0.14),
    ]
    x, y = spots[index % len(spots)]
    return x + float(rng.uniform(-0.02, 0.02)), y + float(rng.uniform(-0.02, 0.02))


def _round_lesions(
    scan: Canvas, finding: Finding, rng: np.random.Generator, value: float, rim: float
) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    for index in range(finding.count):
        spot, size = _in_liver(finding, index, rng), radius * float(rng.uniform(0.88, 1.0))
        radii, turn = (size, size * float(rng.uniform(0.85, 1.0))), float(rng.uniform(0, 3))
        if rim:
            scan.paint(scan.ellipse(spot, (radii[0] + 0.016, radii[1] + 0.016), turn, 0.012), rim)
        scan.paint(scan.ellipse(spot, radii, turn, 0.01), value)
        if rim:
            core = (radii[0] * 0.5, radii[1] * 0.5)
            scan.paint(scan.ellipse(spot, core, turn, 0.03), value - 0.12)


def _liver_cyst(scan: Canvas, finding: Finding, rng: np.random.Generator) -> None:
    _round_lesions(scan, finding, rng, 0.27, 0.0)


def _liver_mass(scan: Canvas, finding: Finding, rng: np.random.Generator) -> None:
    _round_lesions(scan, finding, rng, 0.45, 0.78)


def _metastases(scan: Canvas, finding: Finding, rng: np.random.Generator) -> None:
    _round_lesions(scan, finding, rng, 0.40, 0.62)


def _stones(scan: Canvas, finding: Finding, rng: np.random.Generator) -> None:
    for index, sign in enumerate(shared_out(finding, rng)):
        x, y = KIDNEY[0] - 0.02 + 0.06 * (index % 2), KIDNEY[1] - 0.04 + 0.05 * (index // 2 + index)
        radius = finding.mm / 2 / MM_PER_UNIT
        scan.paint(scan.ellipse((sign * x, y), (radius, radius * 0.85), soft=0.01), 1.0)


def _hydronephrosis(scan: Canvas, finding: Finding, rng: np.random.Generator) -> None:
    reach = 0.075 if finding.size == "small" else 0.12
    for sign in signs(finding.side):
        x, y = KIDNEY
        scan.paint(scan.ellipse((sign * (x - 0.06), y), (reach * 1.2, reach * 0.7), 0, 0.012), 0.28)
        for angle in (-0.9, 0.0, 0.9):
            calyx = (sign * (x + reach * 0.75 * np.cos(angle)), y + reach * 0.85 * np.sin(angle))
            scan.paint(scan.ellipse(calyx, (reach * 0.42, reach * 0.36), 0, 0.012), 0.28)


def _renal_cyst(scan: Canvas, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    for sign in signs(finding.side):
        centre = (sign * (KIDNEY[0] + 0.12), KIDNEY[1] + float(rng.uniform(-0.08, 0.08)))
        scan.paint(scan.ellipse(centre, (radius + 0.012, radius + 0.012), soft=0.012), 0.5)
        scan.paint(scan.ellipse(centre, (radius, radius), soft=0.01), 0.29)


def _aneurysm(scan: Canvas, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    centre = (0.06, 0.21 - radius)
    scan.paint(scan.ellipse(centre, (radius, radius), soft=0.012), 0.50)
    lumen = (centre[0] + 0.02, centre[1] + 0.01)
    scan.paint(scan.ellipse(lumen, (radius * 0.62, radius * 0.6), soft=0.012), 0.88)
    for turn in rng.uniform(0, 2 * np.pi, 4):
        arc = [
            (centre[0] + radius * np.cos(turn + t), centre[1] + radius * np.sin(turn + t))
            for t in (0, 0.15, 0.3)
        ]
        scan.paint(scan.strokes([arc], 0.016), 1.0)


def _ascites(scan: Canvas, finding: Finding, rng: np.random.Generator) -> None:
    depth = 0.05 if finding.size == "small" else 0.10
    cavity = scan.spread(scan.ellipse((0, -0.01), (0.80, 0.515), soft=0.02))
    inner = scan.spread(scan.ellipse((0, 0.05), (0.79 - depth, 0.50 - depth * 0.6), soft=0.02))
    fluid: Floats = np.clip(cavity - inner, 0, 1) * (scan.y < 0.36)
    scan.texture(fluid, FLUID - scan.pixels[..., 0])


def _drawn_with_the_organs(scan: Canvas, finding: Finding, rng: np.random.Generator) -> None:
    """Fatty liver and splenomegaly change organs that are drawn in any case."""


PAINTERS: dict[str, Callable[[Canvas, Finding, np.random.Generator], None]] = {
    "liver cyst": _liver_cyst,
    "liver mass": _liver_mass,
    "liver metastases": _metastases,
    "kidney stone": _stones,
    "hydronephrosis": _hydronephrosis,
    "renal cyst": _renal_cyst,
    "aortic aneurysm": _aneurysm,
    "ascites": _ascites,
    "fatty liver": _drawn_with_the_organs,
    "splenomegaly": _drawn_with_the_organs,
}
