"""The marks of a chart as SVG text: lines, areas of intervals, dots, bars."""

from collections.abc import Iterable, Sequence
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from reviewqueue.chart_scales import BOTTOM, LEFT, RIGHT, TOP, Point, Scale

MANY: Final = 31
NOTHING: Final = SafeString("")


def area(points: Sequence[Point], scale: Scale) -> SafeString:
    """Draw the intervals of neighbours as one area for each stretch."""
    return joined(
        format_html(
            '<polygon class="series-1 area" points="{}"/>',
            _corners(stretch, len(points), scale),
        )
        for stretch in _stretches(points)
        if len(stretch) > 1
    )


def _corners(stretch: list[tuple[int, Point]], n: int, scale: Scale) -> str:
    upper = [(i, point.high) for i, point in stretch if point.high is not None]
    lower = [(i, point.low) for i, point in reversed(stretch) if point.low is not None]
    return _path((place(i, n), scale.y(value)) for i, value in [*upper, *lower])


def uprights(marks: Sequence[bool]) -> SafeString:
    return joined(
        format_html(
            '<line class="series-2 whisker" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>',
            coordinate(place(i, len(marks))),
            TOP,
            BOTTOM,
        )
        for i, is_marked in enumerate(marks)
        if is_marked
    )


def line_of(points: Sequence[Point], scale: Scale, number: int) -> SafeString:
    n = len(points)
    lines = joined(
        format_html(
            '<polyline class="series-{} trace" points="{}"/>',
            number,
            _path((place(i, n), scale.y(point.value or 0)) for i, point in stretch),
        )
        for stretch in _stretches(points)
        if len(stretch) > 1
    )
    radius = 4 if n <= MANY else 2.5
    marks = joined(
        _mark(point, _dot(place(i, n), scale.y(point.value), radius, number))
        for i, point in enumerate(points)
        if point.value is not None
    )
    return lines + marks


def whiskers(points: Sequence[Point], scale: Scale, number: int) -> SafeString:
    return joined(
        _whisker(point, place(i, len(points)), scale, number)
        for i, point in enumerate(points)
        if point.value is not None
    )


def dots(
    points: Sequence[Point], scale: Scale, number: int, *, shift: float
) -> SafeString:
    return joined(
        _mark(
            point,
            _whisker(point, x := place(i, len(points)) + shift, scale, number)
            + _dot(x, scale.y(point.value), 4.5, number),
        )
        for i, point in enumerate(points)
        if point.value is not None
    )


def _dot(x: float, y: float, radius: float, number: int) -> SafeString:
    return format_html(
        '<circle class="series-{} dot" cx="{}" cy="{}" r="{}"/>',
        number,
        coordinate(x),
        coordinate(y),
        radius,
    )


def _whisker(point: Point, x: float, scale: Scale, number: int) -> SafeString:
    if point.low is None or point.high is None:
        return NOTHING
    return format_html(
        '<line class="series-{0} whisker" x1="{1}" x2="{1}" y1="{2}" y2="{3}"/>',
        number,
        coordinate(x),
        coordinate(scale.y(point.low)),
        coordinate(scale.y(point.high)),
    )


def bars_of(points: Sequence[Point], scale: Scale) -> SafeString:
    n = len(points)
    width = max(1.5, 0.7 * (RIGHT - LEFT) / max(n, 1))
    return joined(
        _mark(
            point,
            format_html(
                '<rect class="series-1 bar-mark" x="{}" y="{}" width="{}" height="{}" '
                'rx="1.5"/>',
                coordinate(place(i, n) - width / 2),
                coordinate(scale.y(point.value)),
                coordinate(width),
                coordinate(BOTTOM - scale.y(point.value)),
            ),
        )
        for i, point in enumerate(points)
        if point.value
    )


def _mark(point: Point, drawn: SafeString) -> SafeString:
    """Tie a mark to its words and the cases behind it.

    Out of the tab order: the table beside the chart holds the same links.
    """
    if not point.href:
        return format_html('<g role="img" aria-label="{}">{}</g>', point.words, drawn)
    return format_html(
        '<a href="{}" tabindex="-1" aria-label="{}">{}</a>',
        point.href,
        point.words,
        drawn,
    )


def _stretches(points: Sequence[Point]) -> list[list[tuple[int, Point]]]:
    """Return the runs of days that have a value."""
    runs: list[list[tuple[int, Point]]] = [[]]
    for i, point in enumerate(points):
        if point.value is None:
            runs.append([])
        else:
            runs[-1].append((i, point))
    return [run for run in runs if run]


def place(i: int, n: int) -> float:
    """Return the middle of a day's place."""
    return LEFT + (RIGHT - LEFT) * (i + 0.5) / max(n, 1)


def _path(corners: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def coordinate(value: float) -> str:
    return f"{value:.1f}"


def joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
