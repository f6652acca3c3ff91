"""Frontal chest radiograph: everything adds up along the beam."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from ingest.phantoms.canvas import Canvas, Floats, Point, Pose, curve, mirrored
from ingest.phantoms.study import Finding, Study, apart, shared_out, signs

MM_PER_UNIT = 175.0
LUNG_DEPTH = 0.44
LEFT_LUNG: list[Point] = [
    (0.30, -0.80),
    (0.50, -0.68),
    (0.66, -0.38),
    (0.75, 0.02),
    (0.78, 0.40),
    (0.755, 0.66),
    (0.62, 0.53),
    (0.42, 0.47),
    (0.24, 0.52),
    (0.12, 0.50),
    (0.10, 0.10),
    (0.10, -0.35),
    (0.13, -0.66),
]
RIGHT_LUNG: list[Point] = [
    (0.30, -0.80),
    (0.50, -0.68),
    (0.66, -0.38),
    (0.75, 0.02),
    (0.78, 0.36),
    (0.755, 0.61),
    (0.62, 0.46),
    (0.42, 0.37),
    (0.24, 0.41),
    (0.12, 0.46),
    (0.10, 0.10),
    (0.10, -0.35),
    (0.13, -0.66),
]
HEART: list[Point] = [
    (-0.07, -0.14),
    (-0.15, 0.06),
    (-0.17, 0.26),
    (-0.12, 0.46),
    (0.08, 0.56),
    (0.32, 0.53),
    (0.41, 0.40),
    (0.35, 0.18),
    (0.22, 0.0),
    (0.12, -0.14),
]
TORSO: list[Point] = [
    (-0.20, -1.3),
    (-0.20, -0.98),
    (-0.42, -0.90),
    (-0.80, -0.78),
    (-1.06, -0.6),
    (-1.02, 0.2),
    (-0.95, 0.7),
    (-0.95, 1.4),
    (0.95, 1.4),
    (0.95, 0.7),
    (1.02, 0.2),
    (1.06, -0.6),
    (0.80, -0.78),
    (0.42, -0.90),
    (0.20, -0.98),
    (0.20, -1.3),
]
LEVELS = {"upper lobe": -0.42, "middle lobe": 0.08, "lower lobe": 0.28}


class Film(Canvas):
    """A canvas that remembers the lungs, which findings are clipped to."""

    def lung(self, sign: int, shrink: float = 1.0) -> Floats:
        points = LEFT_LUNG if sign > 0 else RIGHT_LUNG
        about = np.array([0.14, 0.05])
        shrunk = [(float(x), float(y)) for x, y in (np.array(points) - about) * shrink + about]
        return self.spread(self.outline(mirrored(shrunk, sign), soft=0.008))


def draw(study: Study, rng: np.random.Generator) -> Image.Image:
    build = study.patient.build
    pose = Pose(
        tilt=float(rng.normal(0, 0.015)),
        shift=(float(rng.normal(0, 0.02)), float(rng.normal(0.03, 0.02))),
        zoom=float(rng.normal(1.0, 0.025)),
    )
    film = Film(344, 384, 0.02, pose)
    _draw_torso(film, study, rng)
    lungs = film.lung(1) + film.lung(-1)
    heart = _heart(film, 1.62 if study.has("cardiomegaly") else float(rng.uniform(0.92, 1.1)))
    film.texture(lungs * (1 - 0.62 * heart), np.full_like(lungs, -LUNG_DEPTH - 0.03 * build))
    film.texture(heart, np.full_like(heart, 0.13))
    _draw_mediastinum(film, rng)
    _draw_vessels(film, lungs, rng)
    _draw_skeleton(film, rng)
    for finding in study.findings:
        PAINTERS[finding.what](film, finding, rng)
    film.pixels += (0.012 * film.cloud(rng, 0.25))[..., None]
    film.film_grain(rng, 0.022)
    film.pixels = 1.1 * (1 - np.exp(-1.5 * film.pixels))
    film.write("L", (0.84, -1.06), 20)
    return film.image(blur=0.6, gamma=float(rng.uniform(0.85, 1.12)))


def _draw_torso(film: Film, study: Study, rng: np.random.Generator) -> None:
    film.add(film.outline(TORSO, soft=0.03), 0.60 + 0.04 * study.patient.build)
    film.add(film.ellipse((0, 1.0), (1.1, 0.5), soft=0.5), 0.14)
    film.add(film.ellipse((0.40, 0.66), (0.14, 0.08), soft=0.08), -float(rng.uniform(0.05, 0.25)))
    for sign in (-1, 1):
        film.add(film.ellipse((sign * 0.92, -0.45), (0.10, 0.35), sign * -0.2, soft=0.12), 0.1)
        if study.patient.sex == "female":
            film.add(film.ellipse((sign * 0.47, 0.30), (0.34, 0.27), soft=0.16), 0.07)


def _heart(film: Film, width: float) -> Floats:
    points = [(x * width + 0.01, 0.16 + (y - 0.16) * min(width, 1.2)) for x, y in HEART]
    return film.spread(film.outline(points, soft=0.018))


def _draw_mediastinum(film: Film, rng: np.random.Generator) -> None:
    film.add(film.polygons([[(-0.10, -1.3), (0.11, -1.3), (0.10, 0.8), (-0.09, 0.8)]], 0.02), 0.10)
    film.add(
        film.outline(
            [(-0.11, -0.72), (-0.14, -0.3), (-0.13, 0.1), (0.14, 0.1), (0.16, -0.3), (0.10, -0.72)],
            soft=0.02,
        ),
        0.10,
    )
    film.add(film.ellipse((0.13, -0.30), (0.09, 0.10), soft=0.03), 0.12)
    film.add(film.strokes([curve([(0, -1.3), (0.0, -0.7), (-0.01, -0.22)])], 0.085, 0.015), -0.12)
    bronchi = [curve([(0, -0.24), (s * 0.1, -0.12), (s * 0.18, -0.05)]) for s in (-1, 1)]
    film.add(film.strokes(bronchi, 0.05, 0.015), -0.08)
    discs = [[(-0.08, y), (0.08, y + rng.normal(0, 0.004))] for y in np.arange(-0.9, 1.1, 0.115)]
    film.add(film.strokes(discs, 0.018, 0.006), -0.05)


def _draw_vessels(film: Film, lungs: Floats, rng: np.random.Generator) -> None:
    for width, amount, reach, branches in ((0.05, 0.16, 0.16, 5), (0.022, 0.10, 0.42, 13)):
        lines = []
        for sign in (-1, 1):
            hilum = np.array([sign * 0.17, 0.0])
            for angle in np.linspace(-1.35, 1.35, branches) + rng.normal(0, 0.1, branches):
                way = np.array([sign * np.cos(angle), np.sin(angle)]) * reach
                bend = np.array([way[1], -way[0]]) * rng.normal(0, 0.12)
                lines.append(curve([hilum + way * 0.1, hilum + way * 0.55 + bend, hilum + way]))
        film.add(film.strokes(lines, width, width * 0.5).within(lungs), amount)
    film.texture(lungs, 0.02 * film.cloud(rng, 0.03))


def _rib(sign: int, level: float) -> list[Point]:
    reach = 0.60 + 0.2 * min(1.0, (level + 0.95) / 0.7)
    path = [
        (0.08, level),
        (0.3 * reach, level - 0.06),
        (0.65 * reach, level - 0.02),
        (0.93 * reach, level + 0.12),
        (reach, level + 0.28),
    ]
    return mirrored(path, sign)


def _draw_skeleton(film: Film, rng: np.random.Generator) -> None:
    spacing = float(rng.normal(0.158, 0.005))
    levels = [-0.74 + spacing * index for index in range(9)]
    posterior = [curve(_rib(sign, level)) for sign in (-1, 1) for level in levels]
    film.add(film.strokes(posterior, 0.062, 0.008), 0.085)
    film.add(film.strokes(posterior, 0.036, 0.012), -0.045)
    anterior = [
        curve(mirrored([(0.80, y + 0.16), (0.74, y + 0.32), (0.55, y + 0.43), (0.36, y + 0.47)], s))
        for s in (-1, 1)
        for y in levels[1:6]
    ]
    film.add(film.strokes(anterior, 0.06, 0.012), 0.04)
    clavicles = [
        curve(mirrored([(0.07, -0.60), (0.3, -0.69), (0.52, -0.74), (0.86, -0.82)], s))
        for s in (-1, 1)
    ]
    film.add(film.strokes(clavicles, 0.07, 0.008), 0.17)
    film.add(film.strokes(clavicles, 0.035, 0.012), -0.08)
    blades = [
        curve(mirrored([(0.90, -0.70), (0.70, -0.36), (0.72, -0.02), (0.86, 0.1)], s))
        for s in (-1, 1)
    ]
    film.add(film.strokes(blades, 0.035, 0.012), 0.08)
    for sign in (-1, 1):
        film.add(film.ellipse((sign * 1.0, -0.66), (0.13, 0.15), soft=0.03), 0.16)


def _effusion(film: Film, finding: Finding, rng: np.random.Generator) -> None:
    top = rng.uniform(0.18, 0.26) if finding.size == "small" else rng.uniform(-0.25, -0.08)
    for sign in signs(finding.side):
        fluid = [
            (0.95, top - 0.14),
            (0.74, top),
            (0.6, top + 0.09),
            (0.4, top + 0.14),
            (0.05, top + 0.15),
            (0.05, 0.8),
            (0.95, 0.8),
        ]
        mask = film.spread(film.outline(mirrored(fluid, sign), 0.02).within(film.lung(sign)))
        film.texture(mask, np.maximum(0.68 - 0.85 * film.pixels[..., 0], 0))


def _pneumothorax(film: Film, finding: Finding, rng: np.random.Generator) -> None:
    shrink = rng.uniform(0.80, 0.84) if finding.size == "small" else rng.uniform(0.52, 0.62)
    for sign in signs(finding.side):
        lung, collapsed = film.lung(sign), film.lung(sign, shrink)
        film.texture(lung * (1 - collapsed), np.full_like(lung, -0.16))
        film.texture(collapsed, np.full_like(lung, 0.05 + 0.25 * (0.85 - shrink)))
        edge = film.lung(sign, shrink + 0.02) * (1 - collapsed)
        film.texture(edge * lung, np.full_like(lung, 0.28))


def _spot(finding: Finding, sign: int, rng: np.random.Generator) -> Point:
    level = LEVELS.get(finding.where) or float(rng.uniform(-0.5, 0.3))
    inner = 0.30 if level < 0.2 or sign < 0 else 0.48
    outer = 0.48 if level < -0.3 else 0.64
    return sign * float(rng.uniform(inner, outer)), level + float(rng.uniform(-0.1, 0.06))


def _nodules(film: Film, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    order = shared_out(finding, rng)
    for spot in apart(lambda sign: _spot(finding, sign, rng), order, 3 * radius):
        radii = (radius, radius * float(rng.uniform(0.88, 1.0)))
        film.add(film.ellipse(spot, radii, soft=0.015), 0.34)


def _mass(film: Film, finding: Finding, rng: np.random.Generator) -> None:
    for sign in signs(finding.side):
        x, y = _spot(finding, sign, rng)
        angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        radii = finding.mm / 2 / MM_PER_UNIT * rng.uniform(0.86, 1.08, 14)
        rim = [(x + r * np.cos(a), y + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)]
        spikes = [
            [(x, y), (x + 1.45 * r * np.cos(a), y + 1.45 * r * np.sin(a))]
            for a, r in zip(angles, radii, strict=True)
        ]
        film.add(film.strokes(spikes, 0.012, 0.004), 0.12)
        film.add(film.outline(rim, soft=0.01), 0.36)


def _consolidation(film: Film, finding: Finding, rng: np.random.Generator) -> None:
    reach = 0.17 if finding.size == "small" else 0.29
    for sign in signs(finding.side):
        level = LEVELS[finding.where]
        centre = (sign * (0.46 if level < 0.2 else 0.48 + 0.05 * sign), level)
        patch = film.ellipse(centre, (reach * 1.1, reach), soft=0.16).within(film.lung(sign))
        opacity = film.spread(patch) * np.clip(0.9 + 0.35 * film.cloud(rng, 0.06), 0.2, 1.3)
        film.texture(opacity, np.full_like(opacity, 0.34))
        hilum = np.array([sign * 0.16, level * 0.4])
        ways = [
            curve([hilum, (hilum + end) / 2, end])
            for end in np.array(centre) + rng.uniform(-0.7, 0.7, (4, 2)) * reach
        ]
        film.add(film.strokes(ways, 0.016, 0.004).within(film.spread(patch)), -0.13)


def _cardiomegaly(film: Film, finding: Finding, rng: np.random.Generator) -> None:
    """Drawn with the mediastinum; the heart's weight also crowds the lung bases."""
    film.add(film.ellipse((0.1, 0.35), (0.5, 0.25), soft=0.25), 0.03)


def _pacemaker(film: Film, finding: Finding, rng: np.random.Generator) -> None:
    for sign in signs(finding.side):
        x, y = sign * 0.52, -0.52
        lead = [
            (x - sign * 0.05, y + 0.02),
            (sign * 0.2, -0.58),
            (-0.06, -0.42),
            (-0.09, -0.02),
            (-0.02, 0.32),
            (0.20, 0.44),
        ]
        film.paint(film.strokes([curve(lead)], 0.016), 0.98)
        film.paint(film.ellipse((0.20, 0.44), (0.02, 0.016)), 1.0)
        film.paint(film.ellipse((x, y), (0.12, 0.10), soft=0.012), 0.97)
        film.paint(film.ellipse((x, y + 0.02), (0.08, 0.055), soft=0.02), 0.86)


PAINTERS: dict[str, Callable[[Film, Finding, np.random.Generator], None]] = {
    "pleural effusion": _effusion,
    "pneumothorax": _pneumothorax,
    "lung nodule": _nodules,
    "lung mass": _mass,
    "consolidation": _consolidation,
    "cardiomegaly": _cardiomegaly,
    "pacemaker": _pacemaker,
}
