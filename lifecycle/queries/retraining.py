"""What has happened since a workflow last learnt."""

from datetime import datetime

from lifecycle.enums import OPEN_ALERTS, MonitorKind
from lifecycle.models import Alert
from predictions.models import Workflow
from reviewqueue.queries.snapshot_rows import LabelCount, SnapshotFilters, count_rows

DRIFT_MONITORS = ("drift_scores", "drift_features")


def open_drift_alert(workflow: Workflow, *, since: datetime) -> Alert | None:
    """Return the oldest open alert of drift that was raised after a moment."""
    rows = Alert.objects.filter(
        workflow=workflow,
        kind=MonitorKind.MODEL,
        monitor__in=DRIFT_MONITORS,
        status__in=OPEN_ALERTS,
        raised_at__gt=since,
    )
    return rows.order_by("raised_at", "pk").first()


def labels_by(
    workflow: Workflow, *, now: datetime, since: datetime | None = None
) -> list[LabelCount]:
    """Count the labels in force now; with `since` those that came after it."""
    filters = SnapshotFilters(labelled_from=since)
    return count_rows(workflow.pk, filters, as_of=now)
