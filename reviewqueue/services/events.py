"""The audit trail: one row per transition, in the transaction that makes it."""

from collections.abc import Iterable
from datetime import datetime

import structlog

from accounts.models import User
from predictions.services.trail import tell
from reviewqueue.enums import CaseEventKind
from reviewqueue.models import Case, CaseEvent
from reviewqueue.queries.prepared import insert

log = structlog.get_logger(__name__)


def note_event(
    case: Case,
    kind: CaseEventKind,
    *,
    actor: User | None,
    from_status: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Append an event; the case carries its new status already."""
    insert(_event(case, kind, actor, from_status, now, reason))
    tell_of(case, kind)


def note_events(
    cases: Iterable[Case],
    kind: CaseEventKind,
    *,
    actor: User | None,
    from_status: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Append one event a case, all in one statement."""
    cases = list(cases)
    CaseEvent.objects.bulk_create(
        _event(case, kind, actor, from_status, now, reason) for case in cases
    )
    for case in cases:
        tell_of(case, kind)


def _event(
    case: Case,
    kind: CaseEventKind,
    actor: User | None,
    from_status: str,
    now: datetime,
    reason: str,
) -> CaseEvent:
    return CaseEvent(
        case=case,
        workflow_id=case.workflow_id,
        kind=kind,
        actor=actor,
        from_status=from_status,
        to_status=case.status,
        reason=reason,
        at=now,
    )


def tell_of(case: Case, kind: CaseEventKind) -> None:
    """Log an event that is noted, with the ids of its case and item."""
    tell(
        log,
        f"case_{kind.value}",
        case_id=str(case.pk),
        item_id=str(case.item_id),
        workflow_id=str(case.workflow_id),
        status=case.status,
    )
