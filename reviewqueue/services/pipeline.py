"""Take items that wait, score and route them: all or nothing, exactly once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction

from predictions.models import PendingScore, Workflow
from predictions.services.scoring import ItemToScore, score_items
from reviewqueue.services.policies import first_policy
from reviewqueue.services.routing import Routed, route_items

# Locks the queue rows alone; another worker skips them and takes the next ones.
_TAKE = """
SELECT p.item_id, i.features, i.received_at
FROM predictions_pendingscore p JOIN predictions_item i ON i.id = p.item_id
WHERE p.workflow_id = %s {only}
ORDER BY p.item_id
LIMIT %s
FOR UPDATE OF p SKIP LOCKED
"""


def process_batch(
    *,
    workflow: Workflow,
    limit: int,
    now: datetime,
    only: Sequence[UUID] | None = None,
) -> list[Routed]:
    """Score and route up to `limit` waiting items of a workflow, the oldest first.

    Locks their `PendingScore` rows (skipping locked ones), writes predictions,
    routes, cases and events, deletes the `PendingScore` rows: one transaction. A
    crash leaves the items waiting. A workflow without a policy starts with the one
    that it declares: its items must not wait for one. `only` restricts it to these
    items.
    """
    with transaction.atomic():
        taken = _take(workflow=workflow, limit=limit, only=only)
        if not taken:
            return []
        items = [ItemToScore(row[0], orjson.loads(row[1])) for row in taken]
        scored = score_items(workflow=workflow, items=items, now=now)
        routed = route_items(
            workflow=workflow,
            policy=first_policy(workflow=workflow, by=None, now=now),
            scored=scored,
            received_at={row[0]: row[2] for row in taken},
            now=now,
        )
        PendingScore.objects.filter(item_id__in=[row[0] for row in taken]).delete()
    return routed


def _take(
    *, workflow: Workflow, limit: int, only: Sequence[UUID] | None
) -> list[tuple[UUID, str, datetime]]:
    statement = _TAKE.format(only="" if only is None else "AND p.item_id = ANY(%s)")
    parameters: list[Any] = [workflow.pk]
    if only is not None:
        parameters.append(list(only))
    parameters.append(limit)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[UUID, str, datetime]] = cursor.fetchall()
    return rows
