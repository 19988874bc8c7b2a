"""The supervisor's dashboard."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from accounts.permissions import Permission
from predictions.views.access import open_workflow
from reviewqueue.queries.metrics import workflow_metrics


def dashboard(request: HttpRequest, slug: str) -> HttpResponse:
    _, workflow = open_workflow(request, slug, Permission.METRICS_VIEW)
    now = timezone.now()
    figures = workflow_metrics(
        workflow, since=now - timedelta(days=30), until=now, now=now
    )
    return JsonResponse(figures.to_json())
