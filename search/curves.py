"""How good the search is over α, as one SVG drawn on the server."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 880, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 44, 44
# Told apart without colour by their dashes.
STROKES = (("#0b8a8f", "none"), ("#c9871f", "8 4"), ("#7a6bc0", "2 3"), ("#b5516b", "10 3 2 3"))

# (form, value at each α, value by RRF)
Curve = tuple[str, Sequence[tuple[float, float]], float]


def alpha_curves(metric: str, curves: Sequence[Curve]) -> SafeString:
    """One line a form; its RRF is the diamond at the right edge of the frame."""
    values = [value for _, points, rrf in curves for value in (rrf, *(v for _, v in points))]
    highest = max(values, default=0.0) * 1.1 or 1.0
    drawn = [_curve(curve, stroke, highest) for curve, stroke in zip(curves, STROKES, strict=False)]
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">'
        "<title>{} over α, from words alone to pictures alone</title>{}{}{}</svg>",
        WIDTH, HEIGHT, metric, _frame(highest),
        format_html_join("", "{}", [(one,) for one in drawn]), _legend([c[0] for c in curves]),
    )  # fmt: skip


def _curve(curve: Curve, stroke: tuple[str, str], highest: float) -> SafeString:
    _, points, rrf = curve
    colour, dashes = stroke
    line = " ".join(f"{_x(alpha):.1f},{_y(value, highest):.1f}" for alpha, value in points)
    x, y = WIDTH - RIGHT - 24, _y(rrf, highest)
    return format_html(
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{}"/>'
        '<path d="M{} {}l5 5l-5 5l-5-5z" fill="{}"/>',
        line, colour, dashes, x, f"{y - 5:.1f}", colour,
    )  # fmt: skip


def _x(alpha: float) -> float:
    """The last 48 units are for RRF, which knows no α."""
    return LEFT + (WIDTH - LEFT - RIGHT - 64) * alpha


def _y(value: float, highest: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / highest


def _frame(highest: float) -> SafeString:
    rows = [(f"{_y(highest * i / 4, highest):.1f}", f"{highest * i / 4:.2f}") for i in range(5)]
    lines = format_html_join(
        "",
        f'<path d="M{LEFT} {{0}}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity=".15"/>'
        '<text x="48" y="{0}" dy="4" text-anchor="end" opacity=".7">{1}</text>',
        rows,
    )
    named = {0.0: "words alone", 0.5: "α = .5", 1.0: "pictures alone"}
    anchors = {0.0: "start", 0.5: "middle", 1.0: "end"}
    below = HEIGHT - 20
    return (
        lines
        + format_html_join(
            "",
            '<text x="{}" y="{}" text-anchor="{}" opacity=".7">{}</text>',
            [(f"{_x(a):.1f}", below, anchors[a], text) for a, text in named.items()],
        )
        + format_html(
            '<text x="{}" y="{}" text-anchor="middle" opacity=".7">RRF</text>',
            WIDTH - RIGHT - 24, below,
        )
    )  # fmt: skip


def _legend(names: Sequence[str]) -> SafeString:
    rows = [
        (name, colour, dashes, LEFT + 160 * place)
        for place, (name, (colour, dashes)) in enumerate(zip(names, STROKES, strict=False))
    ]
    return format_html_join(
        "",
        '<path d="M{3} 18h28" stroke="{1}" stroke-width="2" stroke-dasharray="{2}"/>'
        '<text x="{3}" y="22" dx="36">{0}</text>',
        rows,
    )
