"""What can befall a bone: some of it before the film is exposed, some laid over it."""

from collections.abc import Callable

import numpy as np

from ingest.phantoms.canvas import curve
from ingest.phantoms.limb import Bone, Limb
from ingest.phantoms.study import Finding


def _break(bone: Bone, rng: np.random.Generator) -> list[Bone]:
    """Two fragments, the far one shifted and turned."""
    cut = int(len(bone.path) * rng.uniform(0.42, 0.58))
    width = float(bone.widths[cut, 0])
    along = bone.path[cut + 1] - bone.path[cut - 1]
    along /= np.linalg.norm(along)
    beside = np.array([-along[1], along[0]]) * float(rng.choice([-1, 1]))
    turn = float(rng.choice([-1, 1]) * rng.uniform(0.08, 0.16))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    far = (bone.path[cut:] - bone.path[cut]) @ matrix.T + bone.path[cut]
    far = (
        far
        + beside * min(width * 0.6, 0.11) * rng.uniform(0.8, 1.2)
        + along * min(width * 0.22, 0.03)
    )
    near = Bone(bone.name, bone.path[:cut], bone.widths[:cut])
    return [near, Bone(bone.name, far, bone.widths[cut:])]


def _fracture(limb: Limb, finding: Finding, rng: np.random.Generator) -> None:
    for name in (finding.where or "radius and ulna").split(" and "):
        bone = limb.named(name)
        place = limb.bones.index(bone)
        limb.bones[place : place + 1] = _break(bone, rng)


def _arthritis(limb: Limb, finding: Finding, rng: np.random.Generator) -> None:
    """No gap on the medial side of the knee, with spurs and a dense joint line."""
    tibia = limb.named("proximal tibia")
    tibia.path[:, 1] -= np.linspace(0.075, 0, len(tibia.path))
    for x, y in ((-0.45, -0.07), (-0.46, 0.04), (0.44, -0.06), (0.45, 0.05)):
        limb.bone("spur", [(x - 0.05, y), (x, y), (x + 0.05, y)], [0.02, 0.09, 0.02])


def _sclerosis(limb: Limb, finding: Finding, rng: np.random.Generator) -> None:
    line = [curve([(-0.40 * limb.mirror, -0.02), (-0.2 * limb.mirror, -0.01), (0.0, -0.03)])]
    limb.film.add(limb.film.strokes(line, 0.09, 0.02), 0.28)


def _lytic(limb: Limb, finding: Finding, rng: np.random.Generator) -> None:
    x, y = limb.named(finding.where).middle()
    radius = finding.mm / 2 / limb.mm_per_unit
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    radii = radius * rng.uniform(0.82, 1.1, 10)
    rim = [
        (x + 0.85 * r * np.cos(a), y + 1.2 * r * np.sin(a))
        for a, r in zip(angles, radii, strict=True)
    ]
    limb.film.add(
        limb.film.outline([(x + (u - x) * 1.12, y + (v - y) * 1.12) for u, v in rim], 0.008), 0.1
    )
    limb.film.paint(limb.film.outline(rim, 0.008), 0.24, 0.9)


def _plate(limb: Limb, finding: Finding, rng: np.random.Generator) -> None:
    bone = limb.named(finding.where)
    count = len(bone.path)
    part = slice(int(count * 0.28), int(count * 0.74))
    path = bone.path[part] + np.array([limb.mirror * 0.4, 0.0]) * bone.widths[part]
    limb.film.paint(limb.film.strokes([path], 0.055, 0.003), 0.98)
    screws = []
    for index in np.linspace(1, len(path) - 2, 6).astype(int):
        reach = float(bone.widths[part][index, 0]) * 0.95
        x, y = path[index]
        screws.append([(x, y), (x - limb.mirror * reach, y)])
    limb.film.paint(limb.film.strokes(screws, 0.028, 0.003), 1.0)


def _screw(limb: Limb, finding: Finding, rng: np.random.Generator) -> None:
    bone = limb.named(finding.where)
    x, y = bone.middle()
    along = bone.path[-1] - bone.path[0]
    along = along / np.linalg.norm(along) * 0.14
    tilt = np.array([along[1], -along[0]]) * 0.25
    shaft = [
        (x - along[0] - tilt[0], y - along[1] - tilt[1]),
        (x + along[0] + tilt[0], y + along[1] + tilt[1]),
    ]
    limb.film.paint(limb.film.strokes([shaft], 0.03, 0.003), 1.0)
    limb.film.paint(limb.film.ellipse(shaft[0], (0.032, 0.032)), 1.0)


def _knee_replacement(limb: Limb, finding: Finding, rng: np.random.Generator) -> None:
    film = limb.film
    femoral = [
        (-0.46, -0.34),
        (-0.40, -0.28),
        (-0.2, -0.20),
        (0.0, -0.24),
        (0.2, -0.20),
        (0.40, -0.28),
        (0.46, -0.34),
        (0.45, -0.1),
        (0.30, -0.03),
        (0.10, -0.08),
        (0.0, -0.14),
        (-0.10, -0.08),
        (-0.30, -0.03),
        (-0.45, -0.1),
    ]
    film.paint(film.outline(femoral, 0.004), 1.0)
    film.paint(
        film.polygons([[(-0.43, 0.06), (0.43, 0.06), (0.43, 0.12), (-0.43, 0.12)]], 0.004), 1.0
    )
    film.paint(
        film.polygons([[(-0.07, 0.1), (0.07, 0.1), (0.045, 0.5), (-0.045, 0.5)]], 0.004), 1.0
    )


Paint = Callable[[Limb, Finding, np.random.Generator], None]
BEFORE_EXPOSURE: dict[str, Paint] = {
    "fracture": _fracture,
    "fracture of both bones": _fracture,
    "osteoarthritis": _arthritis,
}
AFTER_EXPOSURE: dict[str, Paint] = {
    "osteoarthritis": _sclerosis,
    "osteolytic lesion": _lytic,
    "plate fixation": _plate,
    "screw": _screw,
    "knee replacement": _knee_replacement,
}
