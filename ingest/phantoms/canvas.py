"""Drawing in body coordinates on a float canvas.

x runs from -1 to 1 over the width of the picture, y on the same scale from its centre downwards;
brightness from 0 to 1. A pose (tilt, shift, zoom) moves everything drawn after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Floats = npt.NDArray[np.floating[Any]]
Point = tuple[float, float]
Colour = float | tuple[float, float, float]

OVERSAMPLING = 2


@dataclass(frozen=True)
class Pose:
    tilt: float = 0.0
    """Radians, clockwise."""
    shift: Point = (0.0, 0.0)
    zoom: float = 1.0

    def matrix(self) -> npt.NDArray[np.float64]:
        cosine, sine = np.cos(self.tilt) * self.zoom, np.sin(self.tilt) * self.zoom
        return np.array([[cosine, -sine], [sine, cosine]])


@dataclass(frozen=True)
class Stencil:
    """Opacity from 0 to 1 over a box of the canvas."""

    rows: slice
    columns: slice
    alpha: Floats

    def within(self, mask: Floats) -> "Stencil":
        """This stencil times `mask`, which covers the whole canvas."""
        return Stencil(self.rows, self.columns, self.alpha * mask[self.rows, self.columns])

    def cut_from(self, mask: Floats) -> None:
        """Take this stencil out of `mask`, in place."""
        mask[self.rows, self.columns] *= 1 - self.alpha


@dataclass
class Canvas:
    width: int
    height: int
    background: Colour = 0.0
    pose: Pose = field(default_factory=Pose)

    def __post_init__(self) -> None:
        colour = np.atleast_1d(np.asarray(self.background, dtype=np.float32))
        self.pixels: Floats = np.tile(colour, (self.height, self.width, 1))
        """Shape (height, width, 1 or 3)."""
        self.half = self.width / 2
        self.x, self.y = self._grid()

    def _grid(self) -> tuple[Floats, Floats]:
        """Body coordinates of every pixel, each of shape (height, width)."""
        columns, rows = frame_grid(self.width, self.height)
        inverse = np.linalg.inv(self.pose.matrix()).astype(np.float32)
        across = columns - np.float32(self.pose.shift[0])
        down = rows - np.float32(self.pose.shift[1])
        return (
            inverse[0, 0] * across + inverse[0, 1] * down,
            inverse[1, 0] * across + inverse[1, 1] * down,
        )

    def to_pixels(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Pixel positions (n, 2) of body points (n, 2)."""
        placed = np.asarray(points, dtype=np.float64) @ self.pose.matrix().T + self.pose.shift
        return placed * self.half + (self.width / 2, self.height / 2)

    def _box(self, low: npt.ArrayLike, high: npt.ArrayLike) -> tuple[slice, slice]:
        limits = (self.width, self.height)
        left, top = np.clip(np.floor(np.asarray(low)), 0, limits).astype(int)
        right, bottom = np.clip(np.ceil(np.asarray(high)), 0, limits).astype(int)
        return slice(top, max(bottom, top)), slice(left, max(right, left))

    def ellipse(
        self, centre: Point, radii: Point, angle: float = 0.0, soft: float = 0.0
    ) -> Stencil:
        """A filled ellipse; `soft` is the width of its edge, one pixel at least."""
        soft = max(soft, 1 / self.half)
        reach = (max(radii) + soft) * self.half * self.pose.zoom
        middle = self.to_pixels([centre])[0]
        rows, columns = self._box(middle - reach, middle + reach)
        across = self.x[rows, columns] - np.float32(centre[0])
        down = self.y[rows, columns] - np.float32(centre[1])
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        along = (across * cosine + down * sine) / np.float32(radii[0])
        beside = (down * cosine - across * sine) / np.float32(radii[1])
        inside = (1 - np.hypot(along, beside)) * np.float32(min(radii) / soft) + np.float32(0.5)
        return Stencil(rows, columns, smoothstep(inside))

    def outline(self, points: Sequence[Point], soft: float = 0.0) -> Stencil:
        """The inside of a smooth closed curve through `points`."""
        return self.polygons([curve(points, closed=True)], soft)

    def polygons(self, shapes: Iterable[npt.ArrayLike], soft: float = 0.0) -> Stencil:
        """All the shapes as one stencil: drawn oversampled, shrunk, blurred by `soft`."""
        outlines = [np.asarray(shape, dtype=np.float64) for shape in shapes]
        corners = self.to_pixels(np.concatenate(outlines))
        blur = soft * self.half
        margin = 2.5 * blur + 2
        rows, columns = self._box(corners.min(axis=0) - margin, corners.max(axis=0) + margin)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if not (height and width):
            return Stencil(rows, columns, np.zeros((height, width), dtype=np.float32))
        mask = Image.new("L", (width * OVERSAMPLING, height * OVERSAMPLING))
        pen = ImageDraw.Draw(mask)
        path = ((corners - (columns.start, rows.start)) * OVERSAMPLING).ravel().tolist()
        start = 0
        for outline in outlines:
            pen.polygon(path[start : start + outline.size], fill=255)
            start += outline.size
        mask = mask.reduce(OVERSAMPLING)
        if blur > 0.3:
            mask = mask.filter(ImageFilter.BoxBlur(1.4 * blur))
        return Stencil(rows, columns, np.asarray(mask, dtype=np.float32) / 255)

    def ellipses(
        self, centres: npt.NDArray[np.float64], radii: npt.ArrayLike, angles: npt.ArrayLike = 0.0
    ) -> Stencil:
        """Many small ellipses at once: centres (n, 2), radii (n, 2), angles (n,)."""
        around = np.linspace(0, 2 * np.pi, 9, endpoint=False)
        axes = np.broadcast_to(np.asarray(radii, dtype=np.float64), centres.shape)
        along, across = axes[:, :1] * np.cos(around), axes[:, 1:] * np.sin(around)
        turn = np.broadcast_to(np.asarray(angles, dtype=np.float64), centres.shape[:1])[:, None]
        x = centres[:, :1] + along * np.cos(turn) - across * np.sin(turn)
        y = centres[:, 1:] + along * np.sin(turn) + across * np.cos(turn)
        return self.polygons(list(np.stack([x, y], axis=2)))

    def strokes(self, lines: Iterable[npt.ArrayLike], width: float, soft: float = 0.0) -> Stencil:
        """Open lines of one width, as one stencil."""
        return self.polygons([ribbon(line, width) for line in lines], soft)

    def spread(self, stencil: Stencil) -> Floats:
        """The stencil's opacity over the whole canvas, shape (height, width)."""
        mask = np.zeros((self.height, self.width), dtype=np.float32)
        mask[stencil.rows, stencil.columns] = stencil.alpha
        return mask

    def paint(self, stencil: Stencil, colour: Colour, opacity: float = 1.0) -> None:
        region = self.pixels[stencil.rows, stencil.columns]
        alpha = (stencil.alpha * np.float32(opacity))[..., None]
        region += alpha * (np.asarray(colour, dtype=np.float32) - region)

    def add(self, stencil: Stencil, amount: Colour) -> None:
        """Add brightness, as overlapping structures do on a radiograph."""
        region = self.pixels[stencil.rows, stencil.columns]
        region += stencil.alpha[..., None] * np.asarray(amount, dtype=np.float32)

    def texture(self, mask: Floats, pattern: Floats) -> None:
        """Add `pattern` where `mask`, both of the whole canvas."""
        self.pixels += (mask * pattern)[..., None]

    def cloud(self, rng: np.random.Generator, grain: float, stretch: float = 1.0) -> Floats:
        """Smooth noise of mean 0 and deviation near 1; `grain` is its scale in body units."""
        return cloud(rng, (self.height, self.width), grain * self.half, stretch)

    def image(self, blur: float = 0.0, gamma: float = 1.0) -> Image.Image:
        """The picture as 8 bits, blurred by so many pixels."""
        pixels = np.clip(self.pixels, 0, 1)
        if gamma != 1.0:
            pixels = pixels ** np.float32(gamma)
        picture = Image.fromarray((pixels * 255 + 0.5).astype(np.uint8).squeeze())
        return picture.filter(ImageFilter.BoxBlur(0.7 * blur)) if blur else picture

    def film_grain(self, rng: np.random.Generator, amount: float) -> None:
        shape = (self.height, self.width, 1)
        self.pixels += rng.standard_normal(shape, dtype=np.float32) * np.float32(amount)

    def write(self, text: str, corner: Point, size: int = 18, value: float = 0.9) -> None:
        """A burnt-in marker whose top left corner is at `corner` of the frame, pose ignored."""
        label = Image.new("L", (self.width, self.height))
        place = (corner[0] * self.half + self.width / 2, corner[1] * self.half + self.height / 2)
        ImageDraw.Draw(label).text(place, text, fill=255, font=marker_font(size))
        alpha = np.asarray(label, dtype=np.float32) / 255
        self.paint(Stencil(slice(None), slice(None), alpha), value)


