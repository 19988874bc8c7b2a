"""Charts as SVG text. Colours are classes, so that they follow the theme under a strict
content security policy. Pure: no ORM, clock or settings.

Drawn here and not by a chart library: a page holds several and answers within 300 ms,
while Vega-Lite needs about 70 ms for each and 100 MB in every web process.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH: Final = 640
HEIGHT: Final = 240
LEFT, RIGHT, TOP, BOTTOM = 54, 634, 14, 196
MAX_TICKS: Final = 8
MANY: Final = 31
RATE_FLOORS: Final = (0.0, 0.5, 0.8, 0.9)
NOTHING: Final = SafeString("")


@dataclass(frozen=True, slots=True)
class Point:
    """A value (None: nothing to show) at a place of the axis, with its interval, where
    it leads, and the words that a pointer over it shows."""

    at: str
    value: float | None
    words: str
    href: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values of an axis lie, and its ticks with their words."""

    bottom: float
    top: float
    ticks: tuple[tuple[float, str], ...]

    def y(self, value: float) -> float:
        share = (value - self.bottom) / (self.top - self.bottom)
        return BOTTOM - (BOTTOM - TOP) * min(1.0, max(0.0, share))


def rate_chart(points: Sequence[Point], *, title: str, unit: str) -> SafeString:
    """Draw shares (0..1) over time: a line in the area of its intervals.

    The axis begins at the highest of 0, 50, 80 and 90 % that is below every interval.
    """
    scale = _rate_scale([points])
    drawn = _area(points, scale), _line(points, scale, 1)
    words = f"{title}: {_extremes(points, percent=True)}"
    return _chart(points, scale, drawn, words=words, unit=unit)


def dot_chart(*series: Sequence[Point], title: str, unit: str) -> SafeString:
    """Draw shares (0..1) of values beside each other, with their intervals."""
    scale = _rate_scale(series)
    middle = (len(series) - 1) / 2
    drawn = [
        _dots(points, scale, number, shift=14 * (number - 1 - middle))
        for number, points in enumerate(series, start=1)
    ]
    return _chart(series[0], scale, drawn, words=title, unit=unit)


def count_chart(
    bars: Sequence[Point], line: Sequence[Point], *, title: str, unit: str
) -> SafeString:
    """Draw counts over time: bars, and a line to hold against them."""
    scale = _count_scale([*bars, *line])
    drawn = _bars(bars, scale), _line(line, scale, 2)
    words = f"{title}: {_extremes(bars, percent=False)}"
    return _chart(bars, scale, drawn, words=words, unit=unit)


def _chart(
    points: Sequence[Point],
    scale: Scale,
    drawn: Iterable[SafeString],
    *,
    words: str,
    unit: str,
) -> SafeString:
    return format_html(
        '<svg viewBox="0 0 {} {}" role="group" aria-label="{}">{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        words,
        _value_axis(scale, unit),
        _place_axis([point.at for point in points]),
        _join(drawn),
    )


def _extremes(points: Sequence[Point], *, percent: bool) -> str:
    """Say in words what the line does, for who cannot see it."""
    known = [(point.value, point.at) for point in points if point.value is not None]
    if not known:
        return "nothing yet"

    def words(value: float) -> str:
        return f"{value * 100:.0f} %" if percent else f"{value:,.0f}"

    (first, start), (last, end) = known[0], known[-1]
    (low, low_at), (high, high_at) = min(known), max(known)
    return (
        f"{words(first)} on {start}, {words(last)} on {end}; "
        f"least {words(low)} on {low_at}, most {words(high)} on {high_at}"
    )


def _value_axis(scale: Scale, unit: str) -> SafeString:
    return format_html(
        '{}<text class="fill-quiet" x="{}" y="{}" font-size="13">{}</text>',
        _join(
            format_html(
                '<line class="line" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
                '<text class="fill-quiet" x="{3}" y="{4}" text-anchor="end" '
                'font-size="13">{5}</text>',
                LEFT,
                RIGHT,
                _n(scale.y(value)),
                LEFT - 7,
                _n(scale.y(value) + 4),
                words,
            )
            for value, words in scale.ticks
        ),
        2,
        HEIGHT - 4,
        unit,
    )


