"""Take items that wait, score and route them: all or nothing, exactly once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction

from predictions.models import Workflow
from predictions.services.measuring import MEASURED_BATCH, measured_items
from predictions.services.scoring import ItemToScore, score_items
from reviewqueue.enums import PolicyMode
from reviewqueue.services.challengers import recommended
from reviewqueue.services.policies import first_policy
from reviewqueue.services.routing import Routed, route_items
from reviewqueue.services.segments import Placed, find_segments

type _TakenRow = tuple[UUID, str, datetime, UUID | None]

# Locks the queue rows alone; another worker skips them and takes the next ones. Join
# and array are there for the plan: whatever the statistics say of a queue that fills
# and empties, all that waits must neither be sorted nor read.
_TAKE = """
WITH taken AS MATERIALIZED (
    SELECT p.item_id, i.features, i.received_at, i.site_id
    FROM predictions_pendingscore p JOIN predictions_item i ON i.id = p.item_id
    WHERE p.workflow_id = %s {only}
    ORDER BY p.item_id
    LIMIT %s
    FOR UPDATE OF p SKIP LOCKED
), gone AS (
    DELETE FROM predictions_pendingscore
    WHERE item_id = ANY (ARRAY (SELECT item_id FROM taken))
)
SELECT item_id, features, received_at, site_id FROM taken ORDER BY item_id
"""


@transaction.atomic
def process_batch(
    *,
    workflow: Workflow,
    limit: int,
    now: datetime,
    only: Sequence[UUID] | None = None,
) -> list[Routed]:
    """Score and route up to `limit` waiting items of a workflow, the oldest first.

    Takes their `PendingScore` rows (skipping locked ones), writes predictions,
    routes, cases and events: one transaction. A crash leaves the items waiting. A
    workflow without a policy starts with the one that it declares: its items must not
    wait for one. `only` restricts it to these items. Items whose media are measured
    are taken a few at a time: the transaction holds them meanwhile.
    """
    if workflow.declaration.measured:
        limit = min(limit, MEASURED_BATCH)
    return process_here(workflow=workflow, limit=limit, now=now, only=only)


def process_here(
    *, workflow: Workflow, limit: int, now: datetime, only: Sequence[UUID] | None
) -> list[Routed]:
    """Do what `process_batch` does in the caller's transaction, without a savepoint."""
    taken = _take(workflow=workflow, limit=limit, only=only)
    if not taken:
        return []
    sent = [ItemToScore(row[0], orjson.loads(row[1])) for row in taken]
    items = measured_items(workflow=workflow, items=sent, now=now)
    said = score_items(workflow=workflow, items=items, now=now)
    policy = first_policy(workflow=workflow, by=None, now=now)
    scored = recommended(said, seed=policy.seed)
    site_ids = {row[0]: row[3] for row in taken}
    segments: dict[UUID, Placed] = {}
    if policy.mode == PolicyMode.EARNED:
        segments = find_segments(
            workflow=workflow,
            scored=scored,
            features={one.id: one.features for one in items},
            site_ids=site_ids,
            now=now,
        )
    return route_items(
        workflow=workflow,
        policy=policy,
        scored=scored,
        received_at={row[0]: row[2] for row in taken},
        segments=segments,
        site_ids=site_ids,
        now=now,
    )


def _take(
    *, workflow: Workflow, limit: int, only: Sequence[UUID] | None
) -> list[_TakenRow]:
    statement = _TAKE.format(only="" if only is None else "AND p.item_id = ANY(%s)")
    parameters: list[Any] = [workflow.pk]
    if only is not None:
        parameters.append(list(only))
    parameters.append(limit)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[_TakenRow] = cursor.fetchall()
    return rows
