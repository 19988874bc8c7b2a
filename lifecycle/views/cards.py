"""A model's card and a snapshot's datasheet, as files that need nothing else."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from lifecycle.queries.cards import card_of, sheet_of
from lifecycle.views.readiness import as_file
from predictions.models import ModelVersion
from predictions.views.access import open_workflow
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot


@require_GET
def model_card(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Give all that is known of a version: what it is, from what, how good, limits."""
    _, workflow = open_workflow(request, slug, Permission.MODELS_VIEW)
    version = get_object_or_404(
        ModelVersion.objects.select_related("created_by"), pk=pk, workflow=workflow
    )
    version.workflow = workflow
    now = timezone.now()
    context = {"card": card_of(version, now=now), "workflow": workflow, "at": now}
    body = render_to_string("files/model_card.html", context)
    return as_file(body, f"{workflow.slug}-{version.short_name}-model-card.html")


@require_GET
def datasheet(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Give a snapshot's datasheet, once it is there."""
    _, workflow = open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    snapshot = get_object_or_404(Snapshot, pk=pk, workflow=workflow)
    if snapshot.status != SnapshotStatus.READY:
        raise Http404
    context = {"sheet": sheet_of(snapshot), "workflow": workflow, "at": timezone.now()}
    body = render_to_string("files/datasheet.html", context)
    return as_file(body, f"{workflow.slug}-{snapshot.pk}-datasheet.html")
