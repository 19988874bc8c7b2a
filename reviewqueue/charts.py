"""Charts as SVG text. Colours are classes, so that they follow the theme under a strict
content security policy. Pure: no ORM, clock or settings.

Drawn here and not by a chart library: a page holds several and answers within 300 ms,
while Vega-Lite needs about 70 ms for each and 100 MB in every web process.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from reviewqueue.chart_marks import (
    area,
    bars_of,
    coordinate,
    dots,
    joined,
    line_of,
    place,
    uprights,
    whiskers,
)
from reviewqueue.chart_scales import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Point,
    Scale,
    amount_scale,
    count_scale,
    rate_scale,
)

MAX_TICKS: Final = 8


def rate_chart(
    points: Sequence[Point],
    *,
    title: str,
    unit: str,
    marks: Sequence[bool] = (),
    beside: Sequence[Point] = (),
    names: tuple[str, str] = ("", ""),
) -> SafeString:
    """Draw shares (0..1) over time: a line in the area of its intervals.

    The axis begins at the highest of 0, 50, 80 and 90 % that is below every interval.
    `marks` puts an upright line where something happened that the words tell of.
    `beside` is a second line, each of its points with its interval; `names` are theirs.
    """
    scale = rate_scale([points, beside])
    drawn = [uprights(marks), area(points, scale), line_of(points, scale, 1)]
    words = [f"{names[0]} {_extremes(points, words=_percent)}".strip()]
    if beside:
        drawn += [whiskers(beside, scale, 2), line_of(beside, scale, 2)]
        words.append(f"{names[1]} {_extremes(beside, words=_percent)}")
    return _chart(points, scale, drawn, words=f"{title}: {'; '.join(words)}", unit=unit)


def dot_chart(*series: Sequence[Point], title: str, unit: str) -> SafeString:
    """Draw shares (0..1) of values beside each other, with their intervals."""
    scale = rate_scale(series)
    middle = (len(series) - 1) / 2
    drawn = [
        dots(points, scale, number, shift=14 * (number - 1 - middle))
        for number, points in enumerate(series, start=1)
    ]
    return _chart(series[0], scale, drawn, words=title, unit=unit)


def count_chart(
    bars: Sequence[Point], line: Sequence[Point], *, title: str, unit: str
) -> SafeString:
    """Draw counts over time: bars, and a line to hold against them."""
    scale = count_scale([*bars, *line])
    drawn = bars_of(bars, scale), line_of(line, scale, 2)
    words = f"{title}: {_extremes(bars, words=_number)}"
    return _chart(bars, scale, drawn, words=words, unit=unit)


def amount_chart(
    points: Sequence[Point],
    *,
    title: str,
    unit: str,
    words: Callable[[float], str],
    tick: Callable[[float], str] | None = None,
) -> SafeString:
    """Draw amounts of any unit over time: a line, with their intervals.

    `words` writes an amount with its unit, `tick`, where they differ, as an axis does.
    """
    scale = amount_scale(points, tick or words)
    drawn = [area(points, scale), line_of(points, scale, 1)]
    said = f"{title}: {_extremes(points, words=words)}"
    return _chart(points, scale, drawn, words=said, unit=unit)


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
        joined(drawn),
    )


def _percent(value: float) -> str:
    return f"{value * 100:.0f} %"


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _extremes(points: Sequence[Point], *, words: Callable[[float], str]) -> str:
    """Say in words what the line does, for who cannot see it."""
    known = [(point.value, point.at) for point in points if point.value is not None]
    if not known:
        return "nothing yet"
    (first, start), (last, end) = known[0], known[-1]
    (low, low_at), (high, high_at) = min(known), max(known)
    return (
        f"{words(first)} on {start}, {words(last)} on {end}; "
        f"least {words(low)} on {low_at}, most {words(high)} on {high_at}"
    )


def _value_axis(scale: Scale, unit: str) -> SafeString:
    return format_html(
        '{}<text class="fill-quiet" x="{}" y="{}" font-size="13">{}</text>',
        joined(
            format_html(
                '<line class="line" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
                '<text class="fill-quiet" x="{3}" y="{4}" text-anchor="end" '
                'font-size="13">{5}</text>',
                LEFT,
                RIGHT,
                coordinate(scale.y(value)),
                LEFT - 7,
                coordinate(scale.y(value) + 4),
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
    return joined(
        format_html(
            '<line class="line" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
            '<text class="fill-quiet" x="{0}" y="{3}" text-anchor="{4}" '
            'font-size="13">{5}</text>',
            coordinate(place(i, n)),
            BOTTOM,
            BOTTOM + 4,
            BOTTOM + 18,
            "end" if i == n - 1 and n > MAX_TICKS else "middle",
            words[i],
        )
        for i in range((n - 1) % step, n, step)
    )
