"""Cases that are with people who may no longer see their sites."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from accounts.models import User
from reviewqueue.enums import CaseEventKind, CaseKind, CaseStatus
from reviewqueue.models import Case
from reviewqueue.services.events import note_event
from reviewqueue.services.leases import NO_LEASE, update_case

REASON: Final = "the case is of a site that this person may no longer see"

# Whoever has a limit in the workflow, and not this case's site in it.
_STRAYS = """
SELECT c.id FROM reviewqueue_case c
JOIN accounts_user u ON u.id = c.{person}_id AND NOT u.is_superuser
WHERE {state} AND (%(holder)s::uuid IS NULL OR u.id = %(holder)s)
  AND EXISTS (SELECT FROM accounts_membership m
              WHERE m.user_id = u.id AND m.scope_id = c.workflow_id
                AND m.site_ids IS NOT NULL)
  AND NOT EXISTS (SELECT FROM accounts_membership m
                  WHERE m.user_id = u.id AND m.scope_id = c.workflow_id
                    AND c.site_id = ANY(m.site_ids))
ORDER BY c.id LIMIT %(limit)s
FOR UPDATE OF c SKIP LOCKED
"""
_LEASED = _STRAYS.format(person="leased_by", state="c.status = 'leased'")
_RESERVED = _STRAYS.format(
    person="assigned_to", state="c.status IN ('pending', 'leased')"
)


@transaction.atomic
def return_strays(
    *, now: datetime, holder: User | None = None, limit: int = 500
) -> int:
    """Give back what people hold, or have reserved, of sites that are not theirs.

    Leases go back to the queue, reservations are lifted; a gold case stays with whom
    it was placed before. Locks the cases, skips those that others are at, and notes an
    event for each. Returns how many there were.
    """
    leased = _found(_LEASED, holder, limit)
    for case in Case.objects.filter(pk__in=leased).order_by("pk"):
        update_case(case, status=CaseStatus.PENDING, **NO_LEASE)
        _note(case, CaseEventKind.RELEASED, CaseStatus.LEASED, now)
    reserved = _found(_RESERVED, holder, limit)
    kept = Case.objects.filter(pk__in=reserved).exclude(kind=CaseKind.GOLD)
    for case in kept.order_by("pk"):
        update_case(case, assigned_to=None)
        _note(case, CaseEventKind.REASSIGNED, case.status, now)
    return len({*leased, *reserved})


def _found(statement: str, holder: User | None, limit: int) -> list[UUID]:
    values = {"holder": str(holder.pk) if holder else None, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def _note(case: Case, kind: CaseEventKind, before: str, now: datetime) -> None:
    note_event(case, kind, actor=None, from_status=before, now=now, reason=REASON)
