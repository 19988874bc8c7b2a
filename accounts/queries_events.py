"""Reading the log of changes of access."""

import contextlib
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.enums import AccessEventKind
from accounts.models import AccessEvent, Membership, Scope

# What happens to an account as a whole belongs to no scope; it concerns each of them.
OF_ACCOUNTS = (
    AccessEventKind.SIGN_IN_LOCKED,
    AccessEventKind.USER_DEACTIVATED,
    AccessEventKind.USER_REACTIVATED,
)
GROUPS: dict[str, tuple[AccessEventKind, ...]] = {
    "roles": (AccessEventKind.ROLE_GRANTED, AccessEventKind.ROLE_REVOKED),
    "sites": (
        AccessEventKind.SITES_LIMITED,
        AccessEventKind.SITE_DECLARED,
        AccessEventKind.SITE_CHANGED,
    ),
    "keys": (AccessEventKind.KEY_CREATED, AccessEventKind.KEY_REVOKED),
    "lockouts": (AccessEventKind.SIGN_IN_LOCKED,),
}


def access_events(*, scope: Scope | None, group: str = "") -> QuerySet[AccessEvent]:
    """Return the events of a scope and of its members' accounts; without one, all.

    An unknown group is no filter.
    """
    events = AccessEvent.objects.select_related("actor", "subject", "scope")
    if scope is not None:
        members = Membership.objects.filter(scope=scope).values("user_id")
        of_members = Q(scope=None, kind__in=OF_ACCOUNTS, subject_id__in=members)
        events = events.filter(Q(scope=scope) | of_members)
    if group in GROUPS:
        events = events.filter(kind__in=GROUPS[group])
    return events


def newest_events(
    events: QuerySet[AccessEvent], *, cursor: str, limit: int
) -> tuple[list[AccessEvent], str]:
    """Return a page, newest first, and the cursor of the next ('' when there is none).

    Ids are UUIDv7: their order is that of time. A cursor not made here is the first
    page.
    """
    with contextlib.suppress(ValueError):
        events = events.filter(pk__lt=UUID(hex=cursor))
    found = list(events.order_by("-pk")[: limit + 1])
    more = len(found) > limit
    return found[:limit], found[limit - 1].pk.hex if more else ""
