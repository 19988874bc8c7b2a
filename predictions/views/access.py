"""The first line of every page below a workflow: who asks, and for what."""

from typing import cast

from django.http import HttpRequest

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission, actor_of
from predictions.models import Workflow
from predictions.queries.workflows import get_workflow, visible_workflows


def open_workflow(
    request: HttpRequest, slug: str, permission: Permission, *, by_site: bool = False
) -> tuple[AuthenticatedRequest, Workflow]:
    """Return the request and the workflow of the page, when the person may see it.

    The header reads `request.actor`, `request.workflow` and `request.workflows`.
    Raises: as `get_workflow`.
    """
    page = cast("AuthenticatedRequest", request)
    actor = actor_of(request)
    page.workflow = workflow = get_workflow(actor, slug, permission, by_site=by_site)
    page.workflows = visible_workflows(actor)
    return page, workflow
