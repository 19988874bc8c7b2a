"""The page on which a model that runs elsewhere is registered."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from lifecycle.forms_external import ExternalForm
from predictions.learning.features import columns_to_json
from predictions.models import Workflow
from predictions.services.columns import model_columns
from predictions.services.registry import RegistrationRefused, register_external
from predictions.views.access import open_workflow


def _as_declared(workflow: Workflow) -> dict[str, object]:
    """Describe a model that reads and says all that the workflow declares."""
    columns = columns_to_json(model_columns(workflow.declaration))
    labels = list(workflow.declaration.label_keys)
    return {"description": {"columns": columns, "label_keys": labels}}


@require_http_methods(["GET", "POST"])
def model_external(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for an address and its description; a POST asks the address and registers."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_REGISTER)
    form = ExternalForm(request.POST or None, initial=_as_declared(workflow))
    if form.is_valid():
        try:
            version = register_external(
                workflow=workflow,
                endpoint=form.cleaned_data["endpoint"],
                description=form.cleaned_data["description"],
                by=page.user,
                now=timezone.now(),
            )
        except RegistrationRefused as refusal:
            form.refuse(refusal.errors)
        else:
            messages.success(page, f"{version.short_name} is registered, a candidate.")
            return redirect("lifecycle:model-detail", slug=slug, pk=version.pk)
    return render(
        page,
        "lifecycle/model_external.html",
        {
            "workflow": workflow,
            "form": form,
            # Where, and never with what secret.
            "allowed": sorted(settings.EXTERNAL_MODELS),
        },
        status=422 if form.is_bound else 200,
    )
