"""Snapshots: ask for labelled feedback, watch it being built, read and take it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.permissions import Permission
from predictions.views.access import open_workflow
from reviewqueue.downloads import CONTENT_TYPES, download
from reviewqueue.enums import SnapshotStatus
from reviewqueue.forms_snapshots import SnapshotForm
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import count_rows
from reviewqueue.services.snapshots import InvalidSnapshot, request_snapshot
from reviewqueue.views.lists import page_of

UNFINISHED = (SnapshotStatus.QUEUED, SnapshotStatus.BUILDING)


@require_GET
def snapshot_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List snapshots, newest first."""
    page, workflow = open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    rows = Snapshot.objects.filter(workflow=workflow).select_related("created_by")
    context = {
        "workflow": workflow,
        "page": page_of(request, rows),
        "can_create": page.actor.can(Permission.SNAPSHOTS_CREATE, workflow.pk),
    }
    return render(page, "reviewqueue/snapshot_list.html", context)


@require_http_methods(["GET", "POST"])
def snapshot_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose rows, see their counts, then build; nothing is stored by counting."""
    page, workflow = open_workflow(request, slug, Permission.SNAPSHOTS_CREATE)
    labels = workflow.declaration.labels
    form = SnapshotForm(request.POST or None, labels=labels)
    context: dict[str, object] = {"workflow": workflow, "form": form}
    status = 200
    if request.method == "POST":
        now = timezone.now()
        if not form.is_valid():
            status = 422
        elif request.POST.get("action") == "build":
            try:
                snapshot = request_snapshot(
                    workflow=workflow, filters=form.filters(), by=page.user, now=now
                )
            except InvalidSnapshot as refusal:
                form.add_error(None, str(refusal))
                status = 422
            else:
                messages.success(page, "A worker builds it.")
                return redirect("reviewqueue:snapshot-detail", slug, snapshot.pk)
        else:
            counts = count_rows(workflow.pk, form.filters(), as_of=now)
            context |= {"counts": counts, "n_rows": sum(one.n for one in counts)}
    return render(page, "reviewqueue/snapshot_create.html", context, status=status)


@require_GET
def snapshot_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show how far it is built; once it is, its datasheet and files."""
    page, workflow = open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    rows = Snapshot.objects.select_related("created_by")
    snapshot = get_object_or_404(rows, pk=pk, workflow=workflow)
    context = {
        "workflow": workflow,
        "snapshot": snapshot,
        "sheet": snapshot.datasheet,
        "tables": _tables(snapshot.datasheet or {}),
        "is_unfinished": snapshot.status in UNFINISHED,
        "formats": list(CONTENT_TYPES),
    }
    return render(page, "reviewqueue/snapshot_detail.html", context)


def _tables(sheet: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return the counts of a datasheet, each with its title."""
    return [
        (title, sorted(sheet.get(name, {}).items(), key=lambda row: -row[1]))
        for name, title in _COUNTED.items()
    ]


_COUNTED = {
    "labels": "Labels",
    "label_sources": "Where labels come from",
    "route_reasons": "Why people saw them",
    "review_probabilities": "Review probability",
    "model_versions": "Model version",
    "policy_versions": "Policy version",
    "reviewers": "Reviewer (pseudonym)",
    "missing": "Missing values, by feature",
}


@require_GET
def snapshot_download(
    request: HttpRequest, slug: str, pk: UUID, file_format: str
) -> HttpResponseBase:
    """Stream the rows; a snapshot that is not ready has none."""
    _, workflow = open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    rows = Snapshot.objects.select_related("workflow")
    snapshot = get_object_or_404(
        rows, pk=pk, workflow=workflow, status=SnapshotStatus.READY
    )
    if file_format not in CONTENT_TYPES:
        raise Http404
    return download(snapshot, file_format)
