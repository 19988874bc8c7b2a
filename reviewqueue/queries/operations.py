"""How the work flows: backlog, speed, scoring, quarantine, review rate, late truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import QuerySet

from predictions.enums import ModelEventKind, QuarantineStatus
from predictions.learning.evaluation import wilson_interval
from predictions.models import (
    ModelEvent,
    PendingScore,
    QuarantinedItem,
    Workflow,
)
from reviewqueue.enums import CLAIMABLE_STATUSES, CaseStatus
from reviewqueue.models import Case

MAX_COUNTED = 100_000  # counts stop here: the page stays fast with any backlog
N_NEWEST = 5_000  # percentiles are over the newest so many


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Over the newest rows of the window; None without any."""

    n: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Proportion:
    k: int
    n: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Open cases now; counts stop at 100,000."""

    n_waiting: int
    n_held: int
    n_snoozed: int
    n_overdue: int
    oldest_at: datetime | None
    n_unscored: int
    oldest_unscored_at: datetime | None
    n_quarantined: int


@dataclass(frozen=True, slots=True)
class Day:
    """Routes and decisions of one day (UTC)."""

    day: date
    n_routed: int
    n_to_people: int
    n_audit: int
    n_decided: int


@dataclass(frozen=True, slots=True)
class LateTruth:
    """The recommendation against outcomes that came in the window."""

    false_positive_rate: Proportion
    recall: Proportion
    accuracy: Proportion


@dataclass(frozen=True, slots=True)
class Operations:
    backlog: Backlog
    sla_kept: Proportion
    seconds_per_decision: Percentiles
    seconds_to_route: Percentiles
    scoring_ms: Percentiles
    n_failed_items: int
    n_failed_batches: int
    n_undone: int
    quarantine: Proportion
    review_rate: Proportion
    days: list[Day]
    late_truth: LateTruth


def operations_of(
    workflow: Workflow, *, since: datetime, until: datetime, now: datetime
) -> Operations:
    """Return how the work flowed over [since, until), and what waits now."""
    window = {"workflow": workflow.pk, "since": since, "until": until}
    days = _days(window)
    n_routed = sum(day.n_routed for day in days)
    n_failed, n_batches = _failures(workflow, since=since, until=until)
    n_refused = _capped(
        QuarantinedItem.objects.filter(
            workflow=workflow, received_at__gte=since, received_at__lt=until
        )
    )
    n_kept, n_closed = _one(_SLA, window)
    return Operations(
        backlog=backlog_of(workflow, now=now),
        sla_kept=proportion(n_kept, n_closed),
        seconds_per_decision=_percentiles(_DECISION_SECONDS, window),
        seconds_to_route=_percentiles(_ROUTE_SECONDS, window),
        scoring_ms=_percentiles(_SCORING_MS, window),
        n_failed_items=n_failed,
        n_failed_batches=n_batches,
        n_undone=_one(_UNDONE, window)[0],
        quarantine=proportion(n_refused, n_refused + n_routed),
        review_rate=proportion(sum(day.n_to_people for day in days), n_routed),
        days=days,
        late_truth=_late_truth(workflow, window),
    )


def backlog_of(workflow: Workflow, *, now: datetime) -> Backlog:
    """Return what waits now."""
    cases = Case.objects.filter(workflow=workflow)
    waiting = cases.filter(status=CaseStatus.PENDING)
    oldest = waiting.order_by("pk").values_list("created_at", flat=True).first()
    pending = PendingScore.objects.filter(workflow=workflow)
    unscored = pending.order_by("item_id").values_list("filed_at", flat=True).first()
    return Backlog(
        n_waiting=_capped(waiting),
        n_held=_capped(cases.filter(status=CaseStatus.LEASED)),
        n_snoozed=_capped(cases.filter(status=CaseStatus.SNOOZED)),
        n_overdue=_capped(cases.filter(status__in=CLAIMABLE_STATUSES, due_at__lt=now)),
        oldest_at=oldest,
        n_unscored=_capped(pending),
        oldest_unscored_at=unscored,
        n_quarantined=_capped(
            QuarantinedItem.objects.filter(
                workflow=workflow, status=QuarantineStatus.OPEN
            )
        ),
    )


def proportion(k: int, n: int) -> Proportion:
    """Return k of n with its 95 % Wilson interval."""
    if not n:
        return Proportion(0, 0, None, None, None)
    interval = wilson_interval(k, n)
    return Proportion(k, n, k / n, interval.low, interval.high)


_DAYS = """
SELECT day, sum(routed)::int, sum(people)::int, sum(audit)::int, sum(decided)::int
FROM (
    SELECT (routed_at AT TIME ZONE 'UTC')::date AS day, count(*) AS routed,
           count(*) FILTER (WHERE kind = 'review') AS people,
           count(*) FILTER (WHERE kind = 'review' AND reason = 'audit') AS audit,
           0 AS decided
    FROM reviewqueue_route
    WHERE workflow_id = %(workflow)s
      AND routed_at >= %(since)s AND routed_at < %(until)s
    GROUP BY 1
    UNION ALL
    SELECT (decided_at AT TIME ZONE 'UTC')::date, 0, 0, 0, count(*)
    FROM reviewqueue_decision
    WHERE workflow_id = %(workflow)s
      AND decided_at >= %(since)s AND decided_at < %(until)s
    GROUP BY 1
) both_sides
GROUP BY day ORDER BY day
"""
_SLA = """
SELECT count(*) FILTER (WHERE closed_at <= due_at), count(*)
FROM reviewqueue_case
WHERE workflow_id = %(workflow)s
  AND closed_at >= %(since)s AND closed_at < %(until)s
