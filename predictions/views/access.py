"""The first line of every page below a workflow: who asks, and for what."""

from typing import cast
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission, actor_of
from accounts.sites import within_sites
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


def get_within_sites[Row: Model](
    page: AuthenticatedRequest, workflow: Workflow, rows: QuerySet[Row], pk: UUID
) -> Row:
    """Return a row of the workflow at the person's sites. Raises: Http404."""
    within = within_sites(rows, page.actor.sites(workflow.pk))
    return get_object_or_404(within, pk=pk, workflow=workflow)
