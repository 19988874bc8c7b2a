"""The first line of every page below a workflow: who asks, and for what."""

from typing import cast

from django.db.models import QuerySet
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from accounts.permissions import Actor, Permission, actor_of
from predictions.models import Workflow
from predictions.queries.workflows import get_workflow, visible_workflows


class AuthenticatedRequest(HttpRequest):
    """A request of a signed-in person, as our middleware leaves it."""

    user: User
    htmx: HtmxDetails
    actor: Actor
    workflow: Workflow
    workflows: QuerySet[Workflow]


def open_workflow(
    request: HttpRequest, slug: str, permission: Permission
) -> tuple[AuthenticatedRequest, Workflow]:
    """Return the request and the workflow of the page, when the person may see it.

    The header reads `request.actor`, `request.workflow` and `request.workflows`.
    Raises: as `get_workflow`.
    """
    page = cast("AuthenticatedRequest", request)
    actor = actor_of(request)
    page.workflow = get_workflow(actor, slug, permission)
    page.workflows = visible_workflows(actor)
    return page, page.workflow
