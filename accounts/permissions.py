"""Who may do what: one table, and the actor that it is asked about.

A view or service asks `actor.can(...)`. Where the actor has no role in the scope at
all, the answer must be 404 (`has_any_role`), so that nobody learns that it exists.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.enums import Role
from accounts.models import ApiKey, Membership, Scope, User
from accounts.sites import ALL_SITES, Sites

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request


class Permission(StrEnum):
    """A verb on a thing, as API keys carry them."""

    WORKFLOW_VIEW = "workflow.view"
    ITEMS_VIEW = "items.view"
    ITEMS_ADD = "items.add"
    ITEMS_UNMASK = "items.unmask"
    QUARANTINE_VIEW = "quarantine.view"
    QUARANTINE_RESOLVE = "quarantine.resolve"
    MEDIA_REMOVE = "media.remove"
    CASES_VIEW = "cases.view"
    CASES_REVIEW = "cases.review"
    CASES_ADJUDICATE = "cases.adjudicate"
    CASES_MANAGE = "cases.manage"
    DECISIONS_VIEW = "decisions.view"
    OUTCOMES_ADD = "outcomes.add"
    METRICS_VIEW = "metrics.view"
    SNAPSHOTS_VIEW = "snapshots.view"
    SNAPSHOTS_CREATE = "snapshots.create"
    MODELS_VIEW = "models.view"
    MODELS_REGISTER = "models.register"
    MODELS_STAGE = "models.stage"
    MODELS_TRAIN = "models.train"
    MODELS_WAIVE = "models.waive"
    MONITORS_VIEW = "monitors.view"
    ALERTS_MANAGE = "alerts.manage"
    READINESS_VIEW = "readiness.view"
    READINESS_RECORD = "readiness.record"
    POLICY_VIEW = "policy.view"
    POLICY_CHANGE = "policy.change"
    TRUST_VIEW = "trust.view"
    TRUST_CHANGE = "trust.change"
    SETTINGS_VIEW = "settings.view"
    SETTINGS_CHANGE = "settings.change"
    MEMBERS_VIEW = "members.view"
    MEMBERS_MANAGE = "members.manage"
    KEYS_VIEW = "keys.view"
    KEYS_MANAGE = "keys.manage"
    AUDIT_VIEW = "audit.view"
    SITE_ADMIN = "site.admin"


EVERYONE = frozenset(Role)
OVERSIGHT = frozenset({Role.SUPERVISOR, Role.ENGINEER, Role.AUDITOR})
OPERATORS = frozenset({Role.SUPERVISOR, Role.ENGINEER})

ROLE_PERMISSIONS: Mapping[Permission, frozenset[Role]] = {
    Permission.WORKFLOW_VIEW: EVERYONE,
    Permission.ITEMS_VIEW: EVERYONE,
    Permission.ITEMS_ADD: OPERATORS,
    # What is masked in texts; each look is noted.
    Permission.ITEMS_UNMASK: frozenset({Role.SUPERVISOR}),
    Permission.QUARANTINE_VIEW: OVERSIGHT,
    Permission.QUARANTINE_RESOLVE: OPERATORS,
    Permission.MEDIA_REMOVE: frozenset({Role.SUPERVISOR}),
    Permission.CASES_VIEW: EVERYONE,
    Permission.CASES_REVIEW: frozenset({Role.REVIEWER}),
    Permission.CASES_ADJUDICATE: frozenset({Role.ADJUDICATOR}),
    Permission.CASES_MANAGE: frozenset({Role.SUPERVISOR}),
    Permission.DECISIONS_VIEW: OVERSIGHT,
    Permission.OUTCOMES_ADD: OPERATORS,
    Permission.METRICS_VIEW: OVERSIGHT,
    Permission.SNAPSHOTS_VIEW: OVERSIGHT,
    Permission.SNAPSHOTS_CREATE: OPERATORS,
    Permission.MODELS_VIEW: OVERSIGHT,
    Permission.MODELS_REGISTER: frozenset({Role.ENGINEER}),
    Permission.MODELS_STAGE: OPERATORS,
    Permission.MODELS_TRAIN: OPERATORS,
    Permission.MODELS_WAIVE: frozenset({Role.SUPERVISOR}),
    Permission.MONITORS_VIEW: OVERSIGHT,
    Permission.ALERTS_MANAGE: OPERATORS,
    Permission.READINESS_VIEW: OVERSIGHT,
    # It shows who the members are.
    Permission.READINESS_RECORD: frozenset({Role.SUPERVISOR}),
    Permission.POLICY_VIEW: OVERSIGHT,
    Permission.POLICY_CHANGE: frozenset({Role.SUPERVISOR}),
    Permission.TRUST_VIEW: OVERSIGHT,
    Permission.TRUST_CHANGE: frozenset({Role.SUPERVISOR}),
    Permission.SETTINGS_VIEW: OVERSIGHT,
    Permission.SETTINGS_CHANGE: OPERATORS,
    Permission.MEMBERS_VIEW: frozenset({Role.SUPERVISOR, Role.AUDITOR}),
    Permission.MEMBERS_MANAGE: frozenset({Role.SUPERVISOR}),
    Permission.KEYS_VIEW: OPERATORS,
    Permission.KEYS_MANAGE: OPERATORS,
    Permission.AUDIT_VIEW: frozenset({Role.SUPERVISOR, Role.AUDITOR}),
    Permission.SITE_ADMIN: frozenset(),  # held by site admins only, through no role
}

# What a role that is limited to sites gives: all else is about every site at once.
BY_SITE: frozenset[Permission] = frozenset(
    {
        Permission.WORKFLOW_VIEW,
        Permission.ITEMS_VIEW,
        Permission.ITEMS_ADD,
        Permission.ITEMS_UNMASK,
        Permission.QUARANTINE_VIEW,
        Permission.QUARANTINE_RESOLVE,
        Permission.CASES_VIEW,
        Permission.CASES_REVIEW,
        Permission.CASES_ADJUDICATE,
        Permission.CASES_MANAGE,
        Permission.DECISIONS_VIEW,
        Permission.OUTCOMES_ADD,
        Permission.METRICS_VIEW,
        Permission.KEYS_VIEW,
        Permission.KEYS_MANAGE,
    }
)

# A key must not be able to make further keys or members: a leaked one would multiply.
KEY_PERMISSIONS: frozenset[Permission] = frozenset(Permission) - {
    Permission.SITE_ADMIN,
    Permission.MEMBERS_MANAGE,
    Permission.KEYS_MANAGE,
}


ABOUT_ALL_SITES = (
    "This is about all sites of the workflow, and your roles are limited to some."
)


@dataclass(frozen=True)
class Actor:
    """Whoever makes a request: a user, alone or through one of their keys.

    The roles are read once, with one query, and kept for as long as the actor lives:
    one request. A revoked role is therefore gone at the next request.
    """

    user: User
    key: ApiKey | None = None

    def can(self, permission: Permission, scope_id: UUID | None) -> bool:
        """Say whether the user may, and the key (if any) carries the verb there."""
        if not self.user.is_active:
            return False
        if self.key is not None and not self._key_allows(permission, scope_id):
            return False
        if self.user.is_superuser:
            return True
        if self.sites(scope_id) is not None and permission not in BY_SITE:
            return False
        return bool(ROLE_PERMISSIONS[permission] & self.roles(scope_id))

    def roles(self, scope_id: UUID | None) -> frozenset[Role]:
        """Return the user's roles in a scope, whatever the key's verbs."""
        if scope_id is None:
            return frozenset()
        return self._roles_by_scope.get(scope_id, frozenset())

    def sites(self, scope_id: UUID | None) -> Sites:
        """Return the sites that the user is limited to in a scope, None for all."""
        if scope_id is None or self.user.is_superuser:
            return ALL_SITES
        return self._sites_by_scope.get(scope_id, ALL_SITES)

    def has_any_role(self, scope_id: UUID) -> bool:
        """Say whether the actor may know that the scope exists."""
        if not self.user.is_active or self._key_is_of_another(scope_id):
            return False
        return self.user.is_superuser or bool(self.roles(scope_id))

    def scope_ids(self) -> frozenset[UUID]:
        """Return the scopes that the actor may know of."""
        if not self.user.is_active:
            return frozenset()
        known = self._all_scope_ids if self.user.is_superuser else self._roles_by_scope
        if self.key is not None:
            return frozenset({self.key.scope_id}) & frozenset(known)
        return frozenset(known)

    def require(
        self, permission: Permission, scope_id: UUID, *, by_site: bool = False
    ) -> None:
        """Refuse what the actor may not do.

        `by_site` says that the caller cuts what it shows and changes by
        `sites(scope_id)`; without it, whoever is limited to sites is refused.
        Raises: Http404 without any role in the scope; PermissionDenied without the
        permission.
        """
        self.require_any((permission,), scope_id, by_site=by_site)

    def require_any(
        self,
        permissions: Sequence[Permission],
        scope_id: UUID,
        *,
        by_site: bool = False,
    ) -> None:
        """Refuse who may do none of these; as `require`, naming the first."""
        if not self.has_any_role(scope_id):
            raise Http404
        may = any(self.can(one, scope_id) for one in permissions)
        if may and (by_site or self.sites(scope_id) is None):
            return
        if may or any(self._is_lost_to_limit(one, scope_id) for one in permissions):
            raise PermissionDenied(ABOUT_ALL_SITES)
        message = f"This needs the permission {permissions[0].value}."
        raise PermissionDenied(message)

    def _is_lost_to_limit(self, permission: Permission, scope_id: UUID) -> bool:
        held = bool(ROLE_PERMISSIONS[permission] & self.roles(scope_id))
        limited = self.sites(scope_id) is not None
        return held and limited and permission not in BY_SITE

    def _key_allows(self, permission: Permission, scope_id: UUID | None) -> bool:
        return (
            self.key is not None
            and permission in KEY_PERMISSIONS
            and permission.value in self.key.verbs
            and scope_id is not None
            and not self._key_is_of_another(scope_id)
        )

    def _key_is_of_another(self, scope_id: UUID) -> bool:
        return self.key is not None and self.key.scope_id != scope_id

    @cached_property
    def _memberships(self) -> list[tuple[UUID, str, list[UUID] | None]]:
        rows = Membership.objects.filter(user=self.user)
        return list(rows.values_list("scope_id", "role", "site_ids"))

    @cached_property
    def _roles_by_scope(self) -> Mapping[UUID, frozenset[Role]]:
        grouped: dict[UUID, set[Role]] = defaultdict(set)
        for scope_id, role, _ in self._memberships:
            grouped[scope_id].add(Role(role))
        return {scope_id: frozenset(roles) for scope_id, roles in grouped.items()}

    @cached_property
    def _sites_by_scope(self) -> Mapping[UUID, frozenset[UUID]]:
        limits: dict[UUID, set[UUID]] = {}
        for scope_id, _, site_ids in self._memberships:
            if site_ids is not None:
                limits.setdefault(scope_id, set()).update(site_ids)
        return {scope_id: frozenset(sites) for scope_id, sites in limits.items()}

    @cached_property
    def _all_scope_ids(self) -> frozenset[UUID]:
        return frozenset(Scope.objects.values_list("id", flat=True))


def actor_of(request: "HttpRequest | Request") -> Actor:
    """Return the actor of a request, the same one for as long as it lasts.

    Raises: PermissionDenied when nobody is signed in.
    """
    known = getattr(request, "actor", None)
    if isinstance(known, Actor):
        return known
    if not isinstance(request.user, User):
        message = "Nobody is signed in."
        raise PermissionDenied(message)
    key = getattr(request, "auth", None)
    actor = Actor(user=request.user, key=key if isinstance(key, ApiKey) else None)
    request.actor = actor  # type: ignore[attr-defined]  # ours, kept for this request
    return actor
