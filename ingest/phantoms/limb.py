"""Bones and flesh on film: cortex brighter than the marrow inside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ingest.phantoms.canvas import Canvas, Point, blurred, curve, ribbon

Line = npt.NDArray[np.float64]
LONG_BONE = (0.72, 1.0, 0.84, 0.68, 0.60, 0.58, 0.60, 0.68, 0.86, 1.0, 0.72)


@dataclass
class Bone:
    name: str
    path: Line
    widths: Line
    """Full width at each point of the path."""

    def shape(self) -> Line:
        return ribbon(self.path, self.widths)

    def middle(self) -> Point:
        centre = self.path[len(self.path) // 2]
        return float(centre[0]), float(centre[1])


@dataclass
class Limb:
    film: Canvas
    mirror: int
    """-1 where the picture is drawn as the mirror image of a left limb."""
    mm_per_unit: float
    bones: list[Bone] = field(default_factory=list)
    shadows: list[Line] = field(default_factory=list)

    def bone(self, name: str, path: Sequence[Point], widths: Sequence[float]) -> None:
        """`widths` are spread evenly along the path."""
        self.bones.append(self._tapered(name, path, widths))

    def _tapered(self, name: str, path: Sequence[Point], widths: Sequence[float]) -> Bone:
        line = curve([(x * self.mirror, y) for x, y in path], steps=12)
        along = np.linspace(0, 1, len(line))
        spread = np.interp(along, np.linspace(0, 1, len(widths)), widths)
        return Bone(name, line, spread[:, None])

    def long_bone(self, name: str, start: Point, end: Point, width: float) -> None:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self.bone(name, [start, middle, end], [width * share for share in LONG_BONE])

    def flesh(self, path: Sequence[Point], widths: Sequence[float]) -> None:
        self.shadows.append(self._tapered("", path, widths).shape())

    def named(self, name: str) -> Bone:
        return next(bone for bone in self.bones if bone.name == name)

    def expose(self, rng: np.random.Generator) -> None:
        film = self.film
        soft = film.spread(film.polygons(self.shadows, soft=0.012))
        film.texture(blurred(soft, 2), np.full_like(soft, 0.15))
        film.texture(blurred(soft, 9), 0.10 + 0.02 * film.cloud(rng, 0.3))
        mask = film.spread(film.polygons([bone.shape() for bone in self.bones], soft=0.005))
        inner = blurred(mask, 4.5)
        cortex = mask * np.clip(1.9 * (1 - inner), 0, 1)
        trabeculae = 0.035 * film.cloud(rng, 0.025)
        film.texture(mask, 0.30 + trabeculae)
        film.texture(cortex, np.full_like(mask, 0.33))
