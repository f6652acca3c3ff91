"""What a probe makes of reflectivity: speckle, shadow and enhancement along each beam."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from ingest.phantoms.canvas import Canvas, Floats, Point, blurred, smoothstep

APEX = (0.0, -1.05)
NEAR, FAR, HALF_ANGLE = 0.42, 1.80, 0.62
LINEAR_FRAME = (-0.80, -0.70, 0.80, 0.72)
WIDTH, HEIGHT = 384, 320


@dataclass(frozen=True)
class Beams:
    """Where every pixel lies among the beams of a probe, all of shape (height, width)."""

    angle: Floats
    """Across the beams: radians for a curved probe, body units for a linear one."""
    depth: Floats
    field: Floats
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]


@lru_cache(maxsize=2)
def beams(curved: bool) -> Beams:
    canvas = Canvas(WIDTH, HEIGHT)
    if curved:
        across, down = canvas.x - APEX[0], canvas.y - APEX[1]
        angle, depth = np.arctan2(across, down), np.hypot(across, down)
        field = (np.abs(angle) < HALF_ANGLE) & (depth > NEAR) & (depth < FAR)
        lines = angle * 150
    else:
        left, top, right, bottom = LINEAR_FRAME
        angle, depth = canvas.x.copy(), canvas.y - np.float32(top)
        field = (angle > left) & (angle < right) & (depth > 0) & (canvas.y < bottom)
        lines = angle * 90
    rows = np.clip(depth * 190, 0, 359).astype(np.intp)
    columns = np.clip(lines + 100, 0, 199).astype(np.intp)
    soft = blurred(field.astype(np.float32), 0.8)
    return Beams(angle.astype(np.float32), depth.astype(np.float32), soft, rows, columns)


class Sonogram(Canvas):
    """Reflectivity first; shadow and enhancement are applied with the speckle, at the end."""

    beams: Beams
    gain: Floats

    def aim(self, curved: bool) -> None:
        self.beams = beams(curved)
        self.gain = np.ones_like(self.beams.angle)

    def behind(self, centre: Point, radius: float, factor: float) -> None:
        """Scale everything deeper than a structure, along the beams that cross it."""
        probe, curved = self.beams, self.beams is beams(True)
        pixel = self.to_pixels([centre])[0]
        centre = (pixel[0] / self.half - 1, (pixel[1] - self.height / 2) / self.half)
        if curved:
            across, down = centre[0] - APEX[0], centre[1] - APEX[1]
            depth = float(np.hypot(across, down))
            angle, reach = float(np.arctan2(across, down)), radius / depth
        else:
            angle, depth, reach = centre[0], centre[1] - LINEAR_FRAME[1], radius
        inside = smoothstep((reach - np.abs(probe.angle - angle)) / np.float32(0.25 * reach) + 0.5)
        beyond = smoothstep((probe.depth - np.float32(depth)) / np.float32(0.05))
        self.gain *= 1 + inside * beyond * np.float32(factor - 1)

    def develop(self, rng: np.random.Generator) -> Image.Image:
        probe = self.beams
        waves = rng.standard_normal((2, 360, 200), dtype=np.float32)
        waves = waves + 0.7 * np.roll(waves, 1, axis=1) + 0.35 * np.roll(waves, 1, axis=2)
        speckle = np.hypot(waves[0], waves[1])[probe.rows, probe.columns] / np.float32(1.6)
        fading = 1.08 - 0.2 * probe.depth
        echo = self.pixels[..., 0] * self.gain * fading * (0.28 + 0.72 * speckle)
        self.pixels = (np.clip(echo, 0, 1.2) ** np.float32(0.8) * probe.field)[..., None]
        wedge = np.linspace(1, 0, 120, dtype=np.float32)[:, None]
        self.pixels[60:180, 8:14, 0] = wedge
        return self.image(blur=0.5)
