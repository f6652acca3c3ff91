"""How often a heat map points right, and how long it takes: `make bench-heat-maps`.

Phantoms that the model never saw are drawn; what the painter of a finding changes on the canvas is
where the finding is. Asked for a finding by its name, the map should be warmest inside the box
around it. Findings that are several, on both sides, or over more than a quarter of the picture are
left out. The model is that of the live index, which should be over phantoms.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clipsite.settings")

import django

django.setup()

import numpy as np
from django.conf import settings
from PIL import Image as Pillow

from ingest.models import Image
from ingest.phantoms import abdomen_ct, bone_findings, brain, chest_ct, chest_xray, draw_phantom
from ingest.phantoms.planning import plan_study
from ingest.phantoms.study import Finding
from search.encoding import encoder_of
from search.heat_maps import GRIDS, OTHERS, Floats, boxes, heat_map, log_odds, views, warmth
from search.models import IndexBuild, LiveIndex

PAINTERS: tuple[dict[str, Any], ...] = (
    abdomen_ct.PAINTERS, brain.PAINTERS, chest_ct.PAINTERS, chest_xray.PAINTERS,
    bone_findings.AFTER_EXPOSURE,
)  # fmt: skip
SEED, FIRST_UNSEEN = 7, 800
LARGEST = 0.25
# Of the strongest change of any pixel: what changes less is a soft edge.
EDGE = 0.25

Box = tuple[float, float, float, float]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=40, help="drawn and pointed into; 0: none")
    parser.add_argument("--timed", type=int, default=5, help="of the corpus; 0: none")
    options = parser.parse_args()
    build = LiveIndex.current()
    if build is None:
        sys.exit("Nothing is indexed yet.")
    print(f"{build.checkpoint}, {settings.MODEL_THREADS} threads")
    if options.timed:
        time_maps(build, options.timed)
    if options.pictures:
        point(build, options.pictures)


def time_maps(build: IndexBuild, count: int) -> None:
    """Of images of the corpus whose vectors are not kept yet, then of the same again."""
    images = list(Image.objects.order_by("sha256")[:count])
    heat_map_of(build, images[0], "warms up")
    with tempfile.TemporaryDirectory() as folder:
        settings.HEAT_MAP_DIR = Path(folder) / "heat-maps"
        first = [heat_map_of(build, image, "pleural effusion") for image in images]
        new = [heat_map_of(build, image, f"fracture of rib {n}") for n, image in enumerate(images)]
    for what, seconds in (("first", first), ("next", new)):
        print(
            f"{what} phrase about a picture: median {statistics.median(seconds) * 1000:,.0f} ms",
            flush=True,
        )


def heat_map_of(build: IndexBuild, image: Image, phrase: str) -> float:
    """Seconds."""
    started = time.perf_counter()
    heat_map(build, image, phrase)
    return time.perf_counter() - started


def point(build: IndexBuild, count: int) -> None:
    encoder = encoder_of(build)
    others = encoder.encode_texts(list(OTHERS))
    inside: dict[str, list[bool]] = {}
    shares = []
    for picture, findings in unseen(count):
        blurred = encoder.encode_images(list(views(picture)))
        alone = encoder.encode_images(list(windows(picture)))
        for name, box in findings.items():
            texts = np.concatenate([encoder.encode_texts([name]), others]).T
            odds = log_odds(blurred @ texts)
            points = {
                "each window blurred away": warmth(odds[0] - odds[1:])[1],
                "each window by itself": warmth(log_odds(alone @ texts))[1],
                "the middle of the picture": (0.5, 0.5),
            }
            for method, (x, y) in points.items():
                hit = box[0] <= x <= box[2] and box[1] <= y <= box[3]
                inside.setdefault(method, []).append(bool(hit))
            shares.append(share_of(box))
        print(f"{len(shares)} findings", end="\r", file=sys.stderr)
    print(f"\n{count} pictures, {len(shares)} findings\n")
    print("| the warmest place, by | inside the box |\n|---|---|")
    for method, hits in inside.items():
        print(f"| {method} | {sum(hits)} of {len(hits)} |")
    print(f"| chance: the mean share of the boxes | {statistics.mean(shares):.2f} |")


def windows(picture: Pillow.Image) -> Iterator[Pillow.Image]:
    for grid in GRIDS:
        for box in boxes(*picture.size, grid):
            yield picture.crop(box)


def unseen(count: int) -> Iterator[tuple[Pillow.Image, dict[str, Box]]]:
    """Pictures with the boxes of their findings, as shares of width and height."""
    changes = recorded()
    index = FIRST_UNSEEN
    while count:
        single = [f.what for f in plan_study(SEED, index).findings if is_single(f)]
        changes.clear()
        if single:
            picture = draw_phantom(index, SEED).image.convert("RGB")
            boxed = {name: box_of(changes[name]) for name in single if name in changes}
            small = {name: box for name, box in boxed.items() if share_of(box) <= LARGEST}
            if small:
                yield picture, small
                count -= 1
        index += 1


def is_single(finding: Finding) -> bool:
    return finding.count == 1 and finding.side != "bilateral"


def recorded() -> dict[str, Floats]:
    """What each painter changes from now on, by its finding, (height, width)."""
    changes: dict[str, Floats] = {}

    def recording(name: str, paint: Callable[..., Any]) -> Callable[..., Any]:
        def painter(canvas: Any, *rest: Any) -> Any:
            film = getattr(canvas, "film", canvas)
            before = film.pixels.copy()
            painted = paint(canvas, *rest)
            change = np.abs(film.pixels - before).max(axis=2)
            if change.any():
                changes[name] = change
            return painted

        return painter

    for table in PAINTERS:
        table.update({name: recording(name, paint) for name, paint in table.items()})
    return changes


def box_of(change: Floats) -> Box:
    height, width = change.shape
    changed = change >= EDGE * change.max()
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return (
        columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height
    )  # fmt: skip


def share_of(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


if __name__ == "__main__":
    main()
