"""What the header of every page shows: the workflow, its tabs, the person, the theme.

Views' access helpers leave `request.actor`, `request.workflow` and `request.workflows`
behind; this module only reads them, so that it depends on no app of ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from ui.keys import key_map
from ui.theme import theme_of


class WorkflowLike(Protocol):
    pk: UUID
    slug: str
    name: str


class ActorLike(Protocol):
    def can(self, permission: str, scope_id: UUID | None, /) -> bool: ...


@dataclass(frozen=True)
class Tab:
    """One part of a workflow; current for every view whose name has a prefix."""

    label: str
    view_name: str
    permissions: tuple[str, ...]
    prefixes: tuple[str, ...]
    part: str = ""  # of the declaration: without it there is no such tab

    def has(self, view_name: str) -> bool:
        return view_name == self.view_name or view_name.startswith(self.prefixes)


@dataclass(frozen=True)
class Link:
    """A place to go; `current` is "page", "true" (a page below it) or empty."""

    label: str
    url: str
    current: str = ""


@dataclass(frozen=True)
class Navigation:
    workflow: WorkflowLike | None
    workflows: Sequence[Link]
    tabs: Sequence[Link]
    account: Sequence[Link]


TABS = (
    Tab(
        "Review",
        "reviewqueue:review",
        ("cases.review", "cases.adjudicate"),
        ("reviewqueue:review",),
    ),
    Tab("Cases", "reviewqueue:case-list", ("cases.view",), ("reviewqueue:case-",)),
    Tab("Items", "reviewqueue:item-list", ("items.view",), ("reviewqueue:item-",)),
    Tab(
        "Quarantine",
        "reviewqueue:quarantine-list",
        ("quarantine.view",),
        ("reviewqueue:quarantine-", "predictions:quarantine-"),
    ),
    Tab(
        "Dashboard",
        "reviewqueue:dashboard",
        ("metrics.view",),
        ("reviewqueue:dashboard", "lifecycle:site-"),
    ),
    Tab(
        "Alarms",
        "reviewqueue:alarms",
        ("metrics.view",),
        ("reviewqueue:alarms", "reviewqueue:failure"),
        part="series",
    ),
    Tab(
        "Reliance",
        "reviewqueue:reliance",
        ("cases.view",),
        ("reviewqueue:reliance", "reviewqueue:gold-"),
    ),
    Tab(
        "Trust",
        "reviewqueue:trust",
        ("trust.view",),
        ("reviewqueue:trust", "reviewqueue:repair"),
    ),
    Tab(
        "Models",
        "lifecycle:model-list",
        ("models.view",),
        ("lifecycle:model-", "lifecycle:gate-", "lifecycle:training-"),
    ),
    Tab(
        "Monitors",
        "lifecycle:monitor-list",
        ("monitors.view",),
        ("lifecycle:monitor-", "lifecycle:alert-"),
    ),
    Tab(
        "Readiness",
        "lifecycle:readiness",
        ("readiness.view",),
        ("lifecycle:readiness",),
    ),
    Tab(
        "Snapshots",
        "reviewqueue:snapshot-list",
        ("snapshots.view",),
        ("reviewqueue:snapshot-",),
    ),
    Tab(
        "Settings",
        "predictions:workflow-settings",
        ("settings.view",),
        (
            "predictions:workflow-",
            "reviewqueue:policy",
            "reviewqueue:webhook-",
            "accounts:site-",
        ),
    ),
    Tab(
        "Members",
        "accounts:member-list",
        ("members.view",),
        ("accounts:member-", "accounts:key-"),
    ),
)

ACCOUNT_LINKS = (
    ("Your account", "accounts:profile"),
    ("Password", "account_change_password"),
    ("Two-step sign-in", "mfa_index"),
)
ADMIN_LINKS = (
    ("Site administration", "admin:index"),
    ("Style guide", "ui:style-guide"),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Return the header's data; it is worked out only where a page draws the header."""
    own_keys = getattr(getattr(request, "user", None), "key_bindings", None)
    return {
        "navigation": SimpleLazyObject(lambda: build_navigation(request)),
        "theme": theme_of(request),
        "keys": key_map(own_keys),
    }


def build_navigation(request: HttpRequest) -> Navigation:
    """Read what the view left on the request, and keep what the actor may open."""
    actor: ActorLike | None = getattr(request, "actor", None)
    workflow: WorkflowLike | None = getattr(request, "workflow", None)
    here = _view_name(request)
    return Navigation(
        workflow=workflow,
        workflows=_workflow_links(request, actor, workflow, here),
        tabs=list(_tabs(actor, workflow, here)) if actor and workflow else [],
        account=_account_links(request, here),
    )


def _view_name(request: HttpRequest) -> str:
    match = getattr(request, "resolver_match", None)
    return match.view_name if match else ""


def _url(view_name: str, *args: str) -> str | None:
    try:
        return reverse(view_name, args=args)
    except NoReverseMatch:
        return None


def _tabs(actor: ActorLike, workflow: WorkflowLike, here: str) -> Iterable[Link]:
    for tab in TABS:
        if tab.part and not _declares(workflow, tab.part):
            continue
        url = _url(tab.view_name, workflow.slug)
        if url and any(actor.can(p, workflow.pk) for p in tab.permissions):
            exact = "page" if here == tab.view_name else "true"
            yield Link(tab.label, url, exact if tab.has(here) else "")


def _declares(workflow: WorkflowLike, part: str) -> bool:
    return bool(getattr(getattr(workflow, "declaration", None), part, None))


def _workflow_links(
    request: HttpRequest,
    actor: ActorLike | None,
    current: WorkflowLike | None,
    here: str,
) -> list[Link]:
    """Lead to the same part of each workflow, or to the first one that is allowed."""
    if actor is None:
        return []
    links = []
    for workflow in getattr(request, "workflows", None) or ():
        tabs = list(_tabs(actor, workflow, here))
        if tabs:
            target = next((tab for tab in tabs if tab.current), tabs[0])
            same = current is not None and workflow.pk == current.pk
            links.append(Link(workflow.name, target.url, "true" if same else ""))
    return links


def _account_links(request: HttpRequest, here: str) -> list[Link]:
    user = getattr(request, "user", None)
    wanted = list(ACCOUNT_LINKS)
    if getattr(user, "is_superuser", False):
        wanted += ADMIN_LINKS
    found = ((label, name, _url(name)) for label, name in wanted)
    return [
        Link(label, url, "page" if name == here else "")
        for label, name, url in found
        if url
    ]
