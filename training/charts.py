"""Small drawings of an evaluation, as SVG made on the server: intervals, and a batch of cosines."""

from collections import defaultdict
from itertools import groupby

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from training.report import Heatmap

BAR_WIDTH, BAR_HEIGHT, EDGE = 160, 16, 4
# Steps of shade; the lowest is left blank.
SHADES = 12
TEAL = "#0b8a8f"


def interval_bar(mean: float, interval: tuple[float, float], highest: float) -> SafeString:
    """The mean as a dot on its interval, on a scale from 0 to `highest`."""
    low, dot, high = (_place(value, highest) for value in (interval[0], mean, interval[1]))
    middle = BAR_HEIGHT // 2
    return format_html(
        '<svg class="interval-bar" viewBox="0 0 {} {}" aria-hidden="true">'
        '<path d="M{} {m}H{}" class="scale"/><path d="M{} {m}H{}" class="span"/>'
        '<circle cx="{}" cy="{m}" r="4"/></svg>',
        BAR_WIDTH, BAR_HEIGHT, EDGE, BAR_WIDTH - EDGE, low, high, dot, m=middle,
    )  # fmt: skip


def _place(value: float, highest: float) -> str:
    share = min(max(value / highest, 0.0), 1.0) if highest > 0 else 0.0
    return f"{EDGE + (BAR_WIDTH - 2 * EDGE) * share:.1f}"


def heatmap(shown: Heatmap) -> SafeString:
    """A square for each cosine, images down and captions across, darker for higher."""
    cosines = np.array(shown["cosines"], float)
    low, high = cosines.min(), cosines.max()
    shades = np.floor((cosines - low) / max(high - low, 1.0) * (SHADES - 1e-6)).astype(int)
    size = len(cosines)
    return format_html(
        '<svg viewBox="0 0 {0} {0}" role="img" shape-rendering="crispEdges" fill="{1}">'
        "<title>Cosines of {0} images and their captions</title>{2}</svg>",
        size, TEAL, _cells(shades),
    )  # fmt: skip


def _cells(shades: "np.ndarray[tuple[int, int], np.dtype[np.int64]]") -> SafeString:
    """One path for each shade; neighbours in a row that share it are one rectangle."""
    paths: dict[int, list[str]] = defaultdict(list)
    for y, row in enumerate(shades.tolist()):
        x = 0
        for shade, run in groupby(row):
            width = len(list(run))
            if shade:
                paths[shade].append(f"M{x} {y}h{width}v1h-{width}z")
            x += width
    return format_html_join(
        "",
        '<path d="{}" fill-opacity="{}"/>',
        [("".join(path), _opacity(shade)) for shade, path in sorted(paths.items())],
    )


def heatmap_key() -> SafeString:
    """The shades from the lowest to the highest."""
    return format_html(
        '<svg viewBox="0 0 {0} 1" preserveAspectRatio="none" fill="{1}" aria-hidden="true">{2}'
        "</svg>",
        SHADES, TEAL,
        format_html_join(
            "",
            '<path d="M{} 0h1v1h-1z" fill-opacity="{}"/>',
            [(shade, _opacity(shade)) for shade in range(1, SHADES)],
        ),
    )  # fmt: skip


def _opacity(shade: int) -> str:
    return f"{shade / (SHADES - 1):.2f}"
