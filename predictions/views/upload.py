"""The page on which a person sends a file of items."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from predictions.enums import IntakeSource
from predictions.forms_upload import UploadForm
from predictions.intake.files import read_file
from predictions.intake.readers import PayloadStopped
from predictions.models import Workflow
from predictions.services.intake import IntakeResult, store_items
from predictions.views.access import open_workflow

N_SHOWN = 50


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a file: store its items and answer with the counts and what was refused."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_ADD)
    if request.method == "GET":
        return _render(page, workflow, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _render(page, workflow, form, status=422)
    try:
        result = _store(workflow, form)
    except PayloadStopped as error:
        form.add_error("file", str(error))
        return _render(page, workflow, form, status=422)
    return _render(page, workflow, UploadForm(), result=result)


def _store(workflow: Workflow, form: UploadForm) -> IntakeResult:
    sent = form.cleaned_data["file"]
    chunks = read_file(
        sent.file,
        form.kind(),
        workflow.declaration,
        form.columns(),
        max_bytes=settings.INTAKE_MAX_UPLOAD_BYTES,
    )
    return store_items(
        workflow=workflow,
        chunks=chunks,
        source=IntakeSource.UPLOAD,
        now=timezone.now(),
    )


def _render(
    request: HttpRequest,
    workflow: Workflow,
    form: UploadForm,
    *,
    result: IntakeResult | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "workflow": workflow,
        "form": form,
        "result": result,
        "refused": result.quarantined[:N_SHOWN] if result else [],
    }
    return render(request, "predictions/upload.html", context, status=status)
