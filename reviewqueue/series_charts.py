"""Charts of readings over the time of a window, as SVG text. Pure, as `charts`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from reviewqueue.chart_marks import NOTHING, coordinate, joined

# Small, for several stand beside each other, and on a phone one must be readable.
WIDTH: Final = 400
HEIGHT: Final = 164
LEFT, RIGHT, TOP, BOTTOM = 50, 394, 20, 134
N_TIMES: Final = 3
MAX_TICKS: Final = 4
MANY: Final = 60

type Words = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch that moved the score, in seconds; `is_for` where it spoke for it."""

    start: float
    end: float
    number: int
    is_for: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One channel: (seconds, value, words) ascending, its marks, its usual limits."""

    points: tuple[tuple[float, float, str], ...]
    marks: tuple[Mark, ...]
    low: float | None
    high: float | None
    length: float


@dataclass(frozen=True, slots=True)
class _Frame:
    length: float
    bottom: float
    top: float

    def x(self, seconds: float) -> float:
        return LEFT + (RIGHT - LEFT) * seconds / self.length

    def y(self, value: float) -> float:
        share = (value - self.bottom) / (self.top - self.bottom)
        return BOTTOM - (BOTTOM - TOP) * share


def series_chart(
    line: Line, *, title: str, words: Words, tick: Words, clock: Words
) -> SafeString:
    """Draw readings over time with limits, and the stretches that moved the score.

    The axis holds every reading, and a limit where it is near. `words` writes a value
    with its unit, `tick` as an axis does, `clock` a moment given in seconds.
    """
    frame = _frame(line)
    return format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        f"{title}: {_told(line, words, clock)}",
        _bands(line.marks, frame),
        _values(frame, tick),
        _times(frame, clock),
        joined(_limit(one, frame) for one in (line.low, line.high) if one is not None),
        _trace(line, frame),
    )


def _frame(line: Line) -> _Frame:
    values = [value for _, value, _ in line.points]
    low, high = min(values), max(values)
    reach = max(high - low, abs(high) * 0.01, 1e-9)
    near = [one for one in (line.low, line.high) if one is not None]
    near = [one for one in near if low - reach <= one <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    room = max((high - low) * 0.08, reach * 0.08)
    return _Frame(line.length, low - room, high + room)


def _told(line: Line, words: Words, clock: Words) -> str:
    values = [(value, seconds) for seconds, value, _ in line.points]
    (low, low_at), (high, high_at) = min(values), max(values)
    last, last_at = values[-1]
    said = (
        f"{len(values)} readings, the last {words(last)} at {clock(last_at)}; "
        f"least {words(low)} at {clock(low_at)}, most {words(high)} at {clock(high_at)}"
    )
    for mark in line.marks:
        side = "for" if mark.is_for else "against"
        span = f"{clock(mark.start)} to {clock(mark.end)}"
        said += f"; mark {mark.number}, {span}, spoke {side} the recommendation"
    return said


def _bands(marks: Sequence[Mark], frame: _Frame) -> SafeString:
    return joined(
        format_html(
            '<rect class="moment {}" x="{}" y="{}" width="{}" height="{}"/>'
            '<text class="moment-number" x="{}" y="{}" text-anchor="middle" '
            'font-size="13">{}{}</text>',
            "for" if mark.is_for else "against",
            coordinate(frame.x(mark.start)),
            TOP,
            coordinate(frame.x(mark.end) - frame.x(mark.start)),
            BOTTOM - TOP,
            coordinate((frame.x(mark.start) + frame.x(mark.end)) / 2),
            TOP - 6,
            mark.number,
            "+" if mark.is_for else "−",  # noqa: RUF001 -- a minus as wide as the plus
        )
        for mark in marks
    )


def _values(frame: _Frame, tick: Words) -> SafeString:
    return joined(
        format_html(
            '<line class="line" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
            '<text class="fill-quiet" x="{3}" y="{4}" text-anchor="end" '
            'font-size="13">{5}</text>',
            LEFT,
            RIGHT,
            coordinate(frame.y(value)),
            LEFT - 7,
            coordinate(frame.y(value) + 4),
            tick(value),
        )
        for value in _ticks(frame)
    )


def _ticks(frame: _Frame) -> list[float]:
    """Return round values within the frame, two to four of them."""
    least = (frame.top - frame.bottom) / MAX_TICKS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= least)
    first = math.ceil(frame.bottom / step)
    last = math.floor(frame.top / step)
    return [at * step for at in range(first, last + 1)]


def _times(frame: _Frame, clock: Words) -> SafeString:
    steps = [frame.length * i / (N_TIMES - 1) for i in range(N_TIMES)]
    anchors = ["start", *["middle"] * (N_TIMES - 2), "end"]
    return joined(
        format_html(
            '<text class="fill-quiet" x="{}" y="{}" text-anchor="{}" '
            'font-size="13">{}</text>',
            coordinate(frame.x(seconds)),
            BOTTOM + 20,
            anchor,
            clock(seconds),
        )
        for seconds, anchor in zip(steps, anchors, strict=True)
    )


def _limit(value: float, frame: _Frame) -> SafeString:
    if not frame.bottom <= value <= frame.top:
        return NOTHING
    return format_html(
        '<line class="limit" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>',
        LEFT,
        RIGHT,
        coordinate(frame.y(value)),
    )


def _trace(line: Line, frame: _Frame) -> SafeString:
    corners = " ".join(
        f"{frame.x(seconds):.1f},{frame.y(value):.1f}"
        for seconds, value, _ in line.points
    )
    radius = 3.5 if len(line.points) <= MANY else 2
    dots = joined(
        format_html(
            '<circle class="series-1 dot{}" cx="{}" cy="{}" r="{}">'
            "<title>{}</title></circle>",
            " beyond" if _is_beyond(value, line) else "",
            coordinate(frame.x(seconds)),
            coordinate(frame.y(value)),
            radius,
            words,
        )
        for seconds, value, words in line.points
    )
    trace = format_html('<polyline class="series-1 trace" points="{}"/>', corners)
    return trace + dots


def _is_beyond(value: float, line: Line) -> bool:
    too_low = line.low is not None and value < line.low
    return too_low or (line.high is not None and value > line.high)
