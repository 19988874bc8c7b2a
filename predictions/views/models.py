"""Pages about model versions: list, one version, stage moves, rollback."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission
from predictions.enums import STAGE_TRANSITIONS, Stage
from predictions.forms import RollbackForm, StageForm
from predictions.models import ModelVersion, Workflow
from predictions.queries.model_versions import (
    champion_of,
    events_of,
    former_champion,
    model_versions,
    recent_failures,
)
from predictions.services.registry import StageRefused, change_stage, roll_back
from predictions.views.access import AuthenticatedRequest, open_workflow


@require_GET
def model_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the versions of a workflow and what failed lately."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_VIEW)
    return render(
        page,
        "predictions/model_list.html",
        {
            "workflow": workflow,
            "versions": model_versions(workflow),
            "champion": champion_of(workflow),
            "former": former_champion(workflow),
            "failures": recent_failures(workflow, now=timezone.now()),
            "can_stage": page.actor.can(Permission.MODELS_STAGE, workflow.pk),
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
        moved = change_stage(
            version=version,
            to=Stage(form.cleaned_data["to"]),
            by=page.user,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except StageRefused as refusal:
        form.add_error(None, str(refusal))
        return _detail(page, workflow, pk, form, status=409)
    messages.success(page, f"{moved.short_name} is {moved.get_stage_display()} now.")
    return redirect("predictions:model-detail", slug=slug, pk=pk)


@require_POST
def model_rollback(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring back the champion before the present one."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_STAGE)
    form = RollbackForm(request.POST)
    if not form.is_valid():
        messages.error(page, "A rollback needs a reason.")
        return redirect("predictions:model-list", slug=slug)
    try:
        version = roll_back(
            workflow=workflow,
            by=page.user,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except StageRefused as refusal:
        messages.error(page, str(refusal))
    else:
        messages.success(page, f"Rolled back: {version.short_name} is champion again.")
    return redirect("predictions:model-list", slug=slug)


def _detail(
    page: AuthenticatedRequest,
    workflow: Workflow,
    pk: UUID,
    form: StageForm,
    *,
    status: int,
) -> HttpResponse:
    version = get_object_or_404(ModelVersion, pk=pk, workflow=workflow)
    stages = sorted(STAGE_TRANSITIONS[Stage(version.stage)], key=list(Stage).index)
    return render(
        page,
        "predictions/model_detail.html",
        {
            "workflow": workflow,
            "version": version,
            "events": events_of(version),
            "stages": stages,
            "form": form,
            "can_stage": page.actor.can(Permission.MODELS_STAGE, workflow.pk),
        },
        status=status,
    )
