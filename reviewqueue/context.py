"""What the header of a workflow's pages shows beside its tabs: unread notices."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.permissions import Actor, Permission
from reviewqueue.queries.notices import MAX_UNREAD, n_unread


@dataclass(frozen=True, slots=True)
class Bell:
    """How many notices of the workflow the person has not read."""

    url: str
    shown: str  # empty where there is none
    is_current: bool


def notices(request: HttpRequest) -> dict[str, object]:
    """Return the bell; it is counted only where a page draws it."""
    return {"bell": SimpleLazyObject(lambda: bell_of(request))}


def bell_of(request: HttpRequest) -> Bell | None:
    """Count what the person has not read, where they may read it."""
    actor = getattr(request, "actor", None)
    workflow = getattr(request, "workflow", None)
    if not isinstance(actor, Actor) or workflow is None:
        return None
    if not actor.can(Permission.METRICS_VIEW, workflow.pk):
        return None
    if actor.sites(workflow.pk) is not None:  # notices are about all sites
        return None
    reader: User = actor.user
    n = n_unread(workflow.pk, reader)
    shown = f"{MAX_UNREAD}+" if n > MAX_UNREAD else str(n or "")
    url = reverse("reviewqueue:notice-list", args=[workflow.slug])
    return Bell(url, shown, is_current=request.path == url)
