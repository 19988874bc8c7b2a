"""Pages about model versions: list, one version, stage moves, rollback."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from lifecycle.forms import RollbackForm, StageForm
from lifecycle.queries.gates import newest_verdicts
from lifecycle.views.standing import standing
from predictions.enums import BESIDE, STAGE_TRANSITIONS, Stage
from predictions.models import ModelVersion, Workflow
from predictions.queries.model_reports import model_facts
from predictions.queries.model_versions import (
    champion_of,
    events_of,
    former_champion,
    model_versions,
    recent_failures,
    recommending_since,
)
from predictions.services.novelty import novelty_standing
from predictions.services.promotion import StageRefused
from predictions.services.route_shares import DEFAULT_SHARE
from predictions.views.access import open_workflow
from reviewqueue.services.stages import move_version, roll_back_champion


@require_GET
def model_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the versions of a workflow and what failed lately."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_VIEW)
    verdicts = newest_verdicts(workflow)
    return render(
        page,
        "lifecycle/model_list.html",
        {
            "workflow": workflow,
            "versions": [
                (
                    version,
                    model_facts(version, workflow.declaration).test,
                    verdicts.get(version.pk),
                )
                for version in model_versions(workflow)
            ],
            "champion": champion_of(workflow),
            "former": former_champion(workflow),
            "failures": recent_failures(workflow, now=timezone.now()),
            "can_stage": page.actor.can(Permission.MODELS_STAGE, workflow.pk),
            "can_register": page.actor.can(Permission.MODELS_REGISTER, workflow.pk),
            "rollback_form": RollbackForm(),
        },
    )


@require_GET
def model_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show one version: report, columns, calibration, events, where it may go."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_VIEW)
    return _detail(page, workflow, pk, StageForm(), status=200)


@require_POST
def model_stage(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Move a version to another stage."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_STAGE)
    form = StageForm(request.POST)
    if not form.is_valid():
        return _detail(page, workflow, pk, form, status=422)
    version = get_object_or_404(ModelVersion, pk=pk, workflow=workflow)
    try:
        moved = move_version(
            version=version,
            to=Stage(form.cleaned_data["to"]),
            by=page.user,
            reason=form.cleaned_data["reason"],
            share=form.share(),
            now=timezone.now(),
        )
    except StageRefused as refusal:
        form.add_error(None, str(refusal))
        return _detail(page, workflow, pk, form, status=409)
    messages.success(page, f"{moved.short_name} is {moved.get_stage_display()} now.")
    return redirect("lifecycle:model-detail", slug=slug, pk=pk)


@require_POST
def model_rollback(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring back the champion before the present one; show what it decided alone."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_STAGE)
    form = RollbackForm(request.POST)
    if not form.is_valid():
        messages.error(page, "A rollback needs a reason.")
        return redirect("lifecycle:model-list", slug=slug)
    retired = champion_of(workflow)
    try:
        version = roll_back_champion(
            workflow=workflow,
            by=page.user,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except StageRefused as refusal:
        messages.error(page, str(refusal))
    else:
        messages.success(page, f"Rolled back: {version.short_name} is champion again.")
        if retired and page.actor.can(Permission.CASES_MANAGE, workflow.pk):
            return redirect(_repair_address(workflow, retired))
    return redirect("lifecycle:model-list", slug=slug)


def _repair_address(workflow: Workflow, retired: ModelVersion) -> str:
    """Where what a version decided alone since it began is put back into the queue."""
    since = recommending_since(retired) or retired.stage_changed_at
    scope = {"version": retired.number, "since": since.isoformat()}
    address = reverse("reviewqueue:repair", kwargs={"slug": workflow.slug})
    return f"{address}?{urlencode(scope)}"


def _repair_offered(
    page: AuthenticatedRequest, workflow: Workflow, version: ModelVersion
) -> str:
    """Where what the version decided alone is looked at; empty without any or right."""
    may_repair = page.actor.can(Permission.CASES_MANAGE, workflow.pk)
    if not may_repair or recommending_since(version) is None:
        return ""
    return _repair_address(workflow, version)


def _detail(
    page: AuthenticatedRequest,
    workflow: Workflow,
    pk: UUID,
    form: StageForm,
    *,
    status: int,
) -> HttpResponse:
    version = get_object_or_404(ModelVersion, pk=pk, workflow=workflow)
    version.workflow = workflow
    stages = sorted(STAGE_TRANSITIONS[Stage(version.stage)], key=list(Stage).index)
    return render(
        page,
        "lifecycle/model_detail.html",
        {
            "workflow": workflow,
            "version": version,
            "facts": model_facts(version, workflow.declaration),
            "events": events_of(version),
            "stages": stages,
            "form": form,
            "percent": f"{(version.route_share or DEFAULT_SHARE) * 100:g}",
            "can_stage": page.actor.can(Permission.MODELS_STAGE, workflow.pk),
            "is_beside": version.stage in BESIDE,
            "repair": _repair_offered(page, workflow, version),
            "gates": standing(page, workflow, version),
            "novelty": novelty_standing(version),
        },
        status=status,
    )
