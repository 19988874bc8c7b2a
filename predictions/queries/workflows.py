"""Which workflows a person may see, and the one that a page is about."""

from django.db.models import QuerySet
from django.http import Http404

from accounts.permissions import Actor, Permission
from predictions.models import Workflow


def visible_workflows(actor: Actor) -> QuerySet[Workflow]:
    """Return the workflows in which the actor has any role, by name."""
    return Workflow.objects.filter(pk__in=actor.scope_ids()).order_by("name", "pk")


def get_workflow(
    actor: Actor, slug: str, *permissions: Permission, by_site: bool = False
) -> Workflow:
    """Return the workflow of that slug, when the actor may do any of these in it.

    `by_site`: as in `Actor.require`.

    Raises: Http404 when there is none or the actor has no role in it;
    PermissionDenied when they have a role but none of the permissions.
    """
    workflow = Workflow.objects.defer("declaration_json").filter(slug=slug).first()
    if workflow is None:
        raise Http404
    actor.require_any(permissions, workflow.pk, by_site=by_site)
    return workflow