def _place_axis(words: Sequence[str]) -> SafeString:
    n = len(words)
    step = max(1, math.ceil(n / MAX_TICKS))
    return _join(
        format_html(
            '<line class="line" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
            '<text class="fill-quiet" x="{0}" y="{3}" text-anchor="{4}" '
            'font-size="13">{5}</text>',
            _n(_x(i, n)),
            BOTTOM,
            BOTTOM + 4,
            BOTTOM + 18,
            "end" if i == n - 1 and n > MAX_TICKS else "middle",
            words[i],
        )
        for i in range((n - 1) % step, n, step)
    )


def _area(points: Sequence[Point], scale: Scale) -> SafeString:
    """Draw the intervals of neighbours as one area for each stretch."""
    return _join(
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
    return _path((_x(i, n), scale.y(value)) for i, value in [*upper, *lower])


def _line(points: Sequence[Point], scale: Scale, number: int) -> SafeString:
    n = len(points)
    lines = _join(
        format_html(
            '<polyline class="series-{} trace" points="{}"/>',
            number,
            _path((_x(i, n), scale.y(point.value or 0)) for i, point in stretch),
        )
        for stretch in _stretches(points)
        if len(stretch) > 1
    )
    radius = 4 if n <= MANY else 2.5
    marks = _join(
        _mark(point, _dot(_x(i, n), scale.y(point.value), radius, number))
        for i, point in enumerate(points)
        if point.value is not None
    )
    return lines + marks


def _dots(
    points: Sequence[Point], scale: Scale, number: int, *, shift: float
) -> SafeString:
    return _join(
        _mark(
            point,
            _whisker(point, x := _x(i, len(points)) + shift, scale, number)
            + _dot(x, scale.y(point.value), 4.5, number),
        )
        for i, point in enumerate(points)
        if point.value is not None
    )


def _dot(x: float, y: float, radius: float, number: int) -> SafeString:
    return format_html(
        '<circle class="series-{} dot" cx="{}" cy="{}" r="{}"/>',
        number,
        _n(x),
        _n(y),
        radius,
    )


def _whisker(point: Point, x: float, scale: Scale, number: int) -> SafeString:
    if point.low is None or point.high is None:
        return NOTHING
    return format_html(
        '<line class="series-{0} whisker" x1="{1}" x2="{1}" y1="{2}" y2="{3}"/>',
        number,
        _n(x),
        _n(scale.y(point.low)),
        _n(scale.y(point.high)),
    )


def _bars(points: Sequence[Point], scale: Scale) -> SafeString:
    n = len(points)
    width = max(1.5, 0.7 * (RIGHT - LEFT) / max(n, 1))
    return _join(
        _mark(
            point,
            format_html(
                '<rect class="series-1 bar-mark" x="{}" y="{}" width="{}" height="{}" '
                'rx="1.5"/>',
                _n(_x(i, n) - width / 2),
                _n(scale.y(point.value)),
                _n(width),
                _n(BOTTOM - scale.y(point.value)),
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


def _rate_scale(series: Iterable[Sequence[Point]]) -> Scale:
    lows = [
        point.value if point.low is None else point.low
        for points in series
        for point in points
        if point.value is not None
    ]
    floor = max((f for f in RATE_FLOORS if f <= min(lows, default=0)), default=0.0)
    steps = [floor + (1 - floor) * i / 4 for i in range(5)]
    return Scale(floor, 1.0, tuple((s, f"{s * 100:g} %") for s in steps))


def _count_scale(points: Sequence[Point]) -> Scale:
    largest = max((point.value or 0 for point in points), default=0)
    step = nice_step(largest / 4)
    n = max(1, math.ceil(largest / step))
    return Scale(
        0, n * step, tuple((i * step, f"{i * step:,.0f}") for i in range(n + 1))
    )


def nice_step(least: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5 times a power of ten ≥ `least`, ≥ 1."""
    if least <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(
        size * power
        for size in (1, 2, 2.5, 5, 10)
        if size * power >= least and (size * power).is_integer()
    )


def _x(i: int, n: int) -> float:
    """Return the middle of a day's place."""
    return LEFT + (RIGHT - LEFT) * (i + 0.5) / max(n, 1)


def _path(corners: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def _n(value: float) -> str:
    return f"{value:.1f}"


def _join(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
