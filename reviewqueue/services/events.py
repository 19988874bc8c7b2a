"""The audit trail: one row per transition, in the transaction that makes it."""

from datetime import datetime

from accounts.models import User
from reviewqueue.enums import CaseEventKind
from reviewqueue.models import Case, CaseEvent


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
    CaseEvent.objects.create(
        case=case,
        workflow_id=case.workflow_id,
        kind=kind,
        actor=actor,
        from_status=from_status,
        to_status=case.status,
        reason=reason,
        at=now,
    )
