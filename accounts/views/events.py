"""The log of changes of access: of one workflow, and of the whole site."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import AuthenticatedRequest, require_site_admin, scope_for
from accounts.enums import AccessEventKind, Role
from accounts.models import AccessEvent, Scope
from accounts.permissions import Permission
from accounts.queries_events import GROUPS, access_events, newest_events

PAGE_SIZE = 50
TONES = {
    AccessEventKind.ROLE_GRANTED: "good",
    AccessEventKind.KEY_CREATED: "good",
    AccessEventKind.SIGN_IN_LOCKED: "alarm",
    AccessEventKind.USER_DEACTIVATED: "warn",
}


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event in words."""

    at: datetime
    what: str
    tone: str
    whom: str
    detail: str
    by: str
    scope: str


@require_GET
def member_events(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """List what happened to roles, keys and sign-ins of one workflow's members."""
    scope = scope_for(request, slug, Permission.AUDIT_VIEW)
    return _page(request, scope)


@require_GET
def user_events(request: AuthenticatedRequest) -> HttpResponse:
    """List what happened to anybody's access, for site admins."""
    require_site_admin(request)
    return _page(request, None)


def _page(request: AuthenticatedRequest, scope: Scope | None) -> HttpResponse:
    group = request.GET.get("only", "")
    rows, following = newest_events(
        access_events(scope=scope, group=group),
        cursor=request.GET.get("cursor", ""),
        limit=PAGE_SIZE,
    )
    context: dict[str, Any] = {
        "scope": scope,
        "lines": [_line(event) for event in rows],
        "next": following,
        "groups": list(GROUPS),
        "group": group if group in GROUPS else "",
    }
    return render(request, "accounts/events.html", context)


def _line(event: AccessEvent) -> EventLine:
    kind = AccessEventKind(event.kind)
    return EventLine(
        at=event.at,
        what=kind.label,
        tone=TONES.get(kind, ""),
        whom=_whom(event, kind),
        detail=_detail(event),
        by=event.actor.display_name if event.actor else "",
        scope=event.scope.name if event.scope else "",
    )


def _whom(event: AccessEvent, kind: AccessEventKind) -> str:
    if event.subject:
        return event.subject.display_name
    return "an unknown name" if kind in GROUPS["lockouts"] else ""


def _detail(event: AccessEvent) -> str:
    data = event.data
    if "role" in data:
        return Role(data["role"]).label if data["role"] in Role else data["role"]
    if "prefix" in data:
        n_verbs = len(data.get("verbs", ()))
        verbs = f"{n_verbs} verb{'' if n_verbs == 1 else 's'}"
        return f"{data['prefix']} · {data.get('name', '')} · {verbs}"
    if "site" in data:
        archived = " · archived" if data.get("archived") else ""
        return f"{data['site']}{archived}"
    if "sites" in data:
        sites = data["sites"]
        return "all sites" if sites is None else ", ".join(sites) or "no site"
    if "failure" in data:
        return f"{data['machine']} · {data['failure']} · {data['reason']}"
    if "login_sha256" in data:
        return f"sha256 {data['login_sha256']}…"
    return ""
