"""The start page: the workflows that a person may see."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

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
def home(request: HttpRequest) -> HttpResponse:
    """List workflows with the person's roles and what waits for them."""
    actor = actor_of(request)
    workflows = list(visible_workflows(actor))
    request.workflows = workflows  # type: ignore[attr-defined]  # for the header
    rows = [
        {
            "workflow": workflow,
            "roles": sorted(role.label for role in actor.roles(workflow.pk)),
            "queues": (queues := queues_of(actor, workflow.pk)),
            "n_waiting": count_waiting(workflow, queues or list(Queue)),
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
