"""Claim the next case under a lease, and everything that a holder can do but decide."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import OPEN_STATUSES, CaseEventKind, CaseStatus, Queue
from reviewqueue.models import Case, CaseSkip
from reviewqueue.services.events import note_event, note_events
from reviewqueue.services.leases import NO_LEASE, lock_held_case, update_case

N_TRIES = 5
LEASE_SLOT_CONSTRAINT = "reviewqueue_case_lease_slot_unique"


class TooManyLeases(Exception):
    """The person holds as many cases as the workflow allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You hold {limit} cases: decide or release one first.")
        self.limit = limit


class AssignmentRefused(Exception):
    """The case cannot be reserved for this person; the message says why."""


# One row, the first of the total order that this person may have. Expired leases
# count as waiting, so no sweep is needed. `{mine}` is the assignment condition.
_CLAIM = """
WITH next AS MATERIALIZED (
    SELECT c.id, c.status FROM reviewqueue_case c
    WHERE c.workflow_id = %(workflow)s AND c.queue = %(queue)s
      AND c.status IN ('pending', 'leased')
      AND (c.status = 'pending' OR c.lease_expires_at <= %(now)s)
      AND {mine}
      AND c.excluded_reviewer_id IS DISTINCT FROM %(reviewer)s
      AND NOT EXISTS (SELECT 1 FROM reviewqueue_caseskip s
                      WHERE s.case_id = c.id AND s.reviewer_id = %(reviewer)s)
    ORDER BY c.priority DESC, c.due_at, c.id
    LIMIT 1
    FOR UPDATE OF c SKIP LOCKED
)
UPDATE reviewqueue_case c
SET status = 'leased', leased_by_id = %(reviewer)s, lease_token = %(token)s,
    lease_slot = %(slot)s, leased_at = %(now)s, lease_expires_at = %(expires)s,
    opened_at = NULL
FROM next WHERE c.id = next.id
RETURNING c.id, next.status
"""
_CLAIM_ASSIGNED = _CLAIM.format(mine="c.assigned_to_id = %(reviewer)s")
_CLAIM_OPEN = _CLAIM.format(mine="c.assigned_to_id IS NULL")

