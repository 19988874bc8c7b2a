"""The large numbers that the dashboard begins with."""

from dataclasses import dataclass
from datetime import datetime

from reviewqueue.queries.metrics import Gap
from reviewqueue.queries.operations import MAX_COUNTED, Backlog, Percentiles
from reviewqueue.queries.rates import Proportion
from reviewqueue.views.dashboard_confirmation import ConfirmationPart
from reviewqueue.views.dashboard_flow import FlowPart
from ui import numbers


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One of the large numbers at the top."""

    title: str
    value: str
    note: str
    url: str = ""
    unit: str = ""


def key_figures(
    confirmation: ConfirmationPart, flow: FlowPart, *, now: datetime
) -> list[KeyFigure]:
    """Return the figures that the page begins with."""
    total, figures = confirmation.total, flow.figures
    row = total.row
    return [
        _key_rate("Confirmed when shown", row.shown, total.shown_url),
        _key_rate("Overridden", row.overridden, total.overridden_url),
        _key_rate("Agreed when blind", row.blind, total.blind_url),
        _key_rate("Right on gold", row.gold, total.gold_url),
        _key_gap(confirmation.gap),
        _key_rate("Seen by people", figures.review_rate, flow.review_url),
        _key_rate("Decided in time", figures.sla_kept, flow.sla_url),
        _key_time(figures.seconds_per_decision),
        _key_backlog(figures.backlog, flow.waiting_url, now=now),
    ]


def _key_rate(title: str, rate: Proportion, url: str) -> KeyFigure:
    if rate.share is None or rate.low is None or rate.high is None:
        return KeyFigure(title, numbers.NOTHING, "no case yet", url)
    note = (
        f"n = {numbers.thousands(rate.n)}, "
        f"95 % interval {numbers.interval(rate.low, rate.high)}"
    )
    return KeyFigure(title, numbers.percent(rate.share), note, url)


def _key_gap(gap: Gap | None) -> KeyFigure:
    title = "Shown minus blind"
    if gap is None:
        return KeyFigure(title, numbers.NOTHING, "needs both shown and blind cases")
    note = f"95 % interval {numbers.points(gap.low)} to {numbers.points(gap.high)}"
    return KeyFigure(title, numbers.points(gap.difference), note, unit="points")


def _key_time(found: Percentiles) -> KeyFigure:
    title = "Time per decision"
    if found.p50 is None or found.p90 is None:
        return KeyFigure(title, numbers.NOTHING, "no decision yet")
    note = (
        f"median of the newest {numbers.thousands(found.n)}; "
        f"90 % under {numbers.duration(found.p90)}"
    )
    return KeyFigure(title, numbers.duration(found.p50), note)


def _key_backlog(found: Backlog, url: str, *, now: datetime) -> KeyFigure:
    more = "+" if found.n_waiting == MAX_COUNTED else ""
    note = "nothing waits"
    if found.oldest_at is not None:
        age = numbers.duration((now - found.oldest_at).total_seconds())
        note = f"oldest {age}, {numbers.thousands(found.n_overdue)} overdue"
    value = f"{numbers.thousands(found.n_waiting)}{more}"
    return KeyFigure("Waiting now", value, note, url)
