"""What monitors found of late, and the alerts that came of it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Case, IntegerField, Prefetch, QuerySet, Value, When

from lifecycle.enums import OPEN_ALERTS, AlertStatus
from lifecycle.models import Alert, AlertEvent, AlertMail, Reading
from predictions.models import Workflow

N_SHOWN = 48  # readings of a trend


def newest_readings(
    workflow: Workflow, monitors: Sequence[str], *, most: int = N_SHOWN
) -> dict[str, list[Reading]]:
    """Return the newest readings of each monitor, the oldest of them first.

    Without their data: a trend needs none.
    """
    parts = [
        Reading.objects.filter(workflow=workflow, monitor=key)
        .defer("data")
        .order_by("-at")[:most]
        for key in monitors
    ]
    found: dict[str, list[Reading]] = defaultdict(list)
    for one in sorted(parts[0].union(*parts[1:], all=True), key=_moment):
        found[one.monitor].append(one)
    return found


def _moment(reading: Reading) -> datetime:
    return reading.at


def readings_of(workflow: Workflow, monitor: str) -> QuerySet[Reading]:
    """Return a monitor's readings, the newest first."""
    rows = Reading.objects.filter(workflow=workflow, monitor=monitor)
    return rows.order_by("-at", "-pk")


def alerts_of(workflow: Workflow) -> QuerySet[Alert]:
    """Return a workflow's alerts with their steps, and who took them."""
    steps = AlertEvent.objects.select_related("by").prefetch_related(
        Prefetch("mails", AlertMail.objects.select_related("to").order_by("pk"))
    )
    return Alert.objects.filter(workflow=workflow).prefetch_related(
        Prefetch("events", steps.order_by("pk"))
    )


def open_first(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    """Put raised alerts first, then those that somebody is at, then the others."""
    rank = Case(
        When(status=AlertStatus.RAISED, then=Value(0)),
        When(status=AlertStatus.ACKNOWLEDGED, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return alerts.order_by(rank, "-pk")


def open_alerts(workflow: Workflow) -> dict[str, Alert]:
    """Return the open alert of each monitor that has one."""
    rows = Alert.objects.filter(workflow=workflow, status__in=OPEN_ALERTS)
    return {one.monitor: one for one in rows}
