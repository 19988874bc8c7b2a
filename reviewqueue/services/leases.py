"""What a lease is made of, and the checks that every holder's action begins with."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from predictions.models import Item
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case


class LeaseLost(Exception):
    """The caller does not hold the case any more."""


class AlreadyDecided(Exception):
    """The case was decided, by the caller or by somebody else."""


class LeaseFields(TypedDict):
    leased_by: User | None
    lease_token: UUID | None
    lease_slot: int | None
    leased_at: datetime | None
    lease_expires_at: datetime | None
    opened_at: datetime | None


NO_LEASE: LeaseFields = {
    "leased_by": None,
    "lease_token": None,
    "lease_slot": None,
    "leased_at": None,
    "lease_expires_at": None,
    "opened_at": None,
}


def lock_held_case(*, case_id: UUID, holder: User, lease_token: UUID) -> Case:
    """Lock the item and the case, and return the case when the caller holds it.

    The token is the truth: an expired lease that nobody else has claimed still
    stands. Locks go item first, then case, everywhere.
    Raises: Case.DoesNotExist, AlreadyDecided, LeaseLost.
    """
    case = lock_case(case_id)
    held = case.status == CaseStatus.LEASED and case.lease_token == lease_token
    if held and case.leased_by_id == holder.pk:
        return case
    if case.status == CaseStatus.DECIDED:
        msg = "The case was decided already."
        raise AlreadyDecided(msg)
    msg = "The case is no longer yours: the lease ended and it went back to the queue."
    raise LeaseLost(msg)


def lock_case(case_id: UUID) -> Case:
    """Lock the item of a case, then the case. Raises: Case.DoesNotExist."""
    item = _lock_items(Item.objects.filter(cases=case_id)).first()
    case = (
        Case.objects.select_for_update(of=("self",))
        .select_related("route", "workflow")
        .get(pk=case_id)
    )
    if item is not None:
        case.item = case.route.item = item
    return case


def lock_items(item_ids: Iterable[UUID]) -> None:
    """Serialise everything that settles these items.

    In the order of their ids, so that no two callers wait for each other.
    """
    len(_lock_items(Item.objects.filter(pk__in=list(item_ids))))


def _lock_items(items: QuerySet[Item]) -> QuerySet[Item]:
    locked = items.select_for_update(no_key=True, of=("self",))
    return locked.only("id", "workflow_id", "external_id").order_by("pk")


def update_case(case: Case, **changes: object) -> None:
    """Write changed columns of a locked case and keep the instance in step."""
    for name, value in changes.items():
        setattr(case, name, value)
    case.save(update_fields=list(changes))
