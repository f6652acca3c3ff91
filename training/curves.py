"""The loss curve of a run as one SVG, drawn on the server."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from training.models import TrainingRun

WIDTH, HEIGHT = 880, 280
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 40
MOST_POINTS = 400

Point = tuple[float, float]


def loss_curve(run: TrainingRun) -> SafeString:
    """Training loss by step, validation loss by epoch, on one scale."""
    train = _thinned(list(run.step_points.values_list("step", "loss")))
    validation = [
        (float(step), float(loss))
        for step, loss in run.epoch_points.values_list("step", "validation_loss")
        if loss is not None
    ]
    if not train:
        return _svg("No points yet", format_html('<text x="56" y="140">No points yet.</text>'))
    last_step = max(point[0] for point in train + validation)
    highest = max(point[1] for point in train + validation) * 1.05 or 1.0

    def place(point: Point) -> Point:
        x = LEFT + (WIDTH - LEFT - RIGHT) * point[0] / max(last_step, 1)
        return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * point[1] / highest

    drawn = (
        _grid(highest, last_step)
        + _line([place(p) for p in train], "#0b8a8f", 2)
        + _line([place(p) for p in validation], "#c9871f", 2)
        + format_html_join(
            "",
            '<circle cx="{}" cy="{}" r="3" fill="#c9871f"/>',
            [(f"{x:.1f}", f"{y:.1f}") for x, y in map(place, validation)],
        )
        + _legend(bool(validation))
    )
    last = train[-1][1]
    return _svg(f"Training loss over {last_step:.0f} steps, now {last:.2f}", drawn)


def _thinned(points: list[tuple[int, float]]) -> list[Point]:
    every = max(1, len(points) // MOST_POINTS)
    kept = points[::every]
    if points and kept[-1] != points[-1]:
        kept.append(points[-1])
    return [(float(step), float(loss)) for step, loss in kept]


def _svg(title: str, content: SafeString) -> SafeString:
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">'
        "<title>{}</title>{}</svg>",
        WIDTH, HEIGHT, title, content,
    )  # fmt: skip


def _grid(highest: float, last_step: float) -> SafeString:
    bottom = HEIGHT - BOTTOM
    rows = [
        (LEFT, WIDTH - RIGHT, f"{bottom - (bottom - TOP) * i / 4:.1f}", f"{highest * i / 4:.2f}")
        for i in range(5)
    ]
    lines = format_html_join(
        "",
        '<path d="M{0} {2}H{1}" stroke="currentColor" stroke-opacity=".15"/>'
        '<text x="48" y="{2}" dy="4" text-anchor="end" opacity=".7">{3}</text>',
        rows,
    )
    axis = format_html(
        '<text x="{}" y="{}" opacity=".7">0</text>'
        '<text x="{}" y="{}" text-anchor="end" opacity=".7">step {:}</text>',
        LEFT, HEIGHT - 16, WIDTH - RIGHT, HEIGHT - 16, f"{last_step:.0f}",
    )  # fmt: skip
    return lines + axis


def _line(points: Sequence[Point], colour: str, width: int) -> SafeString:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return format_html(
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="{}"/>', path, colour, width
    )


def _legend(with_validation: bool) -> SafeString:
    names = [("training loss", "#0b8a8f", WIDTH - 260)]
    if with_validation:
        names.append(("validation loss", "#c9871f", WIDTH - 130))
    return format_html_join(
        "",
        '<path d="M{2} 24h16" stroke="{1}" stroke-width="2"/>'
        '<text x="{2}" y="28" dx="22">{0}</text>',
        names,
    )
