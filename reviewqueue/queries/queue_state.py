"""Why there is nothing to claim: the sentence behind an empty queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Min, Q

from accounts.models import User
from predictions.models import Item, PendingScore, Workflow
from reviewqueue.enums import CaseStatus, Queue
from reviewqueue.models import Case

MAX_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class QueueState:
    """`reason` is one of: no-items, scoring, held, snoozed, not-for-you, done.

    Counts stop at 1,000.
    """

    reason: str
    n_held: int = 0
    n_snoozed: int = 0
    n_not_for_you: int = 0
    n_scoring: int = 0
    next_wake_at: datetime | None = None

    def header(self) -> str:
        """Write the state as an HTTP header's value."""
        return (
            f"{self.reason}; held={self.n_held}; snoozed={self.n_snoozed}; "
            f"not-for-you={self.n_not_for_you}; scoring={self.n_scoring}"
        )


def queue_state(
    *, workflow: Workflow, reviewer: User, queues: Sequence[Queue], now: datetime
) -> QueueState:
    """Say why the person finds nothing to claim in these queues."""
    cases = Case.objects.filter(workflow=workflow, queue__in=queues)
    held = cases.filter(status=CaseStatus.LEASED, lease_expires_at__gt=now)
    snoozed = cases.filter(status=CaseStatus.SNOOZED)
    waiting = cases.filter(status=CaseStatus.PENDING)
    barred = waiting.filter(
        Q(excluded_reviewer=reviewer)
        | Q(skips__reviewer=reviewer)
        | (Q(assigned_to__isnull=False) & ~Q(assigned_to=reviewer))
    )
    state = QueueState(
        reason="done",
        n_held=held[:MAX_COUNTED].count(),
        n_snoozed=snoozed[:MAX_COUNTED].count(),
        n_not_for_you=barred[:MAX_COUNTED].count(),
        n_scoring=PendingScore.objects.filter(workflow=workflow)[:MAX_COUNTED].count(),
        next_wake_at=snoozed.aggregate(at=Min("snoozed_until"))["at"],
    )
    return _with_reason(state, workflow)


def count_waiting(workflow: Workflow, queues: Sequence[Queue]) -> int:
    """Count what waits, up to 1,000."""
    waiting = Case.objects.filter(
        workflow=workflow, queue__in=queues, status=CaseStatus.PENDING
    )
    return waiting[:MAX_COUNTED].count()


def _with_reason(state: QueueState, workflow: Workflow) -> QueueState:
    order = (
        ("held", state.n_held),
        ("not-for-you", state.n_not_for_you),
        ("snoozed", state.n_snoozed),
        ("scoring", state.n_scoring),
    )
    reason = next((name for name, n in order if n), None)
    if reason is None:
        is_empty = not Item.objects.filter(workflow=workflow).exists()
        reason = "no-items" if is_empty else "done"
    return replace(state, reason=reason)
