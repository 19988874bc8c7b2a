"""What a lease is made of, and the checks that every holder's action begins with."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from accounts.models import User
from accounts.queries import site_limit
from predictions.models import Item
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case
from reviewqueue.queries.prepared import Prepared


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


# The rows of one statement are locked in the order of `of`.
_LOCKED = Prepared(
    lambda: (
        Case.objects.select_for_update(no_key=True, of=("item", "self"))
        .select_related("item", "route", "workflow")
        .defer("item__features", "item__warnings", "workflow__declaration_json")
    )
)


def lock_held_case(*, case_id: UUID, holder: User, lease_token: UUID) -> Case:
    """Lock the item and the case, and return the case when the caller holds it.

    The token is the truth: an expired lease that nobody else has claimed still
    stands. Locks go item first, then case, everywhere. Who may no longer see the site
    of the case has lost it.
    Raises: Case.DoesNotExist, AlreadyDecided, LeaseLost.
    """
    case = lock_case(case_id)
    held = case.status == CaseStatus.LEASED and case.lease_token == lease_token
    if held and case.leased_by_id == holder.pk:
        if not may_have(case, holder):
            msg = "The case is no longer yours: its site is none of yours any more."
            raise LeaseLost(msg)
        return case
    if case.status == CaseStatus.DECIDED:
        msg = "The case was decided already."
        raise AlreadyDecided(msg)
    msg = "The case is no longer yours: the lease ended and it went back to the queue."
    raise LeaseLost(msg)


def may_have(case: Case, person: User) -> bool:
    """Say whether the person may work on cases of this one's site, read now."""
    if person.is_superuser:
        return True
    limit = site_limit(person, case.workflow_id)
    return limit is None or case.site_id in limit


def lock_case(case_id: UUID) -> Case:
    """Lock the item of a case, then the case. Raises: Case.DoesNotExist."""
    case = _LOCKED.get(case_id)
    case.route.item = case.item
    return case


def lock_items(item_ids: Iterable[UUID]) -> None:
    """Serialise everything that settles these items.

    In the order of their ids, so that no two callers wait for each other.
    """
    items = Item.objects.filter(pk__in=list(item_ids)).order_by("pk")
    len(items.select_for_update(no_key=True).only("id"))


def update_case(case: Case, **changes: object) -> None:
    """Write changed columns of a locked case and keep the instance in step."""
    for name, value in changes.items():
        setattr(case, name, value)
    case.save(update_fields=list(changes))