"""
_UNDONE = """
SELECT count(*) FROM reviewqueue_retraction r
JOIN reviewqueue_decision d ON d.id = r.decision_id
WHERE d.workflow_id = %(workflow)s AND r.kind = 'undo'
  AND r.at >= %(since)s AND r.at < %(until)s
"""
_DECISION_SECONDS = f"""
SELECT extract(epoch FROM decided_at - opened_at)::float8 FROM reviewqueue_decision
WHERE workflow_id = %(workflow)s
  AND decided_at >= %(since)s AND decided_at < %(until)s
ORDER BY decided_at DESC, id DESC LIMIT {N_NEWEST}
"""  # noqa: S608 -- a constant
_ROUTE_SECONDS = f"""
SELECT extract(epoch FROM r.routed_at - i.received_at)::float8
FROM (SELECT item_id, routed_at FROM reviewqueue_route
      WHERE workflow_id = %(workflow)s
        AND routed_at >= %(since)s AND routed_at < %(until)s
      ORDER BY routed_at DESC LIMIT {N_NEWEST}) r
JOIN predictions_item i ON i.id = r.item_id
"""  # noqa: S608 -- a constant
_SCORING_MS = f"""
SELECT p.latency_ms
FROM (SELECT prediction_id FROM reviewqueue_route
      WHERE workflow_id = %(workflow)s
        AND routed_at >= %(since)s AND routed_at < %(until)s
      ORDER BY routed_at DESC LIMIT {N_NEWEST}) r
JOIN predictions_prediction p ON p.id = r.prediction_id
"""  # noqa: S608 -- a constant
_LATE_TRUTH = """
SELECT r.label = ANY(%(positive)s), o.label = ANY(%(positive)s), r.label = o.label,
       count(*)
FROM (SELECT DISTINCT ON (item_id) item_id, label FROM reviewqueue_outcome
      WHERE workflow_id = %(workflow)s
        AND received_at >= %(since)s AND received_at < %(until)s
      ORDER BY item_id, received_at DESC, id DESC) o
JOIN reviewqueue_route r ON r.item_id = o.item_id
WHERE r.prediction_id IS NOT NULL
GROUP BY 1, 2, 3
"""


def _days(window: dict[str, Any]) -> list[Day]:
    return [Day(*row) for row in _rows(_DAYS, window)]


def _late_truth(workflow: Workflow, window: dict[str, Any]) -> LateTruth:
    positive = list(workflow.declaration.positive_labels)
    cells = _rows(_LATE_TRUTH, window | {"positive": positive})
    negatives = sum(n for _, truth, _, n in cells if not truth)
    positives = sum(n for _, truth, _, n in cells if truth)
    false_alarms = sum(n for said, truth, _, n in cells if said and not truth)
    found = sum(n for said, truth, _, n in cells if said and truth)
    right = sum(n for _, _, same, n in cells if same)
    return LateTruth(
        false_positive_rate=proportion(false_alarms, negatives),
        recall=proportion(found, positives),
        accuracy=proportion(right, negatives + positives),
    )


def _failures(
    workflow: Workflow, *, since: datetime, until: datetime
) -> tuple[int, int]:
    sizes = ModelEvent.objects.filter(
        model_version__workflow=workflow,
        kind=ModelEventKind.FAILED,
        at__gte=since,
        at__lt=until,
    ).values_list("n_items", flat=True)
    found = list(sizes)
    return sum(found), len(found)


def _percentiles(statement: str, window: dict[str, Any]) -> Percentiles:
    values = [row[0] for row in _rows(statement, window) if row[0] is not None]
    if not values:
        return Percentiles(0, None, None)
    p50, p95 = np.percentile(values, [50, 95])
    return Percentiles(len(values), float(p50), float(p95))


def _capped(rows: QuerySet[Any]) -> int:
    return rows.order_by()[:MAX_COUNTED].count()


def _one(statement: str, parameters: dict[str, Any]) -> Sequence[int]:
    found: Sequence[int] = _rows(statement, parameters)[0]
    return found


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
