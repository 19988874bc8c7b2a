"""Pages of training: the runs, asking for one, watching it, what came of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from lifecycle.enums import OPEN_RUNS, Trigger
from lifecycle.forms_training import TrainForm, chosen_snapshot
from lifecycle.models import TrainingRun
from lifecycle.queries.training_runs import runs_of
from lifecycle.services.training_runs import (
    CancelRefused,
    InvalidRun,
    cancel_run,
    request_run,
)
from predictions.learning.candidate_spec import CandidateSpec
from predictions.models import Workflow
from predictions.views.access import open_workflow
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshots_masked import masked_snapshots
from reviewqueue.views.lists import page_of

PARTS = ("train", "calibrate", "test")
PROBLEM_NAMES = {
    "leak": "leak",
    "known_by_label": "known by its label",
    "new_category": "new values",
    "duplicate": "repeated rows",
    "conflict": "contradiction",
}
GRAVE = ("leak", "known_by_label")
N_SNAPSHOTS = 30  # to choose from; any other is chosen on its own page


@require_GET
def training_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the runs, newest first."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_VIEW)
    found = page_of(request, runs_of(workflow))
    context = {
        "workflow": workflow,
        "page": found,
        "rows": [(run, _titles(run)) for run in found.rows],
        "rules": workflow.declaration.retraining,
        "can_train": page.actor.can(Permission.MODELS_TRAIN, workflow.pk),
    }
    return render(page, "lifecycle/training_list.html", context)


@require_http_methods(["GET", "POST"])
def training_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose what to train by GET; a POST asks for the run."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_TRAIN)
    asked = request.POST if request.method == "POST" else request.GET
    chosen = chosen_snapshot(asked.get("snapshot", ""))
    form = TrainForm(
        request.POST if request.method == "POST" else None,
        declaration=workflow.declaration,
        snapshots=_snapshots(workflow, chosen),
        initial={"snapshot": chosen},
    )
    if request.method == "GET" or not form.is_valid():
        return _create_page(page, workflow, form)
    try:
        run = request_run(
            workflow=workflow,
            wanted=form.wanted(),
            trigger=Trigger.HAND,
            why=f"asked for by {page.user.display_name}",
            by=page.user,
            now=timezone.now(),
        )
    except InvalidRun as refusal:
        form.refuse(refusal.errors)
        return _create_page(page, workflow, form)
    return redirect("lifecycle:training-detail", slug, run.pk)


def _snapshots(workflow: Workflow, chosen: str) -> list[Snapshot]:
    """Return the newest ready snapshots, and the one that the page came from."""
    rows = masked_snapshots(
        Snapshot.objects.filter(workflow=workflow, status=SnapshotStatus.READY)
    )
    found = list(rows.order_by("-pk")[:N_SNAPSHOTS])
    if chosen and chosen not in {str(one.pk) for one in found}:
        found += rows.filter(pk=chosen)
    return found


def _create_page(
    page: AuthenticatedRequest, workflow: Workflow, form: TrainForm
) -> HttpResponse:
    context = {
        "workflow": workflow,
        "form": form,
        "rules": workflow.declaration.retraining,
    }
    status = 422 if form.errors else 200
    return render(page, "lifecycle/training_create.html", context, status=status)


@require_GET
def training_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show how far a run is; once it has ended, what came of it."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_VIEW)
    run = get_object_or_404(runs_of(workflow), pk=pk)
    context = {
        "workflow": workflow,
        "run": run,
        "titles": _titles(run),
        "is_open": run.status in OPEN_RUNS,
        "parts": _parts(run.report),
        "problems": _problems(run.problems),
        "can_train": page.actor.can(Permission.MODELS_TRAIN, workflow.pk),
    }
    part = "#state" if page.htmx else ""
    answer = render(page, f"lifecycle/training_detail.html{part}", context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@require_POST
def training_cancel(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Call a run off."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_TRAIN)
    run = get_object_or_404(TrainingRun, pk=pk, workflow=workflow)
    try:
        cancel_run(run=run, by=page.user, now=timezone.now())
    except CancelRefused as refusal:
        messages.error(page, str(refusal))
    return redirect("lifecycle:training-detail", slug, run.pk)


def _titles(run: TrainingRun) -> list[str]:
    return [CandidateSpec.from_json(one).title for one in run.asked]


def _parts(report: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the parts of the split that a report holds, in their order."""
    split = (report or {}).get("split") or {}
    return [
        {
            **split[name],
            "name": name,
            "start": datetime.fromisoformat(split[name]["from"]),
            "end": datetime.fromisoformat(split[name]["to"]),
        }
        for name in PARTS
        if name in split
    ]


def _problems(problems: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the problems of the data, each with its name and how bad it may be."""
    if problems is None:
        return None
    found = [
        {
            **one,
            "name": PROBLEM_NAMES.get(one["kind"], one["kind"]),
            "tone": "alarm" if one["kind"] in GRAVE else "warn",
        }
        for one in problems["found"]
    ]
    return {**problems, "found": found}
