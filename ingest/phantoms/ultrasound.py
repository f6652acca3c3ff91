"""Ultrasound of gallbladder, kidney, thyroid and breast."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from ingest.phantoms.canvas import Canvas, Point, Pose, cloud, curve, smoothstep
from ingest.phantoms.sonogram import HEIGHT, NEAR, WIDTH, Sonogram, beams
from ingest.phantoms.study import Finding, Study, shared_out, signs

MM_PER_UNIT = 80.0
LINEAR_MM_PER_UNIT = 26.0


def _sonogram(curved: bool, rng: np.random.Generator, background: float) -> Sonogram:
    pose = Pose(
        tilt=float(rng.normal(0, 0.10 if curved else 0.03)),
        shift=(float(rng.normal(0, 0.05)), float(rng.normal(0.02, 0.03))),
        zoom=float(rng.normal(1.0, 0.05)),
    )
    scan = Sonogram(WIDTH, HEIGHT, background, pose)
    scan.aim(curved)
    scan.pixels *= (1 + 0.16 * scan.cloud(rng, 0.16, 1.8))[..., None]
    return scan


def _finish(
    scan: Sonogram, study: Study, painters: "Painters", rng: np.random.Generator, label: str
) -> Image.Image:
    for finding in study.findings:
        painters[finding.what](scan, finding, rng)
    picture = scan.develop(rng)
    if not label:
        return picture
    marked = Canvas(WIDTH, HEIGHT)
    marked.pixels = np.asarray(picture, dtype=np.float32)[..., None] / 255
    marked.write(label, (-0.94, 0.70), 13, 0.85)
    return marked.image()


def _body_wall(scan: Sonogram, rng: np.random.Generator) -> None:
    """Layers of skin, fat and muscle under the probe."""
    layers = scan.beams.depth - (NEAR if scan.beams is beams(True) else 0.0)
    stripes = 0.5 + 0.12 * np.sin(layers * 75 + 2 * scan.cloud(rng, 0.5))
    near = smoothstep((0.15 - layers) / np.float32(0.05))
    scan.texture(near, stripes - scan.pixels[..., 0])


def draw_gallbladder(study: Study, rng: np.random.Generator) -> Image.Image:
    scan = _sonogram(True, rng, 0.42)
    for _ in range(5):
        start = rng.uniform((-0.7, -0.2), (0.7, 0.5))
        vessel = curve(
            [
                tuple(start),
                tuple(start + rng.normal(0, 0.12, 2)),
                tuple(start + rng.normal(0, 0.2, 2)),
            ]
        )
        scan.paint(scan.strokes([vessel], 0.03, 0.008), 0.15)
    _body_wall(scan, rng)
    wall = 0.075 if study.has("cholecystitis") else 0.028
    scan.paint(
        scan.ellipse((0.02, -0.02), (0.36 + wall, 0.17 + wall), 0.35, 0.02),
        0.55 if wall < 0.05 else 0.34,
    )
    if wall > 0.05:
        scan.paint(scan.ellipse((0.02, -0.02), (0.36 + wall, 0.17 + wall), 0.35, 0.02), 0.62, 0.35)
        scan.paint(scan.ellipse((0.02, -0.02), (0.385, 0.195), 0.35, 0.015), 0.75)
    scan.paint(scan.ellipse((0.02, -0.02), (0.36, 0.17), 0.35, 0.02), 0.03)
    scan.behind((0.02, 0.10), 0.28, 1.5)
    return _finish(scan, study, GALLBLADDER, rng, "GB")


def draw_kidney(study: Study, rng: np.random.Generator) -> Image.Image:
    scan = _sonogram(True, rng, 0.40)
    _body_wall(scan, rng)
    scan.paint(scan.ellipse((0, 0.02), (0.53, 0.265), -0.12, 0.02), 0.72)
    scan.paint(scan.ellipse((0, 0.02), (0.51, 0.245), -0.12, 0.02), 0.26)
    for x, y in (
        (-0.32, 0.0),
        (-0.2, -0.11),
        (0.0, -0.14),
        (0.22, -0.13),
        (0.33, -0.03),
        (-0.18, 0.16),
        (0.05, 0.17),
        (0.24, 0.11),
    ):
        scan.paint(scan.ellipse((x, y), (0.055, 0.045), 0.0, 0.03), 0.15)
    scan.paint(scan.ellipse((0, 0.02), (0.29, 0.085), -0.12, 0.06), 0.88)
    return _finish(scan, study, KIDNEY, rng, f"{study.side.upper()} KIDNEY")


def draw_thyroid(study: Study, rng: np.random.Generator) -> Image.Image:
    scan = _sonogram(False, rng, 0.30)
    _body_wall(scan, rng)
    muscle = [curve([(-0.85, -0.42), (0, -0.48), (0.85, -0.42)])]
    scan.paint(scan.strokes(muscle, 0.10, 0.02), 0.20)
    for sign in (-1, 1):
        lobe = scan.ellipse((sign * 0.35, -0.12), (0.24, 0.215), sign * -0.2, 0.02)
        scan.paint(scan.ellipse((sign * 0.35, -0.12), (0.255, 0.23), sign * -0.2, 0.02), 0.72)
        scan.paint(lobe, 0.56)
        carotid = (sign * 0.69, -0.02)
        scan.paint(scan.ellipse(carotid, (0.10, 0.10), 0, 0.015), 0.75)
        scan.paint(scan.ellipse(carotid, (0.085, 0.085), 0, 0.015), 0.04)
        scan.paint(scan.ellipse((sign * 0.36, 0.28), (0.26, 0.11), 0, 0.03), 0.2)
    scan.paint(scan.ellipse((0, -0.26), (0.16, 0.05), 0, 0.02), 0.54)
    scan.paint(
        scan.strokes(
            [curve([(-0.15, -0.02), (-0.1, -0.16), (0.1, -0.16), (0.15, -0.02)])], 0.035, 0.01
        ),
        0.98,
    )
    scan.behind((0, -0.12), 0.14, 0.12)
    return _finish(scan, study, THYROID, rng, "THYROID TRANS")


def draw_breast(study: Study, rng: np.random.Generator) -> Image.Image:
    scan = _sonogram(False, rng, 0.42)
    strands = cloud(rng, (HEIGHT, WIDTH), 9, 5.0)
    scan.pixels += (0.13 * np.clip(strands, -1.5, 1.5))[..., None]
    _body_wall(scan, rng)
    fat = smoothstep((0.42 - scan.beams.depth + 0.03 * scan.cloud(rng, 0.3)) / 0.06)
    fat *= smoothstep((scan.beams.depth - 0.12) / np.float32(0.04))
    scan.texture(fat, 0.24 - 0.8 * scan.pixels[..., 0] + 0.05 * strands)
    scan.paint(scan.strokes([curve([(-0.9, 0.48), (0, 0.44), (0.9, 0.48)])], 0.03, 0.01), 0.8)
    scan.paint(scan.polygons([[(-0.9, 0.5), (0.9, 0.5), (0.9, 0.75), (-0.9, 0.75)]], 0.02), 0.22)
    return _finish(scan, study, BREAST, rng, f"{study.side.upper()} BREAST")


def _gallstones(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    step = min(2.3 * radius, 0.5 / finding.count)
    for index in range(finding.count):
        along = (index - (finding.count - 1) / 2) * step + float(rng.uniform(-0.01, 0.01))
        centre = (0.02 + along, -0.02 + 0.35 * along + 0.16 - radius * 0.9)
        scan.behind(centre, radius * 0.95, 0.06)
        scan.gain += scan.spread(scan.ellipse(centre, (radius, radius), soft=0.01))
        scan.paint(scan.ellipse(centre, (radius, radius * 0.8), 0.3, 0.015), 0.75)


def _cholecystitis(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    """The thick wall is drawn with the gallbladder; this is the fluid beside it."""
    rim = curve([(-0.44, -0.22), (-0.2, -0.30), (0.1, -0.22), (0.36, -0.06)])
    scan.paint(scan.strokes([rim], 0.03, 0.008), 0.04)


def _kidney_stones(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    x = {"upper pole": -0.30, "lower pole": 0.30}.get(finding.where, 0.0)
    for index in range(finding.count):
        shift = (index - (finding.count - 1) / 2) * 0.2
        centre = (x * (1 if finding.count == 1 else 0.4) + shift, 0.04 - 0.12 * (x + shift))
        scan.behind(centre, radius * 1.1, 0.05)
        scan.gain += 1.2 * scan.spread(scan.ellipse(centre, (radius, radius * 0.8), soft=0.01))
        scan.paint(scan.ellipse(centre, (radius, radius * 0.8), soft=0.012), 1.0)


def _hydronephrosis(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    reach = 0.75 if finding.size == "small" else 1.15
    scan.paint(scan.ellipse((0, 0.02), (0.20 * reach, 0.085 * reach), -0.12, 0.02), 0.03)
    for x, y in ((-0.22, -0.05), (-0.2, 0.09), (0.0, -0.09), (0.2, -0.08), (0.2, 0.06)):
        bulge = scan.ellipse((x * reach, y * reach), (0.075 * reach, 0.07 * reach), 0.0, 0.02)
        scan.paint(bulge, 0.03)
    scan.behind((0, 0.12), 0.2, 1.4)


def _renal_cyst(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    x = {"upper pole": -0.40, "lower pole": 0.40}.get(finding.where, 0.02)
    _cyst(scan, (x, -0.06 - 0.12 * x if abs(x) > 0.1 else -0.18), radius)


def _cyst(scan: Sonogram, centre: Point, radius: float) -> None:
    scan.behind((centre[0], centre[1] + radius), radius * 0.8, 1.7)
    scan.paint(scan.ellipse(centre, (radius + 0.015, radius + 0.012), soft=0.015), 0.8)
    scan.paint(scan.ellipse(centre, (radius, radius * 0.92), soft=0.015), 0.02)


def _thyroid_nodules(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / LINEAR_MM_PER_UNIT
    for index, sign in enumerate(shared_out(finding, rng)):
        centre = (
            sign * (0.36 + (0.10 * (index % 2) if finding.count > 2 else 0.0)),
            -0.12 + (0.10 * (index // 2) - 0.08 if finding.count > 2 else 0.0),
        )
        scan.paint(
            scan.ellipse(centre, (radius + 0.02, radius * 0.85 + 0.02), soft=0.015), 0.78, 0.8
        )
        scan.paint(scan.ellipse(centre, (radius, radius * 0.85), soft=0.015), 0.17)


def _thyroid_cyst(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    for sign in signs(finding.side):
        _cyst(scan, (sign * 0.36, -0.12), finding.mm / 2 / LINEAR_MM_PER_UNIT)


def _breast_cyst(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    centre = (float(rng.uniform(-0.25, 0.25)), float(rng.uniform(-0.1, 0.05)))
    _cyst(scan, centre, finding.mm / 2 / LINEAR_MM_PER_UNIT)


def _breast_mass(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / LINEAR_MM_PER_UNIT
    x, y = float(rng.uniform(-0.25, 0.25)), float(rng.uniform(-0.1, 0.02))
    angles = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    radii = radius * rng.uniform(0.72, 1.15, 18)
    rim = [(x + r * np.cos(a), y + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)]
    scan.behind((x, y + radius * 0.5), radius * 0.7, 0.35)
    halo = scan.ellipse((x, y), (radius * 1.5, radius * 1.45), soft=0.15)
    scan.paint(halo, 0.7, 0.7)
    scan.paint(scan.outline(rim, 0.012), 0.12)


def _fibroadenoma(scan: Sonogram, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / LINEAR_MM_PER_UNIT
    centre = (float(rng.uniform(-0.25, 0.25)), float(rng.uniform(-0.1, 0.05)))
    scan.paint(scan.ellipse(centre, (radius + 0.02, radius * 0.62 + 0.02), soft=0.015), 0.85)
    scan.paint(scan.ellipse(centre, (radius, radius * 0.62), soft=0.02), 0.26)


Painters = dict[str, Callable[[Sonogram, Finding, np.random.Generator], None]]
GALLBLADDER: Painters = {"gallstones": _gallstones, "cholecystitis": _cholecystitis}
KIDNEY: Painters = {
    "kidney stone": _kidney_stones,
    "hydronephrosis": _hydronephrosis,
    "renal cyst": _renal_cyst,
}
THYROID: Painters = {"thyroid nodule": _thyroid_nodules, "thyroid cyst": _thyroid_cyst}
BREAST: Painters = {
    "breast cyst": _breast_cyst,
    "breast mass": _breast_mass,
    "fibroadenoma": _fibroadenoma,
}