@lru_cache(maxsize=8)
def marker_font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


@lru_cache(maxsize=32)
def frame_grid(width: int, height: int) -> tuple[Floats, Floats]:
    half = width / 2
    columns = ((np.arange(width, dtype=np.float32) + 0.5) / half - 1)[None, :]
    rows = ((np.arange(height, dtype=np.float32) + 0.5 - height / 2) / half)[:, None]
    return np.broadcast_to(columns, (height, width)), np.broadcast_to(rows, (height, width))


def smoothstep(ramp: Floats) -> Floats:
    clipped = np.clip(ramp, 0, 1)
    return clipped * clipped * (3 - 2 * clipped)


def curve(points: npt.ArrayLike, closed: bool = False, steps: int = 7) -> npt.NDArray[np.float64]:
    """A Catmull-Rom curve through `points`, as (n, 2)."""
    knots = np.asarray(points, dtype=np.float64)
    if closed:
        knots = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        knots = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    before, start, end, after = knots[:-3], knots[1:-2], knots[2:-1], knots[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    before, start, end, after = (each[:, None, :] for each in (before, start, end, after))
    pieces = start + 0.5 * t * (
        end
        - before
        + t * (2 * before - 5 * start + 4 * end - after + t * (3 * (start - end) + after - before))
    )
    path = pieces.reshape(-1, 2)
    return path if closed else np.concatenate([path, knots[-2:-1]])


def ribbon(line: npt.ArrayLike, width: float | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The outline of a line (n, 2) of one width or of a width at each point (n, 1), as (2n, 2)."""
    path = np.asarray(line, dtype=np.float64)
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    beside = np.stack([-along[:, 1], along[:, 0]], axis=1) * (width / 2)
    return np.concatenate([path + beside, (path - beside)[::-1]])


def cloud(
    rng: np.random.Generator, shape: tuple[int, int], grain: float, stretch: float = 1.0
) -> Floats:
    """Smooth noise; `grain` is its scale in pixels, `stretch` how much wider than high it is."""
    rows = max(2, round(shape[0] / grain) + 2)
    columns = max(2, round(shape[1] / (grain * stretch)) + 2)
    coarse = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32))
    smooth = coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32) * np.float32(1.4)


def blurred(mask: Floats, radius: float) -> Floats:
    """`mask` (0 to 1) after a Gaussian blur of `radius` pixels."""
    picture = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255


def mirrored(points: Sequence[Point], sign: float) -> list[Point]:
    """`points` as drawn for the image's right (sign 1) or its left (sign -1)."""
    return [(x * sign, y) for x, y in points]
