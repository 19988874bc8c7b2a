"""Every monitor of a workflow as pages and programs meet it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lifecycle.enums import ReadingVerdict
from lifecycle.models import Alert, Reading
from lifecycle.queries.monitoring import newest_readings, open_alerts
from lifecycle.services.monitors.registry import MONITORS, Monitor
from predictions.models import Workflow


@dataclass(frozen=True, slots=True)
class Watched:
    """A monitor, what it found of late (the oldest first), and its open alert."""

    monitor: Monitor
    owner: str
    limit: str
    readings: Sequence[Reading]
    alert: Alert | None
    is_late: bool

    @property
    def last(self) -> Reading | None:
        return self.readings[-1] if self.readings else None

    @property
    def verdict(self) -> str:
        """What the newest reading found; silent where it is not there in time."""
        if self.last is None or self.is_late:
            return ReadingVerdict.SILENT
        return self.last.verdict


def overview_of(workflow: Workflow, *, now: datetime) -> list[Watched]:
    """Return every monitor with its newest readings, in the order of their kinds."""
    found = newest_readings(workflow, [one.key for one in MONITORS])
    alerts = open_alerts(workflow)
    return [
        watched_of(workflow, one, found.get(one.key, []), alerts.get(one.key), now=now)
        for one in MONITORS
    ]


def watched_of(
    workflow: Workflow,
    monitor: Monitor,
    readings: Sequence[Reading],
    alert: Alert | None,
    *,
    now: datetime,
) -> Watched:
    """Return one monitor; silent where its newest reading is older than it may be."""
    declaration = workflow.declaration
    is_late = not readings or now - readings[-1].at > monitor.late_after
    return Watched(
        monitor=monitor,
        owner=monitor.owner(declaration.owners),
        limit=monitor.limit(declaration),
        readings=readings,
        alert=alert,
        is_late=is_late,
    )
