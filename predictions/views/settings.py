"""Pages about a workflow's declaration: read it, change it, create a workflow."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission, actor_of
from predictions.declaration import DeclarationError
from predictions.forms import DeclarationForm, SettingsForm
from predictions.models import WorkflowVersion
from predictions.services.workflows import (
    Overtaken,
    create_workflow,
    declare_workflow,
)
from predictions.views.access import open_workflow


@require_http_methods(["GET", "POST"])
def workflow_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the declaration in force and its versions; POST puts another in force."""
    wanted = Permission.SETTINGS_VIEW
    if request.method == "POST":
        wanted = Permission.SETTINGS_CHANGE
    page, workflow = open_workflow(request, slug, wanted)
    versions = list(
        WorkflowVersion.objects.filter(workflow=workflow)
        .select_related("created_by")
        .order_by("-version")
    )
    last = versions[0]
    form = SettingsForm(initial={"source": last.source_toml, "version": last.version})
    status = 200
    if request.method == "POST":
        form = SettingsForm(request.POST)
        changes = _declared(request, form, slug=slug)
        if changes is not None:
            text = "Nothing changed." if not changes else "; ".join(changes)
            messages.success(page, text)
            return redirect("predictions:workflow-settings", slug=workflow.slug)
        status = 422
    return render(
        page,
        "predictions/workflow_settings.html",
        {
            "workflow": workflow,
            "declaration": workflow.declaration,
            "versions": versions,
            "form": form,
            "can_change": page.actor.can(Permission.SETTINGS_CHANGE, workflow.pk),
        },
        status=status,
    )


@require_http_methods(["GET", "POST"])
def workflow_create(request: HttpRequest) -> HttpResponse:
    """Declare a new workflow; for site admins."""
    if not actor_of(request).user.is_superuser:
        raise PermissionDenied
    form = DeclarationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            created = create_workflow(
                source_toml=form.cleaned_data["source"],
                by=actor_of(request).user,
                now=timezone.now(),
            )
        except DeclarationError as error:
            _explain(form, error)
        else:
            messages.success(request, f"{created.name} is there. Add its people next.")
            return redirect("accounts:member-list", slug=created.slug)
    status = 422 if form.is_bound else 200
    return render(
        request, "predictions/workflow_create.html", {"form": form}, status=status
    )


def _declared(
    request: HttpRequest, form: SettingsForm, *, slug: str
) -> list[str] | None:
    """Put the text of a valid form in force; None when it is refused."""
    if not form.is_valid():
        return None
    try:
        _, changes = declare_workflow(
            source_toml=form.cleaned_data["source"],
            by=actor_of(request).user,
            now=timezone.now(),
            slug=slug,
            seen_version=form.cleaned_data["version"],
        )
    except Overtaken as overtaken:
        form.overtaken(overtaken.in_force)
        form.add_error(None, f"With yours: {'; '.join(overtaken.differences)}.")
        return None
    except DeclarationError as error:
        _explain(form, error)
        return None
    return changes


def _explain(form: DeclarationForm, error: DeclarationError) -> None:
    for one in error.errors:
        form.add_error("source", f"{one.field}: {one.rule} ({one.value!r})")