_WAKE = """
UPDATE reviewqueue_case SET status = 'pending', snoozed_until = NULL
WHERE id IN (SELECT id FROM reviewqueue_case
             WHERE workflow_id = %(workflow)s AND status = 'snoozed'
               AND snoozed_until <= %(now)s
             ORDER BY snoozed_until LIMIT 100 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def claim_next_case(
    *, workflow: Workflow, reviewer: User, queues: Sequence[Queue], now: datetime
) -> Case | None:
    """Lease the next case that the person may review, or None when there is none.

    `queues` are tried in order. Wakes what was snoozed until now. Locks the one case
    (others are skipped, never waited for), writes lease and event. A person holds at
    most `max_leases` cases of a workflow.
    Raises: TooManyLeases.
    """
    for _ in range(N_TRIES):
        try:
            with transaction.atomic():
                return _claim(
                    workflow=workflow, reviewer=reviewer, queues=queues, now=now
                )
        except IntegrityError as error:
            # The same person claimed in another tab and took the slot.
            if LEASE_SLOT_CONSTRAINT not in str(error):
                raise
    raise TooManyLeases(workflow.declaration.queue.max_leases)


def _claim(
    *, workflow: Workflow, reviewer: User, queues: Sequence[Queue], now: datetime
) -> Case | None:
    rules = workflow.declaration.queue
    slot = free_slot(
        workflow=workflow, reviewer=reviewer, limit=rules.max_leases, now=now
    )
    wake_snoozed(workflow=workflow, now=now)
    parameters: dict[str, Any] = {
        "workflow": workflow.pk,
        "reviewer": reviewer.pk,
        "token": uuid4(),
        "slot": slot,
        "now": now,
        "expires": now + timedelta(seconds=rules.lease_seconds),
    }
    row = _first_claimed(parameters, queues)
    if row is None:
        return None
    case = Case.objects.select_related(
        "item", "route", "route__prediction", "route__model_version"
    ).get(pk=row[0])
    case.workflow = workflow
    note_event(
        case,
        CaseEventKind.CLAIMED,
        actor=reviewer,
        from_status=row[1],
        now=now,
        reason="the lease of its holder had expired" if row[1] == "leased" else "",
    )
    return case


def _first_claimed(
    parameters: dict[str, Any], queues: Sequence[Queue]
) -> tuple[UUID, str] | None:
    with connection.cursor() as cursor:
        for queue in queues:
            for statement in (_CLAIM_ASSIGNED, _CLAIM_OPEN):
                cursor.execute(statement, {**parameters, "queue": queue.value})
                row: tuple[UUID, str] | None = cursor.fetchone()
                if row is not None:
                    return row
    return None


def free_slot(*, workflow: Workflow, reviewer: User, limit: int, now: datetime) -> int:
    """Return the lowest lease slot that the person has free in the workflow.

    When all are taken, the person's own expired leases go back to the queue first.
    Raises: TooManyLeases.
    """
    held = Case.objects.filter(
        workflow=workflow, leased_by=reviewer, status=CaseStatus.LEASED
    )
    used = set(held.values_list("lease_slot", flat=True))
    if len(used) >= limit and expire_leases(now=now, holder=reviewer):
        used = set(held.values_list("lease_slot", flat=True))
    free = set(range(1, limit + 1)) - used
    if not free:
        raise TooManyLeases(limit)
    return min(free)


def wake_snoozed(*, workflow: Workflow, now: datetime) -> int:
    """Put snoozed cases whose moment has come back into the queue; count them."""
    with connection.cursor() as cursor:
        cursor.execute(_WAKE, {"workflow": workflow.pk, "now": now})
        woken = [row[0] for row in cursor.fetchall()]
    note_events(
        Case.objects.filter(pk__in=woken).order_by("id"),
        CaseEventKind.WOKEN,
        actor=None,
        from_status=CaseStatus.SNOOZED,
        now=now,
    )
    return len(woken)


@transaction.atomic
def expire_leases(
    *, now: datetime, holder: User | None = None, limit: int = 500
) -> int:
    """Return expired leases to the queue: tidiness, the claim does not need it."""
    expired = Case.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        status=CaseStatus.LEASED, lease_expires_at__lte=now
    )
    if holder is not None:
        expired = expired.filter(leased_by=holder)
    cases = list(expired.order_by("lease_expires_at", "id")[:limit])
    for case in cases:
        update_case(case, status=CaseStatus.PENDING, **NO_LEASE)
        note_event(
            case,
            CaseEventKind.EXPIRED,
            actor=None,
            from_status=CaseStatus.LEASED,
            now=now,
        )
    return len(cases)


@transaction.atomic
def renew_lease(
    *, case_id: UUID, holder: User, lease_token: UUID, now: datetime
) -> Case:
    """Extend the lease by its full time from now; notes nothing.

    Raises: Case.DoesNotExist, AlreadyDecided, LeaseLost.
    """
    case = lock_held_case(case_id=case_id, holder=holder, lease_token=lease_token)
    seconds = case.workflow.declaration.queue.lease_seconds
    update_case(case, lease_expires_at=now + timedelta(seconds=seconds))
    return case


@transaction.atomic
def open_case(*, case_id: UUID, holder: User, lease_token: UUID, now: datetime) -> Case:
    """Note that the holder sees the case from now on, and renew its lease.

    Time per decision counts from here, not from when it was fetched ahead.
    Raises: Case.DoesNotExist, AlreadyDecided, LeaseLost.
    """
    case = lock_held_case(case_id=case_id, holder=holder, lease_token=lease_token)
    seconds = case.workflow.declaration.queue.lease_seconds
    update_case(
        case,
        opened_at=case.opened_at or now,
        lease_expires_at=now + timedelta(seconds=seconds),
    )
    return case


@transaction.atomic
def release_case(
    *, case_id: UUID, holder: User, lease_token: UUID, now: datetime
) -> Case:
    """Give the case back to the queue. Raises: as `renew_lease`."""
    case = lock_held_case(case_id=case_id, holder=holder, lease_token=lease_token)
    _back_to_queue(case, CaseEventKind.RELEASED, actor=holder, reason="", now=now)
    return case


@transaction.atomic
def skip_case(
    *, case_id: UUID, holder: User, lease_token: UUID, reason: str, now: datetime
) -> Case:
    """Give the case back and never offer it to this person again.

    A case that was reserved for this person is everyone's again, since nobody could
    claim it else. Raises: as `renew_lease`.
    """
    case = lock_held_case(case_id=case_id, holder=holder, lease_token=lease_token)
    CaseSkip.objects.get_or_create(
        case=case, reviewer=holder, defaults={"reason": reason, "at": now}
    )
    if case.assigned_to_id == holder.pk:
        update_case(case, assigned_to=None)
    _back_to_queue(case, CaseEventKind.SKIPPED, actor=holder, reason=reason, now=now)
    return case


@transaction.atomic
def snooze_case(
    *,
    case_id: UUID,
    holder: User,
    lease_token: UUID,
    until: datetime,
    reason: str,
    now: datetime,
) -> Case:
    """Put the case off until a moment in the future.

    Raises: ValueError when the moment is past; else as `renew_lease`.
    """
    if until <= now:
        msg = "The moment to come back must be in the future."
        raise ValueError(msg)
    case = lock_held_case(case_id=case_id, holder=holder, lease_token=lease_token)
    update_case(case, status=CaseStatus.SNOOZED, snoozed_until=until, **NO_LEASE)
    note_event(
        case,
        CaseEventKind.SNOOZED,
        actor=holder,
        from_status=CaseStatus.LEASED,
        now=now,
        reason=reason,
    )
    return case


@transaction.atomic
def release_by_supervisor(
    *, case: Case, supervisor: User, reason: str, now: datetime
) -> Case:
    """Take a case from whoever holds it. A case that nobody holds stays as it is."""
    locked = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if locked.status == CaseStatus.LEASED:
        _back_to_queue(
            locked, CaseEventKind.RELEASED, actor=supervisor, reason=reason, now=now
        )
    return locked


@transaction.atomic
def assign_case(
    *, case: Case, to: User | None, supervisor: User, reason: str, now: datetime
) -> Case:
    """Reserve an open case for one person, or (None) open it to everyone again.

    A lease that somebody else holds ends; that the person skipped the case before
    counts no more. Whether they have the role is the caller's to check.
    Raises: AssignmentRefused for a closed case, or one that they may not decide.
    """
    locked = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    _check_assignment(locked, to=to)
    if to is not None:
        CaseSkip.objects.filter(case=locked, reviewer=to).delete()
    if locked.status == CaseStatus.LEASED and locked.leased_by_id != getattr(
        to, "pk", None
    ):
        _back_to_queue(
            locked, CaseEventKind.RELEASED, actor=supervisor, reason=reason, now=now
        )
    update_case(locked, assigned_to=to)
    note_event(
        locked,
        CaseEventKind.REASSIGNED,
        actor=supervisor,
        from_status=locked.status,
        now=now,
        reason=reason,
    )
    return locked


def _check_assignment(case: Case, *, to: User | None) -> None:
    if case.status not in OPEN_STATUSES:
        msg = "The case is closed: nobody has to look at it any more."
        raise AssignmentRefused(msg)
    if to is not None and case.excluded_reviewer_id == to.pk:
        msg = "The first reader cannot give the second opinion."
        raise AssignmentRefused(msg)


def _back_to_queue(
    case: Case, kind: CaseEventKind, *, actor: User, reason: str, now: datetime
) -> None:
    update_case(case, status=CaseStatus.PENDING, **NO_LEASE)
    note_event(
        case,
        kind,
        actor=actor,
        from_status=CaseStatus.LEASED,
        now=now,
        reason=reason,
    )
