"""Open review cases in bulk: for what was routed, and for what is put back."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from accounts.ids import uuid7_batch
from accounts.models import User
from predictions.declaration import Declaration
from predictions.services.copying import store_rows
from predictions.services.trail import listed, tell
from reviewqueue.enums import CaseEventKind, CaseKind, CaseStatus, Queue
from reviewqueue.models import Case, CaseEvent
from reviewqueue.trust.sampling import expected_cost

log = structlog.get_logger(__name__)


class NewCase(NamedTuple):
    """A first case of a routed item; `reason` is what its event says."""

    item_id: UUID
    blind: bool
    priority: float
    due_at: datetime
    reason: str
    site_id: UUID | None


_CASE_COLUMNS = (
    "id",
    "workflow_id",
    "item_id",
    "route_id",
    "site_id",
    "kind",
    "queue",
    "status",
    "round",
    "blind",
    "priority",
    "due_at",
    "created_at",
)
_EVENT_COLUMNS = (
    "id",
    "case_id",
    "workflow_id",
    "kind",
    "actor_id",
    "from_status",
    "to_status",
    "reason",
    "at",
)


def open_cases(
    cases: Sequence[NewCase], *, workflow_id: UUID, by: User | None, now: datetime
) -> None:
    """Write each case, pending, and its event; in the caller's transaction."""
    if not cases:
        return
    now_ms = int(now.timestamp() * 1000)
    case_ids = uuid7_batch(len(cases), now_ms)
    fixed = (CaseKind.REVIEW.value, Queue.REVIEW.value, CaseStatus.PENDING.value, 1)
    store_rows(
        Case,
        _CASE_COLUMNS,
        (
            (
                case_id,
                workflow_id,
                one.item_id,
                one.item_id,
                one.site_id,
                *fixed,
                one.blind,
                one.priority,
                one.due_at,
                now,
            )
            for case_id, one in zip(case_ids, cases, strict=True)
        ),
    )
    event_ids = uuid7_batch(len(cases), now_ms)
    told = (
        CaseEventKind.OPENED.value,
        by.pk if by else None,
        "",
        CaseStatus.PENDING.value,
    )
    store_rows(
        CaseEvent,
        _EVENT_COLUMNS,
        (
            (event_id, case_id, workflow_id, *told, one.reason, now)
            for event_id, case_id, one in zip(event_ids, case_ids, cases, strict=True)
        ),
    )
    ids = listed("case", case_ids) | listed("item", [one.item_id for one in cases])
    tell(log, "cases_opened", workflow_id=str(workflow_id), **ids)


def case_priority(
    label: str, confidence: float | None, declaration: Declaration
) -> float:
    """Return the expected cost of a wrong call: what the queue is ordered by."""
    return expected_cost(
        confidence=confidence,
        error_cost=declaration.dearest_error(label),
        greatest=declaration.greatest_cost,
    )
