"""The readings that an item was made of, as charts and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString

from predictions.declaration_series import Channel
from predictions.learning.series import Moment, marked
from predictions.models import Item, ItemWindow, Moments, Workflow
from predictions.services.moments import as_moments
from predictions.services.windows import Row, removed_at, window_rows
from reviewqueue.models import Route
from reviewqueue.series_charts import Line, Mark, series_chart
from ui import numbers

MAX_ROWS = 200  # of the table; the newest


@dataclass(frozen=True, slots=True)
class MarkedStretch:
    """A moment that moved the score, in words; `number` is its sign in the chart."""

    number: int
    words: str
    effect: float


@dataclass(frozen=True, slots=True)
class ChannelFigure:
    """One channel: its chart, and in words what stands beside it."""

    title: str
    limits: str
    chart: SafeString


@dataclass(frozen=True, slots=True)
class SeriesTable:
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    n_more: int


@dataclass(frozen=True, slots=True)
class SeriesFigure:
    """All that a page shows of the readings of one item."""

    starts_at: datetime
    ends_at: datetime
    n_readings: int
    channels: tuple[ChannelFigure, ...]
    moments: tuple[MarkedStretch, ...]
    table: SeriesTable
    removed_at: datetime | None = None  # then nothing is drawn

    @property
    def largest(self) -> float:
        """The largest effect of a moment: what bars are drawn against."""
        return max((abs(one.effect) for one in self.moments), default=1.0)


def series_figure(
    item: Item, workflow: Workflow, *, found: Sequence[Moment] = ()
) -> SeriesFigure | None:
    """Return what is shown of an item's readings; None where it was made of none.

    `found` are the moments that moved the score, as far as whoever looks may see them.
    """
    series = workflow.declaration.series
    if series is None:
        return None
    window = ItemWindow.objects.filter(item=item).first()
    if window is None:
        return None
    rows = window_rows(window)
    gone = removed_at(window) if len(rows) < window.n_readings else None
    if gone:
        rows = []  # a part of them would tell another story
    shown = list(enumerate(marked(found), start=1))
    return SeriesFigure(
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        n_readings=window.n_readings if gone else len(rows),
        channels=tuple(
            _channel_figure(channel, window, rows, shown)
            for channel in series.channels
            if any(values.get(channel.name) is not None for _, _, values in rows)
        ),
        moments=tuple(
            _worded(number, one, series.channels, window) for number, one in shown
        ),
        table=_table(series.channels, rows),
        removed_at=gone,
    )


def known_moments(route: Route | None) -> list[Moment]:
    """Return what was found when a person first opened the case; nothing is asked."""
    prediction = route.prediction_id if route else None
    if prediction is None:
        return []
    stored = Moments.objects.filter(prediction=prediction).first()
    return as_moments(stored.stretches) if stored else []


def _channel_figure(
    channel: Channel,
    window: ItemWindow,
    rows: Sequence[Row],
    shown: Sequence[tuple[int, Moment]],
) -> ChannelFigure:
    points = tuple(
        (
            (at - window.starts_at).total_seconds(),
            float(value),
            f"{_clock(at)}: {amount(value, channel)}",
        )
        for _, at, values in rows
        if (value := values.get(channel.name)) is not None
    )
    marks = tuple(
        Mark(one.stretch.start, one.stretch.end, number, is_for=one.effect > 0)
        for number, one in shown
        if one.stretch.channel == channel.name
    )
    length = (window.ends_at - window.starts_at).total_seconds()
    line = Line(points, marks, low=channel.low, high=channel.high, length=length)
    chart = series_chart(
        line,
        title=channel.label,
        words=lambda value: amount(value, channel),
        tick=lambda value: numbers.thousands(value, _digits(value, channel)),
        clock=lambda seconds: _clock(window.starts_at + timedelta(seconds=seconds)),
    )
    return ChannelFigure(channel.label, _limits(channel), chart)


def amount(value: float, channel: Channel) -> str:
    """Write a value of a channel with its unit."""
    written = numbers.thousands(value, channel.decimals)
    return f"{written} {channel.unit}".strip()


def _digits(value: float, channel: Channel) -> int:
    return 0 if float(value).is_integer() else max(channel.decimals, 1)


def _limits(channel: Channel) -> str:
    low, high = (
        "" if one is None else numbers.thousands(one, _digits(one, channel))
        for one in (channel.low, channel.high)
    )
    words = f"{low} to {high}" if low and high else f"from {low} on"
    words = words if low else f"up to {high}"
    return f"usually {words} {channel.unit}".strip() if low or high else ""


def _worded(
    number: int, one: Moment, channels: Sequence[Channel], window: ItemWindow
) -> MarkedStretch:
    titles = {channel.name: channel.label for channel in channels}
    start = window.starts_at + timedelta(seconds=one.stretch.start)
    end = window.starts_at + timedelta(seconds=one.stretch.end)
    title = titles.get(one.stretch.channel, one.stretch.channel)
    return MarkedStretch(
        number, f"{title}, {_clock(start)} to {_clock(end)}", one.effect
    )


def _table(channels: Sequence[Channel], rows: Sequence[Row]) -> SeriesTable:
    newest = rows[::-1][:MAX_ROWS]
    return SeriesTable(
        heads=tuple(_head(channel) for channel in channels),
        rows=tuple((_clock(at), _cells(values, channels)) for _, at, values in newest),
        n_more=len(rows) - len(newest),
    )


def _head(channel: Channel) -> str:
    return f"{channel.label} [{channel.unit}]" if channel.unit else channel.label


def _cells(values: Mapping[str, Any], channels: Sequence[Channel]) -> tuple[str, ...]:
    return tuple(
        "missing"
        if (value := values.get(channel.name)) is None
        else numbers.thousands(value, channel.decimals)
        for channel in channels
    )


def _clock(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
