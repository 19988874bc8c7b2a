"""Charts of monitors: a trend, and the business metric by week."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString

from lifecycle.judging.business import IN_ITS_OWN_UNIT, NAMES, in_words
from lifecycle.models import Reading
from lifecycle.services.monitors.registry import Monitor
from lifecycle.views.monitor_values import in_unit, unit_name
from predictions.declaration import Declaration
from reviewqueue.chart_scales import Point
from reviewqueue.charts import amount_chart, rate_chart
from ui import numbers
from ui.numbers import amount

AXES = {True: "day (UTC)", False: "time (UTC)"}


def trend(
    monitor: Monitor, readings: Sequence[Reading], declaration: Declaration
) -> SafeString | None:
    """Draw the newest readings, the oldest first; None with fewer than two values."""
    if sum(one.value is not None for one in readings) < 2:
        return None
    is_daily = monitor.every.days >= 1
    points = [
        Point(
            at=f"{one.at:%-d %b}" if is_daily else f"{one.at:%H:%M}",
            value=one.value,
            words=f"{one.at:%-d %b %H:%M}: "
            + (
                in_unit(monitor, one.value, declaration)
                if one.value is not None
                else ""
            ),
        )
        for one in readings
    ]
    what = unit_name(monitor, declaration)
    return amount_chart(
        points,
        title=monitor.title,
        unit=" · ".join([*([what] if what else []), AXES[is_daily]]),
        words=lambda value: in_unit(monitor, value, declaration),
        tick=amount if what else numbers.percent,
    )


def weeks_chart(
    what: str, weeks: Sequence[Mapping[str, Any]], currency: str
) -> SafeString | None:
    """Draw the metric by week, with its intervals."""
    first = next((i for i, one in enumerate(weeks) if one["value"] is not None), None)
    points = [
        Point(
            at=str(one["since"])[5:],
            value=one["value"],
            words=f"week from {one['since']}: "
            + (
                in_words(what, one["value"], currency)
                if one["value"] is not None
                else ""
            )
            + f" (n = {one['n']})",
            low=one["low"],
            high=one["high"],
        )
        for one in weeks[first:]
    ]
    if first is None:
        return None
    if what in IN_ITS_OWN_UNIT:
        return amount_chart(
            points,
            title=NAMES[what],
            unit=f"{currency} · week from" if what == "cost_per_item" else "week from",
            words=lambda value: in_words(what, value, currency),
            tick=amount,
        )
    return rate_chart(points, title=NAMES[what], unit="week from")
