"""Claim the next case under a lease, and everything that a holder can do but decide."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from accounts.ids import uuid7
from accounts.models import User
from accounts.sites import ALL_SITES, Sites
from predictions.models import Workflow
from reviewqueue.enums import CaseEventKind, CaseKind, CaseStatus, Queue
from reviewqueue.models import Case, CaseSkip
from reviewqueue.queries.prepared import Prepared
from reviewqueue.services.claim_statements import CLAIM_FREE, CLAIM_OR_WAIT
from reviewqueue.services.events import note_event, note_events, tell_of
from reviewqueue.services.gold_placement import (
    NEVER_TWICE_CONSTRAINT,
    GoldDraw,
    draw_gold,
    place_gold,
)
from reviewqueue.services.leases import NO_LEASE, lock_held_case, update_case
from reviewqueue.services.strays import return_strays

N_TRIES = 5
LEASE_SLOT_CONSTRAINT = "reviewqueue_case_lease_slot_unique"
# How long a claim waits for cases that others are just taking, when there are none
# besides: less than PostgreSQL lets pass before it looks for deadlocks.
_LOCK_WAIT = "200ms"
# What the same person's other tab may have taken in the meantime.
_TAKEN = (LEASE_SLOT_CONSTRAINT, NEVER_TWICE_CONSTRAINT)


class TooManyLeases(Exception):
    """The person holds as many cases as the workflow allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You hold {limit} cases: decide or release one first.")
        self.limit = limit


_LOADED = Prepared(
    lambda: Case.objects.select_related(
        "item__site", "route", "route__prediction", "route__model_version"
    )
)
_WAKE = """
UPDATE reviewqueue_case SET status = 'pending', snoozed_until = NULL
WHERE id IN (SELECT id FROM reviewqueue_case
             WHERE workflow_id = %(workflow)s AND status = 'snoozed'
               AND snoozed_until <= %(now)s
             ORDER BY snoozed_until LIMIT 100 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def claim_next_case(
    *,
    workflow: Workflow,
    reviewer: User,
    queues: Sequence[Queue],
    now: datetime,
    sites: Sites = ALL_SITES,
) -> Case | None:
    """Lease the next case that the person may review, or None when there is none.

    `queues` are tried in order; `sites` are those that the person is limited to. Wakes
    what was snoozed until now. Locks the one case (what others are just taking is
    skipped, and waited for briefly only when nothing else is left), writes lease and
    event. A person holds at most `max_leases` cases of
    a workflow. A share of the claims of the review queue,
    drawn, gets a gold item instead.
    Raises: TooManyLeases.
    """
    drawn = draw_gold(workflow) if Queue.REVIEW in queues else None
    claim = partial(
        _claim,
        workflow=workflow,
        reviewer=reviewer,
        queues=queues,
        now=now,
        sites=sites,
    )
    for _ in range(N_TRIES):
        try:
            with transaction.atomic():
                case = claim(CLAIM_FREE, drawn=drawn)
            return case or _once_waited(claim)
        except IntegrityError as error:
            if not any(name in str(error) for name in _TAKEN):
                raise
    raise TooManyLeases(workflow.declaration.queue.max_leases)


def _once_waited(claim: Callable[..., Case | None]) -> Case | None:
    """Claim what others were just taking and did not take in the end."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
            case = claim(CLAIM_OR_WAIT, drawn=None)
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
            return case
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return None
        raise


