"""Hold versions against gates; the report; waivers and approvals."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission
from lifecycle.forms import ApproveForm, HoldForm, WaiveForm
from lifecycle.models import GateRun
from lifecycle.queries.gates import (
    gate_lines,
    gate_report,
    gate_run,
    report_data,
    verdict_chip,
)
from lifecycle.services.gate_runs import GateRunRefused, request_gate_run
from predictions.models import GateReport, ModelVersion, Workflow
from predictions.queries.promotion import gates_in_force, newest_report
from predictions.services.promotion import (
    GateWordRefused,
    GateWordTooLate,
    approve,
    waive,
)
from predictions.views.access import open_workflow


@require_POST
def model_gates(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Hold a version against the gates; a worker does it."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_STAGE)
    version = get_object_or_404(ModelVersion, pk=pk, workflow=workflow)
    form = HoldForm(request.POST)
    if not form.is_valid():
        messages.error(page, "Choose one of the snapshots.")
        return redirect("lifecycle:model-detail", slug, pk)
    try:
        run = request_gate_run(
            version=version,
            snapshot_id=form.cleaned_data["snapshot"],
            by=page.user,
            now=timezone.now(),
        )
    except GateRunRefused as refusal:
        messages.error(page, f"It cannot be held against the gates: {refusal}.")
        return redirect("lifecycle:model-detail", slug, pk)
    return redirect("lifecycle:gate-report", slug, run.pk)


@require_GET
def gate_report_page(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show how far a run is; once it is done, each gate with its figure."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_VIEW)
    report, run = _found(workflow, pk)
    version = _version(report, run)
    context: dict[str, Any] = {
        "workflow": workflow,
        "run": run,
        "report": report,
        "version": version,
        "is_open": report is None and run is not None and run.is_open,
    }
    if report is not None:
        can_waive = page.actor.can(Permission.MODELS_WAIVE, workflow.pk)
        is_newest = newest_report(version) == report
        context |= {
            "lines": gate_lines(report),
            "chip": verdict_chip(report, gates_in_force(workflow.declaration)),
            "is_newest": is_newest,
            "can_waive": can_waive and is_newest,
        }
    part = "#state" if page.htmx else ""
    answer = render(page, f"lifecycle/gate_report.html{part}", context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@require_GET
def gate_json(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Answer a report as the API does, to whoever is signed in."""
    _, workflow = open_workflow(request, slug, Permission.MODELS_VIEW)
    report, run = _found(workflow, pk)
    return JsonResponse(report_data(report, run))


@require_POST
def gate_waive(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Let the version past one gate of the report."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_WAIVE)
    report, _ = _found(workflow, pk)
    if report is None:
        raise Http404
    form = WaiveForm(request.POST)
    if not form.is_valid():
        messages.error(page, "A waiver needs a gate and a reason.")
        return redirect("lifecycle:gate-report", slug, pk)
    try:
        waive(
            report=report,
            gate=form.cleaned_data["gate"],
            reason=form.cleaned_data["reason"],
            by=page.user,
            now=timezone.now(),
        )
    except (GateWordRefused, GateWordTooLate) as refusal:
        messages.error(page, f"It was not waived: {refusal}")
    else:
        messages.success(page, "Waived. Your name and reason stay with the report.")
    return redirect("lifecycle:gate-report", slug, pk)


@require_POST
def model_approve(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Keep somebody's word for a version as champion."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_STAGE)
    version = get_object_or_404(ModelVersion, pk=pk, workflow=workflow)
    form = ApproveForm(request.POST)
    if not form.is_valid():
        messages.error(page, "An approval needs a reason.")
        return redirect("lifecycle:model-detail", slug, pk)
    seen = form.cleaned_data["report"]
    report = None
    if seen is not None:
        report = get_object_or_404(GateReport, pk=seen, model_version=version)
    try:
        approve(
            version=version,
            report=report,
            reason=form.cleaned_data["reason"],
            by=page.user,
            now=timezone.now(),
        )
    except (GateWordRefused, GateWordTooLate) as refusal:
        messages.error(page, f"It was not approved: {refusal}")
    else:
        messages.success(page, "Approved; it counts for seven days.")
    return redirect("lifecycle:model-detail", slug, pk)


def _found(workflow: Workflow, pk: UUID) -> tuple[GateReport | None, GateRun | None]:
    report, run = gate_report(pk), gate_run(pk)
    one = report or run
    if one is None or one.model_version.workflow_id != workflow.pk:
        raise Http404
    return report, run


def _version(report: GateReport | None, run: GateRun | None) -> ModelVersion:
    one = report or run
    if one is None:
        raise Http404
    return one.model_version
