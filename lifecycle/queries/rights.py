"""Who may do what in a workflow, as one list that somebody goes through."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from accounts.models import ApiKey, Membership, User
from predictions.models import Workflow


class Right(TypedDict):
    """One role, key or site admin; `holder` and `what` are ids and names of rights."""

    kind: str  # role, key, admin
    holder: str
    name: str
    what: str
    until: str


def rights_in(workflow: Workflow, *, now: datetime) -> list[Right]:
    """Return every role and live key of a workflow, and the site's admins."""
    return [*_roles(workflow), *_keys(workflow, now=now), *_admins()]


def fingerprint(rights: list[Right]) -> str:
    """Return a hash by which a list is known again."""
    told = json.dumps(rights, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


def n_changed(then: list[Right], now: list[Right]) -> int:
    """Count what was given or taken since; what a holder is called does not matter."""
    return len(_known(then) ^ _known(now))


def _known(rights: list[Right]) -> set[tuple[str, str, str, str]]:
    return {(one["kind"], one["holder"], one["what"], one["until"]) for one in rights}


def _roles(workflow: Workflow) -> list[Right]:
    rows = Membership.objects.filter(scope_id=workflow.pk).select_related("user")
    keys = dict(workflow.scope.sites.values_list("pk", "key"))
    return [
        _right("role", one.user, f"{one.get_role_display()}{_at(one, keys)}")
        for one in rows.order_by("user__username", "role")
    ]


def _at(one: Membership, keys: Mapping[UUID, str]) -> str:
    """Say to which sites a role is limited; nothing where it holds at all."""
    if one.site_ids is None:
        return ""
    return f" at {', '.join(sorted(keys[pk] for pk in one.site_ids)) or 'no site'}"


def _keys(workflow: Workflow, *, now: datetime) -> list[Right]:
    rows = ApiKey.objects.filter(scope_id=workflow.pk, revoked_at=None)
    live = rows.select_related("owner").order_by("owner__username", "prefix")
    return [
        _right(
            "key",
            one.owner,
            f"{one.prefix}: {', '.join(sorted(one.verbs))}",
            until=one.expires_at,
        )
        for one in live
        if one.is_live(now)
    ]


def _admins() -> list[Right]:
    rows = User.objects.filter(is_superuser=True, is_active=True).order_by("username")
    return [_right("admin", one, "everything, everywhere") for one in rows]


def _right(kind: str, user: User, what: str, *, until: datetime | None = None) -> Right:
    inactive = "" if user.is_active else " (not active)"
    return {
        "kind": kind,
        "holder": str(user.pk),
        "name": f"{user.display_name}{inactive}",
        "what": what,
        "until": until.isoformat() if until else "",
    }
