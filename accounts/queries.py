"""Reading who is who and who may do what."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.enums import Role
from accounts.models import ApiKey, Membership, Scope, Site, User
from accounts.permissions import Actor
from accounts.sites import within_sites


@dataclass(frozen=True)
class Member:
    """One person and the roles they hold in one scope."""

    user: User
    roles: tuple[Role, ...]
    sites: tuple[Site, ...] | None = None  # None: all


def members_of(scope: Scope) -> list[Member]:
    """Return everybody with a role in a scope, by username; roles in table order."""
    roles: dict[UUID, set[str]] = defaultdict(set)
    limits: dict[UUID, set[UUID]] = {}
    users: dict[UUID, User] = {}
    rows = Membership.objects.filter(scope=scope).select_related("user")
    for membership in rows.order_by("user__username", "role"):
        users[membership.user_id] = membership.user
        roles[membership.user_id].add(membership.role)
        if membership.site_ids is not None:
            limits.setdefault(membership.user_id, set()).update(membership.site_ids)
    sites = list(sites_of(scope)) if limits else []
    return [
        Member(
            user,
            tuple(role for role in Role if role.value in roles[user_id]),
            tuple(one for one in sites if one.pk in limits[user_id])
            if user_id in limits
            else None,
        )
        for user_id, user in users.items()
    ]


# Written out, since every decision asks it: Django takes longer to write it.
_LIMITS = """
SELECT site_ids FROM accounts_membership
WHERE user_id = %(user)s AND scope_id = %(scope)s AND site_ids IS NOT NULL
"""


def site_limit(user: User, scope_id: UUID) -> list[UUID] | None:
    """Return the sites that a user is limited to in a scope, None for all."""
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS, {"user": user.pk, "scope": scope_id})
        limits = [row[0] for row in cursor.fetchall()]
    return sorted({pk for ids in limits for pk in ids or ()}) if limits else None


def sites_of(scope: Scope) -> QuerySet[Site]:
    """Return the sites of a scope, archived ones too, by name."""
    return Site.objects.filter(scope=scope).order_by("name", "key")


def open_sites(actor: Actor, scope_id: UUID) -> QuerySet[Site]:
    """Return the sites that take items and that the actor may see, by name."""
    rows = Site.objects.filter(scope_id=scope_id, archived_at=None)
    return within_sites(rows, actor.sites(scope_id), "pk").order_by("name", "key")


def seen_sites(actor: Actor, scope_id: UUID) -> list[Site]:
    """Return the sites that the actor may see, archived ones too, by name."""
    rows = Site.objects.filter(scope_id=scope_id)
    rows = within_sites(rows, actor.sites(scope_id), "pk")
    return list(rows.order_by("name", "key"))


def n_limited(scope: Scope) -> Counter[UUID]:
    """Count by site the people who are limited to it, among others or alone."""
    rows = Membership.objects.filter(scope=scope, site_ids__isnull=False)
    limits: dict[UUID, set[UUID]] = defaultdict(set)
    for user_id, site_ids in rows.values_list("user_id", "site_ids"):
        limits[user_id].update(site_ids or ())
    return Counter(pk for ids in limits.values() for pk in ids)


def known_scopes(actor: Actor) -> QuerySet[Scope]:
    """Return the scopes that the actor may know of, by name."""
    return Scope.objects.filter(id__in=actor.scope_ids()).order_by("name", "id")


def keys_of_owner(owner: User) -> QuerySet[ApiKey]:
    """Return a person's keys, newest first."""
    return owner.api_keys.select_related("scope", "owner").order_by("-created_at", "id")


def visible_keys(actor: Actor, scope: Scope) -> QuerySet[ApiKey]:
    """Return the keys of a scope that the actor may see: their own, an admin all."""
    keys = ApiKey.objects.filter(scope=scope).select_related("owner", "scope")
    if not actor.user.is_superuser:
        keys = keys.filter(owner=actor.user)
    return keys.order_by("-created_at", "id")


def find_users(text: str) -> QuerySet[User]:
    """Return the accounts whose username, name or address contains the text."""
    users = User.objects.order_by("username")
    if not text:
        return users
    return users.filter(
        Q(username__icontains=text) | Q(name__icontains=text) | Q(email__icontains=text)
    )


def users_by_username(usernames: Sequence[str]) -> dict[str, User]:
    """Return the accounts of the given usernames, found whatever the case."""
    lowered = [username.lower() for username in usernames]
    return {user.username: user for user in User.objects.filter(username__in=lowered)}
