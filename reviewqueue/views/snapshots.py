"""Snapshots: ask for labelled feedback, watch it being built, read and take it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from predictions.masking import is_masking
from predictions.models import Workflow
from predictions.services.unmasking import note_unmasked_snapshot
from predictions.views.access import open_workflow
from reviewqueue.downloads import CONTENT_TYPES, download
from reviewqueue.enums import LabelSource, SnapshotStatus
from reviewqueue.forms_snapshots import SnapshotForm, query_fields
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import LabelCount, SnapshotFilters
from reviewqueue.services.snapshots import (
    InvalidSnapshot,
    count_snapshot,
    request_snapshot,
)
from reviewqueue.views.lists import page_of

UNFINISHED = (SnapshotStatus.QUEUED, SnapshotStatus.BUILDING)
SOURCE_NAMES = {
    LabelSource.DECISION: "decisions",
    LabelSource.ADJUDICATION: "adjudication",
    LabelSource.OUTCOME: "late truth",
}
FORMAT_NAMES = {"parquet": "Parquet", "csv": "CSV", "jsonl": "JSON lines"}


@require_GET
def snapshot_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List snapshots, newest first."""
    page, workflow = open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    rows = Snapshot.objects.filter(workflow=workflow).select_related("created_by")
    found = page_of(request, rows)
    context = {
        "workflow": workflow,
        "page": found,
        "rows": [(one, _query_in_words(one, workflow)) for one in found.rows],
        "can_create": page.actor.can(Permission.SNAPSHOTS_CREATE, workflow.pk),
    }
    return render(page, "reviewqueue/snapshot_list.html", context)


@require_http_methods(["GET", "POST"])
def snapshot_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose rows and see their counts by GET; a POST has them built."""
    page, workflow = open_workflow(request, slug, Permission.SNAPSHOTS_CREATE)
    now = timezone.now()
    if request.method == "POST":
        return _build(page, workflow, now=now)
    form = _form(page, workflow, request.GET or None)
    counted = _counted(form, workflow, now=now) if form.is_valid() else None
    return _create_page(page, workflow, form, counted)


def _form(
    page: AuthenticatedRequest, workflow: Workflow, sent: Mapping[str, Any] | None
) -> SnapshotForm:
    declaration = workflow.declaration
    may_unmask = is_masking(declaration) and page.actor.can(
        Permission.ITEMS_UNMASK, workflow.pk
    )
    return SnapshotForm(sent, labels=declaration.labels, may_unmask=may_unmask)


def _build(
    page: AuthenticatedRequest, workflow: Workflow, *, now: datetime
) -> HttpResponse:
    form = _form(page, workflow, page.POST)
    if not form.is_valid():
        return _create_page(page, workflow, form, None)
    try:
        snapshot = request_snapshot(
            workflow=workflow,
            filters=form.filters(),
            by=page.user,
            now=now,
            as_of=form.cleaned_data["as_of"],
        )
    except InvalidSnapshot as refusal:
        form.refuse(refusal.errors)
        return _create_page(page, workflow, form, None)
    return redirect("reviewqueue:snapshot-detail", workflow.slug, snapshot.pk)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a snapshot would hold: rows by label, and the query to build it with."""

    as_of: datetime
    n_rows: int
    sources: list[str]
    labels: list[tuple[str, int, list[int]]]
    query: list[tuple[str, str]]


def _counted(
    form: SnapshotForm, workflow: Workflow, *, now: datetime
) -> Counted | None:
    filters = form.filters()
    # To the second, so that the moment can be typed again.
    as_of = form.cleaned_data["as_of"] or now.replace(microsecond=0)
    try:
        found = count_snapshot(workflow=workflow, filters=filters, as_of=as_of, now=now)
    except InvalidSnapshot as refusal:
        form.refuse(refusal.errors)
        return None
    return _in_a_table(found, filters, as_of)


def _in_a_table(
    found: Sequence[LabelCount], filters: SnapshotFilters, as_of: datetime
) -> Counted:
    n_by = {(one.label, one.source): one.n for one in found}
    sources = [name for name in SOURCE_NAMES if any(s == name for _, s in n_by)]
    rows = []
    for label in sorted({label for label, _ in n_by}):
        counts = [n_by.get((label, source.value), 0) for source in sources]
        rows.append((label, sum(counts), counts))
    return Counted(
        as_of=as_of,
        n_rows=sum(n_by.values()),
        sources=[SOURCE_NAMES[source] for source in sources],
        labels=rows,
        query=query_fields(filters, as_of),
    )


