"""The start page: the workflows that a person may see."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission, actor_of
from predictions.queries.workflows import visible_workflows
from reviewqueue.enums import Queue
from reviewqueue.queries.queue_state import count_waiting
from reviewqueue.queries.visibility import queues_of

_LINKS = {
    "dashboard": Permission.METRICS_VIEW,
    "models": Permission.MODELS_VIEW,
    "snapshots": Permission.SNAPSHOTS_VIEW,
    "upload": Permission.ITEMS_ADD,
}


@require_GET
def home(request: AuthenticatedRequest) -> HttpResponse:
    """List workflows with the person's roles and what waits for them."""
    actor = actor_of(request)
    workflows = list(visible_workflows(actor))
    request.workflows = workflows
    rows = [
        {
            "workflow": workflow,
            "roles": sorted(role.label for role in actor.roles(workflow.pk)),
            "takes_sound": any(
                one.kind == "audio" for one in workflow.declaration.media
            ),
            "queues": (queues := queues_of(actor, workflow.pk)),
            "n_waiting": count_waiting(
                workflow, queues or list(Queue), actor.sites(workflow.pk)
            ),
            "can": {
                name: actor.can(permission, workflow.pk)
                for name, permission in _LINKS.items()
            },
        }
        for workflow in workflows
    ]
    is_admin = actor.user.is_superuser
    return render(
        request, "reviewqueue/home.html", {"rows": rows, "is_admin": is_admin}
    )
