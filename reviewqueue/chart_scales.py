"""What a chart shows and where it lies: points, the frame, and scales of its values."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 240
LEFT, RIGHT, TOP, BOTTOM = 54, 634, 14, 196
RATE_FLOORS: Final = (0.0, 0.5, 0.8, 0.9)


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


def rate_scale(series: Iterable[Sequence[Point]]) -> Scale:
    lows = [
        point.value if point.low is None else point.low
        for points in series
        for point in points
        if point.value is not None
    ]
    floor = max((f for f in RATE_FLOORS if f <= min(lows, default=0)), default=0.0)
    steps = [floor + (1 - floor) * i / 4 for i in range(5)]
    return Scale(floor, 1.0, tuple((s, f"{s * 100:g} %") for s in steps))


def count_scale(points: Sequence[Point]) -> Scale:
    largest = max((point.value or 0 for point in points), default=0)
    step = nice_step(largest / 4)
    n = max(1, math.ceil(largest / step))
    return Scale(
        0, n * step, tuple((i * step, f"{i * step:,.0f}") for i in range(n + 1))
    )


def amount_scale(points: Sequence[Point], words: Callable[[float], str]) -> Scale:
    """Return an axis that holds 0 and every amount; ends far beyond them are cut."""
    values = [point.value for point in points if point.value is not None]
    reach = max((abs(value) for value in values), default=0.0) or 1.0
    highs = [point.high for point in points if point.high is not None]
    lows = [point.low for point in points if point.low is not None]
    top = max(0.0, *values, min(max(highs, default=0.0), 2 * reach))
    bottom = min(0.0, *values, max(min(lows, default=0.0), -2 * reach))
    step = _small_step(max((top - bottom) / 4, reach / 8))
    first, last = math.floor(bottom / step + 1e-9), math.ceil(top / step - 1e-9)
    ticks = tuple((i * step, words(i * step)) for i in range(first, last + 1))
    return Scale(first * step, max(last, first + 1) * step, ticks)


def _small_step(least: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5 times a power of ten ≥ `least` > 0."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= least)


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
