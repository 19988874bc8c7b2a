"""Why there is nothing to claim: the sentence behind an empty queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Exists, Min, OuterRef, Q

from accounts.models import User
from accounts.sites import ALL_SITES, Sites, within_sites
from predictions.models import Item, PendingScore, Workflow
from reviewqueue.enums import CaseKind, CaseStatus, Queue
from reviewqueue.models import Case, CaseSkip

MAX_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class QueueState:
    """`reason` is one of: no-items, scoring, held, snoozed, not-for-you, not-your-role,
    done.

    Counts stop at 1,000. What is not for this role waits in the other queues.
    """

    reason: str
    n_held: int = 0
    n_snoozed: int = 0
    n_not_for_you: int = 0
    n_not_your_role: int = 0
    n_scoring: int = 0
    next_wake_at: datetime | None = None

    def header(self) -> str:
        """Write the state as an HTTP header's value."""
        return (
            f"{self.reason}; held={self.n_held}; snoozed={self.n_snoozed}; "
            f"not-for-you={self.n_not_for_you}; "
            f"not-your-role={self.n_not_your_role}; scoring={self.n_scoring}"
        )


def queue_state(
    *,
    workflow: Workflow,
    reviewer: User,
    queues: Sequence[Queue],
    now: datetime,
    sites: Sites = ALL_SITES,
) -> QueueState:
    """Say why the person finds nothing to claim in these queues.

    `sites` are those that the person is limited to: nothing else is counted.
    """
    cases = within_sites(Case.objects.all(), sites).filter(
        ~Q(kind=CaseKind.GOLD) | Q(assigned_to=reviewer),
        workflow=workflow,
        queue__in=queues,
    )
    held = cases.filter(status=CaseStatus.LEASED, lease_expires_at__gt=now)
    snoozed = cases.filter(status=CaseStatus.SNOOZED)
    waiting = cases.filter(status=CaseStatus.PENDING)
    barred = waiting.filter(
        Q(excluded_reviewer=reviewer)
        | Exists(CaseSkip.objects.filter(case=OuterRef("pk"), reviewer=reviewer))
        | (Q(assigned_to__isnull=False) & ~Q(assigned_to=reviewer))
    )
    others = [queue for queue in Queue if queue not in queues]
    state = QueueState(
        reason="done",
        n_held=held[:MAX_COUNTED].count(),
        n_snoozed=snoozed[:MAX_COUNTED].count(),
        n_not_for_you=barred[:MAX_COUNTED].count(),
        n_not_your_role=count_waiting(workflow, others, sites),
        n_scoring=within_sites(
            PendingScore.objects.filter(workflow=workflow), sites, "item__site"
        )[:MAX_COUNTED].count(),
        next_wake_at=snoozed.aggregate(at=Min("snoozed_until"))["at"],
    )
    return _with_reason(state, workflow, sites)


def count_waiting(
    workflow: Workflow, queues: Sequence[Queue], sites: Sites = ALL_SITES
) -> int:
    """Count what waits at these sites, up to 1,000; gold is no work that waits."""
    waiting = (
        within_sites(Case.objects.all(), sites)
        .filter(workflow=workflow, queue__in=queues, status=CaseStatus.PENDING)
        .exclude(kind=CaseKind.GOLD)
    )
    return waiting[:MAX_COUNTED].count()


def _with_reason(state: QueueState, workflow: Workflow, sites: Sites) -> QueueState:
    order = (
        ("held", state.n_held),
        ("not-for-you", state.n_not_for_you),
        ("snoozed", state.n_snoozed),
        ("scoring", state.n_scoring),
        ("not-your-role", state.n_not_your_role),
    )
    reason = next((name for name, n in order if n), None)
    if reason is None:
        items = within_sites(Item.objects.filter(workflow=workflow), sites)
        is_empty = not items.exists()
        reason = "no-items" if is_empty else "done"
    return replace(state, reason=reason)