def _claim(
    statements: tuple[str, str],
    *,
    workflow: Workflow,
    reviewer: User,
    queues: Sequence[Queue],
    drawn: GoldDraw | None,
    now: datetime,
    sites: Sites,
) -> Case | None:
    statement = statements[sites is not None]
    rules = workflow.declaration.queue
    values: dict[str, Any] = {
        "workflow": workflow.pk,
        "reviewer": reviewer.pk,
        "max_leases": rules.max_leases,
        "token": uuid4(),
        "now": now,
        "expires": now + timedelta(seconds=rules.lease_seconds),
        "is_woken": False,
        "sites": sorted(sites or ()),
    }
    for queue in queues:
        if drawn is not None and queue == Queue.REVIEW:
            gold_id = _claim_gold(workflow, reviewer, sites, drawn=drawn, now=now)
            if gold_id is not None:
                return _loaded(gold_id, workflow)
        slot, is_due, case_id = _try_claim(statement, {**values, "queue": queue.value})
        if slot is None:
            free_slot(
                workflow=workflow, reviewer=reviewer, limit=rules.max_leases, now=now
            )
        if is_due:
            wake_snoozed(workflow=workflow, now=now)
        if slot is None or is_due:
            # What others are waking at this moment is theirs.
            values["is_woken"] = True
            _, _, case_id = _try_claim(statement, {**values, "queue": queue.value})
        if case_id is not None:
            case = _loaded(case_id, workflow)
            tell_of(case, CaseEventKind.CLAIMED)
            return case
    return None


def _claim_gold(
    workflow: Workflow,
    reviewer: User,
    sites: Sites,
    *,
    drawn: GoldDraw,
    now: datetime,
) -> UUID | None:
    limit = workflow.declaration.queue.max_leases
    slot = free_slot(workflow=workflow, reviewer=reviewer, limit=limit, now=now)
    return place_gold(
        workflow=workflow,
        reviewer=reviewer,
        slot=slot,
        drawn=drawn,
        now=now,
        sites=sites,
    )


def _try_claim(
    statement: str, values: dict[str, Any]
) -> tuple[int | None, bool, UUID | None]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "event": uuid7()})
        found: tuple[int | None, bool, UUID | None] = cursor.fetchone()
    return found


def _loaded(case_id: UUID, workflow: Workflow) -> Case:
    case = _LOADED.get(case_id)
    case.workflow = workflow
    return case


def free_slot(*, workflow: Workflow, reviewer: User, limit: int, now: datetime) -> int:
    """Return the lowest lease slot that the person has free in the workflow.

    When all are taken, the person's own leases go back to the queue first that are
    expired, or of sites that they may no longer see.
    Raises: TooManyLeases.
    """
    held = Case.objects.filter(
        workflow=workflow, leased_by=reviewer, status=CaseStatus.LEASED
    )
    used = set(held.values_list("lease_slot", flat=True))
    if len(used) >= limit and (
        expire_leases(now=now, holder=reviewer)
        or return_strays(now=now, holder=reviewer)
    ):
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
    back_to_queue(case, CaseEventKind.RELEASED, actor=holder, reason="", now=now)
    return case


@transaction.atomic
def skip_case(
    *, case_id: UUID, holder: User, lease_token: UUID, reason: str, now: datetime
) -> Case:
    """Give the case back and never offer it to this person again.

    A case that was reserved for this person is everyone's again, since nobody could
    claim it else; a gold case stays theirs. Raises: as `renew_lease`.
    """
    case = lock_held_case(case_id=case_id, holder=holder, lease_token=lease_token)
    CaseSkip.objects.get_or_create(
        case=case, reviewer=holder, defaults={"reason": reason, "at": now}
    )
    if case.assigned_to_id == holder.pk and case.kind != CaseKind.GOLD:
        update_case(case, assigned_to=None)
    back_to_queue(case, CaseEventKind.SKIPPED, actor=holder, reason=reason, now=now)
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


def back_to_queue(
    case: Case, kind: CaseEventKind, *, actor: User, reason: str, now: datetime
) -> None:
    """End the lease of a locked case and note who did it, and how."""
    update_case(case, status=CaseStatus.PENDING, **NO_LEASE)
    note_event(
        case,
        kind,
        actor=actor,
        from_status=CaseStatus.LEASED,
        now=now,
        reason=reason,
    )