def _create_page(
    page: AuthenticatedRequest,
    workflow: Workflow,
    form: SnapshotForm,
    counted: Counted | None,
) -> HttpResponse:
    context = {"workflow": workflow, "form": form, "counted": counted}
    part = "#ask" if page.htmx else ""
    status = 422 if form.errors else 200
    answer = render(
        page, f"reviewqueue/snapshot_create.html{part}", context, status=status
    )
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@require_GET
def snapshot_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show how far it is built; once it is, its datasheet and files."""
    page, workflow = open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    rows = Snapshot.objects.select_related("created_by")
    snapshot = get_object_or_404(rows, pk=pk, workflow=workflow)
    sheet = snapshot.datasheet or {}
    context = {
        "workflow": workflow,
        "snapshot": snapshot,
        "sheet": sheet,
        "n_routed": sum(sheet.get("routed", {}).values()),
        "tables": _tables(sheet),
        "files": _files(snapshot),
        "words": _query_in_words(snapshot, workflow),
        "is_unfinished": snapshot.status in UNFINISHED,
        "can_create": page.actor.can(Permission.SNAPSHOTS_CREATE, workflow.pk),
        "can_train": page.actor.can(Permission.MODELS_TRAIN, workflow.pk),
        "query": query_fields(
            SnapshotFilters.from_json(snapshot.filters), snapshot.as_of
        ),
        "twins": _twins(snapshot),
    }
    part = "#state" if page.htmx else ""
    answer = render(page, f"reviewqueue/snapshot_detail.html{part}", context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _twins(snapshot: Snapshot) -> list[Snapshot]:
    """Return other snapshots with the same bytes."""
    if snapshot.status != SnapshotStatus.READY:
        return []
    rows = Snapshot.objects.filter(
        workflow_id=snapshot.workflow_id, sha256=snapshot.sha256
    )
    return list(rows.exclude(pk=snapshot.pk).order_by("-pk")[:5])


def _files(snapshot: Snapshot) -> list[dict[str, Any]]:
    known = (snapshot.datasheet or {}).get("files", {})
    known = known or {"parquet": {"sha256": snapshot.sha256}}
    return [
        {"format": name, "title": FORMAT_NAMES[name], **known.get(name, {})}
        for name in CONTENT_TYPES
    ]


def _query_in_words(snapshot: Snapshot, workflow: Workflow) -> list[str]:
    filters = SnapshotFilters.from_json(snapshot.filters)
    names = {label.key: label.name for label in workflow.declaration.labels}
    words = []
    if filters.labelled_from:
        words.append(f"labelled from {_moment(filters.labelled_from)}")
    if filters.labelled_to:
        words.append(f"labelled before {_moment(filters.labelled_to)}")
    if filters.sources:
        known = [SOURCE_NAMES[LabelSource(source)] for source in filters.sources]
        words.append(f"from {', '.join(known)}")
    if filters.labels:
        words.append(", ".join(names.get(key, key) for key in filters.labels))
    if filters.only_blind:
        words.append("decided blind")
    if filters.only_audit:
        words.append("audit sample")
    if filters.unmasked:
        words.append("personal data not masked")
    return words or ["everything labelled"]


def _moment(at: datetime) -> str:
    return timezone.localtime(at).strftime("%-d %b %Y, %H:%M")


_COUNTED = {
    "labels": "Label",
    "label_sources": "Source of the label",
    "route_reasons": "Why people saw it",
    "review_probabilities": "Review probability",
    "model_versions": "Model version",
    "policy_versions": "Policy version",
    "reviewers": "Reviewer (pseudonym)",
    "missing": "Feature not given",
    "media": "With a file",
}


def _tables(
    sheet: Mapping[str, Any],
) -> list[tuple[str, list[tuple[str, int, float | None]]]]:
    """Return the counts of a datasheet with their shares, each with its title."""
    n_rows = sheet.get("n_rows") or 0
    return [
        (
            title,
            [
                (value, n, n / n_rows if n_rows else None)
                for value, n in sorted(sheet[name].items(), key=lambda row: -row[1])
            ],
        )
        for name, title in _COUNTED.items()
        if sheet.get(name)
    ]


@require_GET
def snapshot_download(
    request: HttpRequest, slug: str, pk: UUID, file_format: str
) -> HttpResponseBase:
    """Stream the rows; a snapshot that is not ready has none."""
    page, workflow = open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    rows = Snapshot.objects.select_related("workflow")
    snapshot = get_object_or_404(
        rows, pk=pk, workflow=workflow, status=SnapshotStatus.READY
    )
    if snapshot.is_unmasked:
        page.actor.require(Permission.ITEMS_UNMASK, workflow.pk)
    if file_format not in CONTENT_TYPES:
        raise Http404
    if snapshot.is_unmasked:
        by, now = page.user, timezone.now()
        note_unmasked_snapshot(snapshot_id=pk, workflow=workflow, by=by, now=now)
    return download(snapshot, file_format)
