"""What monitors of the infrastructure read: times, failures, ages, cost."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from lifecycle.queries.windows import Window
from predictions.models import Item, PendingScore, Workflow
from reviewqueue.enums import CaseKind, CaseStatus
from reviewqueue.models import Case, Route
from reviewqueue.queries.lists import FAILURES

_LATENCY = """
SELECT count(*), percentile_cont(0.99) WITHIN GROUP (ORDER BY p.latency_ms)
FROM (SELECT prediction_id FROM reviewqueue_route
      WHERE workflow_id = %s AND routed_at >= %s AND routed_at < %s
        AND prediction_id IS NOT NULL
      ORDER BY routed_at DESC LIMIT 5000) r
JOIN predictions_prediction p ON p.id = r.prediction_id
"""


def scoring_p99(workflow: Workflow, window: Window) -> tuple[float | None, int]:
    """Return the 99th percentile of the newest scoring times in ms, and how many."""
    n, p99 = _row(_LATENCY, workflow, window)
    return p99, n


def failed_routes(workflow: Workflow, window: Window) -> tuple[int, int]:
    """Count items that went to people without a usable score, and all of them."""
    routes = Route.objects.filter(
        workflow=workflow, routed_at__gte=window.since, routed_at__lt=window.until
    )
    found = routes.aggregate(
        failed=Count("pk", filter=Q(reason__in=FAILURES)), all=Count("pk")
    )
    return found["failed"], found["all"]


def oldest_case_at(workflow: Workflow) -> datetime | None:
    """Return since when the oldest case waits; gold is no work that waits."""
    waiting = Case.objects.filter(workflow=workflow, status=CaseStatus.PENDING)
    ordinary = waiting.exclude(kind=CaseKind.GOLD).order_by("pk")
    return ordinary.values_list("created_at", flat=True).first()


def oldest_unscored_at(workflow: Workflow) -> datetime | None:
    """Return since when the oldest item waits for a score."""
    pending = PendingScore.objects.filter(workflow=workflow).order_by("item_id")
    return pending.values_list("filed_at", flat=True).first()


def last_item_at(workflow: Workflow) -> datetime | None:
    """Return when the newest item arrived."""
    items = Item.objects.filter(workflow=workflow).order_by("-pk")
    return items.values_list("received_at", flat=True).first()


_REVIEWS = """
SELECT count(*), coalesce(sum(extract(epoch FROM decided_at - opened_at)), 0)::float8
FROM reviewqueue_decision
WHERE workflow_id = %s AND decided_at >= %s AND decided_at < %s
  AND case_kind <> 'gold' AND supersedes_id IS NULL
"""


def review_seconds(workflow: Workflow, window: Window) -> tuple[int, float]:
    """Count decisions of a window, and add up how long people looked, in seconds."""
    n, seconds = _row(_REVIEWS, workflow, window)
    return n, seconds


def _row(statement: str, workflow: Workflow, window: Window) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [workflow.pk, window.since, window.until])
        row: tuple[Any, ...] = cursor.fetchone()
    return row
