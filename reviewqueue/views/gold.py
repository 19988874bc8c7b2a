"""Gold items: list, upload, make gold of a settled item, retire."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from predictions.models import Item, Workflow
from predictions.views.access import open_workflow
from reviewqueue.forms_gold import (
    GoldNoteForm,
    GoldRetireForm,
    GoldUploadForm,
    sentences,
)
from reviewqueue.models import GoldItem
from reviewqueue.queries.gold import gold_terms, met_counts
from reviewqueue.queries.rates import proportion
from reviewqueue.services.gold import (
    GoldAdded,
    GoldRefused,
    add_gold_rows,
    add_settled,
    retire_gold,
)
from reviewqueue.views.lists import page_of

MAX_SHOWN = 100


@require_http_methods(["GET", "POST"])
def gold_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List gold items with how they were met; a POST adds those of a file."""
    if request.method == "POST":
        page, workflow = open_workflow(request, slug, Permission.CASES_MANAGE)
        return _upload(page, workflow)
    page, workflow = open_workflow(request, slug, Permission.DECISIONS_VIEW)
    return _list_page(page, workflow, form=GoldUploadForm())


@require_POST
def gold_retire(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Place the item no more."""
    page, workflow = open_workflow(request, slug, Permission.CASES_MANAGE)
    gold = get_object_or_404(GoldItem, pk=pk, workflow=workflow)
    form = GoldRetireForm(request.POST)
    if not form.is_valid():
        messages.error(page, "Nothing was retired: say why, in 1,000 characters.")
        return redirect("reviewqueue:gold-list", slug=slug)
    try:
        retire_gold(
            gold=gold,
            by=page.user,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except GoldRefused as refusal:
        messages.error(page, "; ".join(sentences(refusal.errors)))
    else:
        messages.success(page, "Retired. What was answered stays.")
    return redirect("reviewqueue:gold-list", slug=slug)


@require_POST
def item_gold(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Make an item gold with its label in force."""
    page, workflow = open_workflow(request, slug, Permission.CASES_MANAGE)
    item = get_object_or_404(Item, pk=pk, workflow=workflow)
    form = GoldNoteForm(request.POST)
    if not form.is_valid():
        messages.error(page, "Nothing was added: the note is too long.")
        return redirect("reviewqueue:item-detail", slug=slug, pk=pk)
    try:
        add_settled(
            item=item, by=page.user, note=form.cleaned_data["note"], now=timezone.now()
        )
    except GoldRefused as refusal:
        messages.error(page, "; ".join(sentences(refusal.errors)))
    else:
        messages.success(page, "The item is gold from now on.")
    return redirect("reviewqueue:item-detail", slug=slug, pk=pk)


def _upload(page: AuthenticatedRequest, workflow: Workflow) -> HttpResponse:
    form = GoldUploadForm(page.POST, page.FILES)
    if not form.is_valid():
        return _list_page(page, workflow, form=form, status=422)
    try:
        added = add_gold_rows(
            workflow=workflow,
            rows=form.cleaned_data["file"],
            by=page.user,
            now=timezone.now(),
        )
    except GoldRefused as refusal:
        form.add_error("file", "; ".join(sentences(refusal.errors)))
        return _list_page(page, workflow, form=form, status=422)
    if not added.refused:
        messages.success(page, f"{len(added.added):,} gold items were added.")
        return redirect("reviewqueue:gold-list", slug=workflow.slug)
    return _list_page(page, workflow, form=form, added=added, status=422)


def _list_page(
    page: AuthenticatedRequest,
    workflow: Workflow,
    *,
    form: GoldUploadForm,
    added: GoldAdded | None = None,
    status: int = 200,
) -> HttpResponse:
    rows = GoldItem.objects.filter(
        workflow=workflow, retired_at__isnull=not page.GET.get("retired")
    ).select_related("item", "added_by", "retired_by")
    found = page_of(page, rows)
    counts = met_counts(found.rows)
    context: dict[str, Any] = {
        "workflow": workflow,
        "page": found,
        "rows": [
            (gold, n_met, proportion(n_right, n))
            for gold in found.rows
            for n_met, n, n_right in [counts[gold.pk]]
        ],
        "terms": gold_terms(workflow.pk),
        "form": form,
        "n_added": len(added.added) if added else 0,
        "n_refused": len(added.refused) if added else 0,
        "refused": [
            (one, "; ".join(sentences(one.errors)))
            for one in (added.refused[:MAX_SHOWN] if added else ())
        ],
        "can_manage": page.actor.can(Permission.CASES_MANAGE, workflow.pk),
        "shows_retired": bool(page.GET.get("retired")),
    }
    return render(page, "reviewqueue/gold_list.html", context, status=status)
