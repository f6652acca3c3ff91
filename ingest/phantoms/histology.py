"""Haematoxylin and eosin: pink stroma, purple nuclei, at about 200-fold magnification."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from ingest.phantoms.canvas import Canvas, Floats, Point, smoothstep
from ingest.phantoms.study import Study

Points = npt.NDArray[np.float64]
STROMA = (0.93, 0.70, 0.81)
EPITHELIUM = (0.80, 0.58, 0.78)
COLLOID = (0.89, 0.47, 0.64)
LUMEN = (0.97, 0.95, 0.97)
NUCLEUS = (0.36, 0.20, 0.52)
LYMPHOCYTE = (0.24, 0.12, 0.42)
NECROSIS = (0.95, 0.58, 0.70)
WIDTH, HEIGHT = 384, 304
TOP = HEIGHT / WIDTH


class Slide(Canvas):
    """A canvas that keeps nuclei apart until the end, so that findings can move them."""

    def nuclei(
        self,
        centres: Points,
        radii: tuple[float, float],
        colour: tuple[float, float, float],
        rng: np.random.Generator,
        angles: Points | None = None,
    ) -> None:
        """Ellipses of varied size; `radii` along and across the angle."""
        count = len(centres)
        if not count:
            return
        turn = rng.uniform(0, np.pi, count) if angles is None else angles
        sizes = rng.uniform(0.8, 1.25, (count, 1)) * radii
        self.paint(self.ellipses(centres, sizes, turn), colour, 0.88)

    def scatter(self, count: int, where: Floats, rng: np.random.Generator) -> Points:
        """About `count` points, fewer where the mask is low."""
        points = rng.uniform((-1.0, -TOP), (1.0, TOP), (count, 2))
        pixels = ((points + np.array([1.0, TOP])) * self.half).astype(int)
        rows = np.clip(pixels[:, 1], 0, self.height - 1)
        columns = np.clip(pixels[:, 0], 0, self.width - 1)
        kept: Points = points[where[rows, columns] > rng.uniform(0, 1, count)]
        return kept


def draw(study: Study, rng: np.random.Generator) -> Image.Image:
    slide = Slide(WIDTH, HEIGHT, STROMA)
    fibres = slide.cloud(rng, 0.022, float(rng.uniform(2.5, 5)))
    slide.pixels += (fibres * 0.028)[..., None] * np.array([0.6, 1.3, 0.9], dtype=np.float32)
    if study.has("carcinoma"):
        free = _carcinoma(slide, rng)
    else:
        free = TISSUES[study.kind.name](slide, rng)
    if study.has("inflammation"):
        _inflammation(slide, free, rng)
    if study.has("necrosis"):
        _necrosis(slide, rng)
    stain = rng.normal(1.0, 0.02, 3).astype(np.float32)
    slide.pixels = slide.pixels * stain + (0.02 * slide.cloud(rng, 0.12))[..., None]
    slide.film_grain(rng, 0.012)
    return slide.image(blur=0.45, gamma=float(rng.uniform(0.9, 1.2)))


def _jittered_grid(spacing: float, jitter: float, rng: np.random.Generator) -> list[Point]:
    rows = np.arange(-TOP - spacing / 2, TOP + spacing, spacing * 0.87)
    return [
        (float(x + rng.normal(0, jitter)), float(y + rng.normal(0, jitter)))
        for index, y in enumerate(rows)
        for x in np.arange(-1.1 + (index % 2) * spacing / 2, 1.2, spacing)
    ]


def _around(
    centre: Point, radius: float, spacing: float, rng: np.random.Generator
) -> tuple[Points, Points]:
    """Points on a ring and the direction outwards at each."""
    count = max(6, int(2 * np.pi * radius / spacing))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.normal(0, 0.05, count)
    spread = radius * rng.normal(1, 0.03, (count, 1))
    return np.array(centre) + spread * np.stack([np.cos(angles), np.sin(angles)], axis=1), angles


def _colon(slide: Slide, rng: np.random.Generator) -> Floats:
    """Round crypts with pale goblet cells; returns the stroma between them."""
    free = np.ones(slide.x.shape, dtype=np.float32)
    rings, ways, goblets = [], [], []
    for x, y in _jittered_grid(0.40, 0.02, rng):
        radius, turn = float(rng.uniform(0.15, 0.175)), float(rng.uniform(0, 3))
        gland = slide.ellipse((x, y), (radius, radius * 0.92), turn, 0.012)
        gland.cut_from(free)
        slide.paint(gland, EPITHELIUM)
        goblets.append(_around((x, y), radius * 0.55, 0.062, rng)[0])
        slide.paint(slide.ellipse((x, y), (radius * 0.26, radius * 0.2), turn, 0.012), LUMEN)
        ring, way = _around((x, y), radius * 0.85, 0.034, rng)
        rings.append(ring)
        ways.append(way)
    slide.nuclei(np.concatenate(goblets), (0.026, 0.022), LUMEN, rng)
    slide.nuclei(np.concatenate(rings), (0.021, 0.012), NUCLEUS, rng, np.concatenate(ways))
    slide.nuclei(slide.scatter(320, free, rng), (0.016, 0.011), NUCLEUS, rng)
    return free


def _thyroid(slide: Slide, rng: np.random.Generator) -> Floats:
    """Follicles full of colloid, lined by one row of cells."""
    free = np.ones(slide.x.shape, dtype=np.float32)
    rings = []
    for x, y in _jittered_grid(0.35, 0.025, rng):
        radii = (float(rng.uniform(0.12, 0.185)), float(rng.uniform(0.12, 0.175)))
        turn = float(rng.uniform(0, 3))
        follicle = slide.ellipse((x, y), radii, turn, 0.012)
        follicle.cut_from(free)
        slide.paint(follicle, EPITHELIUM)
        slide.paint(slide.ellipse((x, y), (radii[0] - 0.03, radii[1] - 0.03), turn, 0.02), LUMEN)
        slide.paint(
            slide.ellipse((x, y), (radii[0] - 0.042, radii[1] - 0.042), turn, 0.015), COLLOID
        )
        rings.append(_around((x, y), (radii[0] + radii[1]) / 2 - 0.014, 0.038, rng)[0])
    slide.nuclei(np.concatenate(rings), (0.014, 0.013), NUCLEUS, rng)
    slide.nuclei(slide.scatter(160, free, rng), (0.018, 0.008), NUCLEUS, rng)
    return free


def _breast(slide: Slide, rng: np.random.Generator) -> Floats:
    """A few ducts of two layers in collagen, with fat cells in a corner."""
    free = np.ones(slide.x.shape, dtype=np.float32)
    corner = np.array([rng.choice([-1, 1]) * 0.9, rng.choice([-1, 1]) * TOP])
    for x, y in _jittered_grid(0.21, 0.012, rng):
        if np.hypot(x - corner[0], y - corner[1]) < 0.75:
            cell = slide.ellipse((x, y), (0.10, 0.10), 0.0, 0.012)
            cell.cut_from(free)
            slide.paint(cell, LUMEN)
    rings = []
    for x, y in rng.permutation(_jittered_grid(0.44, 0.04, rng))[:16]:
        if np.hypot(x - corner[0], y - corner[1]) < 0.95:
            continue
        radius = float(rng.uniform(0.09, 0.16))
        duct = slide.ellipse((x, y), (radius, radius * 0.85), float(rng.uniform(0, 3)), 0.012)
        duct.cut_from(free)
        slide.paint(duct, EPITHELIUM)
        slide.paint(slide.ellipse((x, y), (radius * 0.45, radius * 0.4), 0.0, 0.015), LUMEN)
        rings += [_around((x, y), radius * share, 0.036, rng)[0] for share in (0.62, 0.86)]
    if rings:
        slide.nuclei(np.concatenate(rings), (0.017, 0.013), NUCLEUS, rng)
    slide.nuclei(slide.scatter(220, free, rng), (0.024, 0.006), NUCLEUS, rng)
    return free


def _carcinoma(slide: Slide, rng: np.random.Generator) -> Floats:
    """Crowded nests of large dark nuclei of uneven size; returns the stroma between."""
    nests = smoothstep((slide.cloud(rng, 0.20) + 0.45) / np.float32(0.12))
    slide.pixels += nests[..., None] * (np.array(EPITHELIUM, dtype=np.float32) - slide.pixels) * 0.9
    for size, count in ((0.020, 1500), (0.028, 500)):
        slide.nuclei(slide.scatter(count, nests, rng), (size, size * 0.75), NUCLEUS, rng)
    slide.nuclei(slide.scatter(140, 1 - nests, rng), (0.022, 0.007), NUCLEUS, rng)
    return 1 - nests


def _inflammation(slide: Slide, free: Floats, rng: np.random.Generator) -> None:
    centre = rng.uniform(-0.4, 0.4, 2)
    cluster = smoothstep((1.15 - np.hypot(slide.x - centre[0], slide.y - centre[1])) / 0.7)
    crowd = slide.scatter(1500, free * (0.15 + 0.85 * cluster), rng)
    slide.nuclei(crowd, (0.0125, 0.012), LYMPHOCYTE, rng)


def _necrosis(slide: Slide, rng: np.random.Generator) -> None:
    """Structure gone over about a third of the field, dust of broken nuclei left."""
    x, y = rng.choice([-0.45, 0.45]), rng.uniform(-0.25, 0.25)
    reach = np.hypot((slide.x - x) / 0.62, (slide.y - y) / 0.55) + 0.09 * slide.cloud(rng, 0.14)
    zone = smoothstep((1 - reach) / np.float32(0.10))
    ghost = np.array(NECROSIS, dtype=np.float32) + 0.035 * slide.cloud(rng, 0.03)[..., None]
    slide.pixels += zone[..., None] * (ghost - slide.pixels) * 0.94
    slide.nuclei(slide.scatter(420, zone, rng), (0.006, 0.005), NUCLEUS, rng)


TISSUES: dict[str, Callable[[Slide, np.random.Generator], Floats]] = {
    "colon histology": _colon,
    "thyroid histology": _thyroid,
    "breast histology": _breast,
}
