"""Reading who is who and who may do what."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.enums import Role
from accounts.models import ApiKey, Membership, Scope, User
from accounts.permissions import Actor


@dataclass(frozen=True)
class Member:
    """One person and the roles they hold in one scope."""

    user: User
    roles: tuple[Role, ...]


def members_of(scope: Scope) -> list[Member]:
    """Return everybody with a role in a scope, by username; roles in table order."""
    roles: dict[UUID, set[str]] = defaultdict(set)
    users: dict[UUID, User] = {}
    rows = Membership.objects.filter(scope=scope).select_related("user")
    for membership in rows.order_by("user__username", "role"):
        users[membership.user_id] = membership.user
        roles[membership.user_id].add(membership.role)
    return [
        Member(user, tuple(role for role in Role if role.value in roles[user_id]))
        for user_id, user in users.items()
    ]


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
