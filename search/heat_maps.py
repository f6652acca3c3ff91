"""Where in a picture the model sees a phrase: what it misses when a part is blurred away.

The picture is cut into overlapping windows, 3 × 3 to 7 × 7. For each the model looks at the picture
with that window blurred; where the picture is then less like the phrase, the window is warm. The
vectors are kept in a file, so that only the first phrase has to wait for them.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from ingest.models import Image
from search.encoding import EncoderUnavailable, encoder_of, text_vectors
from search.models import IndexBuild
from search.understanding.state import MAX_TEXT, InvalidState

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]
Place = Literal[
    "even", "upper left", "top", "upper right", "left", "middle", "right",
    "lower left", "bottom", "lower right",
]  # fmt: skip

GRIDS = (3, 4, 5, 6, 7)
# Cells along each side of the map that all grids make together.
SIDE = 14
# Encoders see no more than about this many pixels of a picture's side.
LONGEST_SIDE = 384
# A window is blurred until nothing of this share of the picture's side can be told.
BLUR = 1 / 16
# Pictures whose vectors are kept; those longest unused go first.
MOST_KEPT = 500
# Seconds that somebody waits while another picture is looked at.
LONGEST_WAIT = 20.0

# What else a part of a picture may show: a blurred window makes any text a little less likely, and
# what is lost for all of them says nothing about the phrase.
OTHERS = (
    "a picture", "chest radiograph", "computed tomography", "magnetic resonance imaging",
    "ultrasound", "histology", "photograph", "brain", "abdomen", "lung", "bone", "heart", "liver",
    "kidney", "arrow", "normal", "pleural effusion", "fracture", "tumour", "cyst", "metastasis",
    "pneumothorax", "calcification", "haemorrhage", "implant", "mass", "oedema", "stenosis",
    "infection",
)  # fmt: skip
SHARPNESS = 30.0
# Where losing the warmest place changes the odds by less than a third, nothing stands out.
FAINT = 0.3

_looking = threading.BoundedSemaphore(1)


class NoHeatMap(Exception):
    """There is none just now; says why in one sentence."""


@dataclass(frozen=True)
class HeatMap:
    """
    `values`: (side, side), row by row from the top left, 0 the coolest and 1 the warmest, less
    where nothing stands out. `peak`: the warmest place as shares of width and height.
    `cosines`: of the whole picture with the phrase, then the lowest and highest with one window
    blurred.
    """

    values: Floats
    where: Place
    peak: tuple[float, float]
    cosines: tuple[float, float, float]


def read_phrase(text: str) -> str:
    """Raises InvalidState for no words, or too many."""
    phrase = " ".join(text.split())
    if not 0 < len(phrase) <= MAX_TEXT:
        raise InvalidState(
            _("Say in phrase what to look for, in at most %(limit)d characters.")
            % {"limit": MAX_TEXT}
        )
    return phrase


def read_grid(text: str) -> int | None:
    """None for all grids together. Raises InvalidState."""
    if not text:
        return None
    if text not in map(str, GRIDS):
        raise InvalidState(
            _("grid must be a whole number from %(least)d to %(most)d.")
            % {"least": GRIDS[0], "most": GRIDS[-1]}
        )
    return int(text)


def heat_map(build: IndexBuild, image: Image, phrase: str, grid: int | None = None) -> HeatMap:
    """
    Of all grids together, (SIDE, SIDE), or of the windows of one. Takes seconds for the first
    phrase about a picture and milliseconds for the next. Raises NoHeatMap.
    """
    try:
        vectors = window_vectors(build, image)
        others = [text for text in OTHERS if text.casefold() != phrase.casefold()]
        texts = np.stack(text_vectors(build, [phrase, *others]))
    except EncoderUnavailable as exc:
        logger.exception("no heat map of image %s", image.pk)
        sentence = _("No model can read pictures just now. Tell an administrator.")
        raise NoHeatMap(sentence) from exc
    return map_of(vectors @ texts.T, grid)


def map_of(cosines: Floats, grid: int | None = None) -> HeatMap:
    """
    From cosines (1 + windows of all GRIDS, 1 + other texts): the whole picture and the picture
    without each window in rows, the phrase first in columns.
    """
    odds = log_odds(cosines)
    values, peak = warmth(odds[0] - odds[1:], grid)
    low, high = float(values.min()), float(values.max())
    phrase = cosines[:, 0]
    return HeatMap(
        values=((values - low) / max(high - low, 2 * FAINT)).astype(np.float32),
        where=place_of(peak) if high >= FAINT else "even",
        peak=peak,
        cosines=(float(phrase[0]), float(phrase[1:].min()), float(phrase[1:].max())),
    )


def log_odds(cosines: Floats) -> Floats:
    """Of each row, how much likelier its first text is than the others together."""
    others = SHARPNESS * cosines[:, 1:]
    most = others.max(axis=1)
    together = most + np.log(np.exp(others - most[:, None]).sum(axis=1))
    odds: Floats = SHARPNESS * cosines[:, 0] - together
    return odds


def warmth(scores: Floats, grid: int | None = None) -> tuple[Floats, tuple[float, float]]:
    """
    From scores (windows of all GRIDS,): a map of mean near 0, (side, side), and its warmest place
    as shares of width and height.
    """
    maps = {each: own - own.mean() for each, own in _by_grid(scores)}
    values = maps[grid] if grid else np.mean([spread(own) for own in maps.values()], axis=0)
    row, column = np.unravel_index(values.argmax(), values.shape)
    # Beyond the outermost windows' centres the map is level: there the point nearest the middle.
    margin = 1 / ((grid or GRIDS[-1]) + 1)
    place = np.array([column + 0.5, row + 0.5]) / len(values)
    across, down = np.clip(place, margin, 1 - margin)
    return values, (float(across), float(down))


def place_of(peak: tuple[float, float]) -> Place:
    """In which ninth of the picture a point lies, in words."""
    ninths: tuple[tuple[Place, ...], ...] = (
        ("upper left", "top", "upper right"),
        ("left", "middle", "right"),
        ("lower left", "bottom", "lower right"),
    )
    across, down = (min(2, int(3 * share)) for share in peak)
    return ninths[down][across]


def boxes(width: int, height: int, grid: int) -> list[Box]:
    """
    Windows of a picture, row by row, as (left, top, right, bottom) in pixels. Each is 2 ÷ (grid +
    1) of the picture wide and high, and overlaps its neighbours by half.
    """
    steps = grid + 1
    return [
        (
            round(column * width / steps),
            round(row * height / steps),
            round((column + 2) * width / steps),
            round((row + 2) * height / steps),
        )
        for row in range(grid)
        for column in range(grid)
    ]


def spread(scores: Floats, side: int = SIDE) -> Floats:
    """(grid, grid) scores of windows as a smooth (side, side) map, level beyond the outer ones."""
    grid = len(scores)
    cells = (np.arange(side) + 0.5) / side * (grid + 1) - 1
    apart = np.abs(np.clip(cells, 0, grid - 1)[:, None] - np.arange(grid)[None, :])
    weights = np.clip(1 - apart, 0, 1)
    smooth: Floats = (weights @ scores @ weights.T).astype(np.float32)
    return smooth


def window_vectors(build: IndexBuild, image: Image) -> Floats:
    """
    (1 + windows of all GRIDS, dimension): the picture's vector, then those of the picture without
    each window. Read from the file of an earlier time, or encoded: seconds. Raises NoHeatMap
    where another picture is being looked at for LONGEST_WAIT, or the picture cannot be read.
    """
    kept = settings.HEAT_MAP_DIR / f"{image.sha256}-{build.fingerprint[:16]}.npy"
    if (vectors := _read(kept)) is not None:
        return vectors
    from training.clip.pixels import open_image

    if not _looking.acquire(timeout=LONGEST_WAIT):
        raise NoHeatMap(_("The model is busy just now. Try again in a moment."))
    try:
        if (vectors := _read(kept)) is not None:
            return vectors
        vectors = encoder_of(build).encode_images(list(views(open_image(Path(image.file.path)))))
    except OSError as exc:
        logger.exception("no heat map of image %s", image.pk)
        raise NoHeatMap(_("The file of this picture cannot be read.")) from exc
    finally:
        _looking.release()
    _keep(kept, vectors)
    return vectors


def views(picture: Pillow.Image) -> Iterator[Pillow.Image]:
    """The picture as it is, of LONGEST_SIDE at most, then without each window of all GRIDS."""
    picture = picture.copy()
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Pillow.Resampling.LANCZOS)
    yield picture
    blurred = picture.filter(ImageFilter.GaussianBlur(BLUR * max(picture.size)))
    for grid in GRIDS:
        for box in boxes(*picture.size, grid):
            without = picture.copy()
            without.paste(blurred.crop(box), box[:2])
            yield without


def _by_grid(scores: Floats) -> Iterator[tuple[int, Floats]]:
    start = 0
    for grid in GRIDS:
        yield grid, scores[start : start + grid * grid].reshape(grid, grid)
        start += grid * grid


def _read(path: Path) -> Floats | None:
    """What was kept, marked as used just now; None where nothing was, or it cannot be read."""
    try:
        vectors: Floats = np.load(path, allow_pickle=False).astype(np.float32)
        os.utime(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError):
        logger.warning("the kept file %s cannot be read", path, exc_info=True)
        return None
    return vectors


def _keep(path: Path, vectors: Floats) -> None:
    """Written aside and then renamed, in half precision. Without room the map is there unkept."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # Named like the others, so that what a killed process left goes with the longest unused.
        handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".npy")
        with os.fdopen(handle, "wb") as file:
            np.save(file, vectors.astype(np.float16))
        os.replace(aside, path)
        _forget_longest_unused(path.parent)
    except OSError:
        logger.exception("what was seen in %s could not be kept", path)


def _forget_longest_unused(folder: Path) -> None:
    used = []
    for path in folder.glob("*.npy"):
        with suppress(FileNotFoundError):
            used.append((path.stat().st_mtime, path))
    for _when, path in sorted(used, reverse=True)[MOST_KEPT:]:
        path.unlink(missing_ok=True)
