"""Curves of runs as SVG, drawn on the server: axes with round numbers, lines, points."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 42
MOST_POINTS = 300
# Colours of the page's style sheet, with one for where the drawing stands alone.
COLOURS = 8
ALONE = "#0b8a8f"

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """`colour`: 0 to 7, a class `series-n` of the style sheet. `marked`: a dot at each point."""

    name: str
    points: Sequence[Point]
    colour: int = 0
    marked: bool = False

    @property
    def swatch(self) -> str:
        return f"series-{self.colour % COLOURS}"

    @property
    def is_dashed(self) -> bool:
        """Colours come again after 8, with broken lines."""
        return self.colour >= COLOURS


@dataclass(frozen=True)
class Chart:
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    from_zero: bool = True

    @property
    def drawn(self) -> tuple[Series, ...]:
        return tuple(series for series in self.series if series.points)

    @property
    def description(self) -> str:
        """For those who hear it: where each line begins and ends."""
        told = [
            f"{s.name}: from {_number(s.points[0][1])} to {_number(s.points[-1][1])} "
            f"at {self.x_label} {_number(s.points[-1][0])}"
            for s in self.drawn
        ]
        return "; ".join(told) or "No points yet."

    def svg(self) -> SafeString:
        drawn = self.drawn
        if not drawn:
            empty = format_html(
                '<text x="{}" y="{}" text-anchor="middle" opacity=".6">No points yet</text>',
                WIDTH / 2, HEIGHT / 2,
            )  # fmt: skip
            return self._framed(empty)
        xs = [x for series in drawn for x, _ in series.points]
        ys = [y for series in drawn for _, y in series.points]
        across = _ticks(min(0.0, *xs) if self.from_zero else min(xs), max(xs))
        up = _ticks(min(0.0, *ys) if self.from_zero else min(ys), max(ys))
        lines = format_html_join("", "{}", [(_curve(s, across, up),) for s in drawn])
        return self._framed(_grid(across, up) + lines)

    def _framed(self, content: SafeString) -> SafeString:
        return format_html(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" role="img" '
            'aria-label="{title}. {description}" font-family="system-ui, sans-serif" '
            'font-size="13" fill="currentColor"><title>{title}</title>{content}'
            '<text x="{middle}" y="{bottom}" text-anchor="middle" opacity=".7">{x}</text></svg>',
            w=WIDTH, h=HEIGHT, title=self.title, description=self.description, content=content,
            middle=(WIDTH + LEFT - RIGHT) / 2, bottom=HEIGHT - 6, x=self.x_label,
        )  # fmt: skip


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers, 1, 2 or 5 times a power of ten apart, around low to high."""
    span = (high - low) or abs(high) or 1.0
    rough = span / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _number(value: float) -> str:
    """As short as it can be: 1200, 0.35, 5e-05."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _place(value: float, ticks: Sequence[float], start: float, end: float) -> float:
    return start + (end - start) * (value - ticks[0]) / (ticks[-1] - ticks[0])


def _x(value: float, ticks: Sequence[float]) -> str:
    return f"{_place(value, ticks, LEFT, WIDTH - RIGHT):.1f}"


def _y(value: float, ticks: Sequence[float]) -> str:
    return f"{_place(value, ticks, HEIGHT - BOTTOM, TOP):.1f}"


def _grid(across: Sequence[float], up: Sequence[float]) -> SafeString:
    rows = [(LEFT, WIDTH - RIGHT, _y(tick, up), LEFT - 8, _number(tick)) for tick in up]
    columns = [(_x(tick, across), HEIGHT - BOTTOM + 17, _number(tick)) for tick in across]
    return format_html_join(
        "",
        '<path d="M{0} {2}H{1}" stroke="currentColor" stroke-opacity=".15"/>'
        '<text x="{3}" y="{2}" dy="4" text-anchor="end" opacity=".7">{4}</text>',
        rows,
    ) + format_html_join(
        "", '<text x="{}" y="{}" text-anchor="middle" opacity=".7">{}</text>', columns
    )


def _curve(series: Series, across: Sequence[float], up: Sequence[float]) -> SafeString:
    placed = [(_x(x, across), _y(y, up)) for x, y in _thinned(series.points)]
    line = format_html(
        '<polyline class="{}" points="{}" fill="none" stroke="{}" stroke-width="2" '
        'stroke-linejoin="round"{}/>',
        series.swatch, " ".join(f"{x},{y}" for x, y in placed), ALONE,
        format_html(' stroke-dasharray="{}"', "5 4") if series.is_dashed else "",
    )  # fmt: skip
    if not series.marked and len(placed) > 1:
        return line
    dots = [(series.swatch, x, y, ALONE) for x, y in placed]
    return line + format_html_join(
        "", '<circle class="{}" cx="{}" cy="{}" r="3" stroke="{}" fill="currentColor"/>', dots
    )


def _thinned(points: Sequence[Point]) -> list[Point]:
    """At most about MOST_POINTS of them, the last one always."""
    every = max(1, len(points) // MOST_POINTS)
    kept = list(points[::every])
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]
