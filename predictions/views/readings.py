"""The pages on which a person sends readings of machines: look first, then take in."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from predictions.declaration import Declaration
from predictions.enums import KeptPurpose
from predictions.forms_readings import (
    MachineColumnsForm,
    TableFileForm,
    guessed_columns,
)
from predictions.forms_upload import UploadForm
from predictions.intake.readers import PayloadStopped
from predictions.intake.readings import reading_declaration
from predictions.models import KeptFile, Workflow
from predictions.services.media_storage import MediaUnavailable
from predictions.services.reading_checks import ReadingsLookedAt, look_at_readings
from predictions.services.series import NoSeries, ReadingsStored, store_readings
from predictions.views.access import open_workflow
from predictions.views.kept import chunks_of, drop, header_of, kept_of, own_file
from predictions.views.upload import N_SHOWN, render_upload


@require_POST
def upload_readings(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep a file of readings, and lead to the page that says what it holds."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_ADD, by_site=True)
    form = TableFileForm(request.POST, request.FILES)
    kept, status = kept_of(page, workflow, form, KeptPurpose.READINGS)
    if kept is None:
        return render_upload(
            page, workflow, UploadForm(), table_form=form, status=status
        )
    return redirect("predictions:kept-readings", slug=slug, pk=kept.pk)


@require_http_methods(["GET", "POST"])
def kept_readings(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Say what would become of a file of readings; a POST with `take` takes it in."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_ADD, by_site=True)
    kept = own_file(page, workflow, pk, KeptPurpose.READINGS)
    try:
        return _answer(page, workflow, kept)
    except MediaUnavailable as error:
        messages.error(page, str(error))
        return redirect("predictions:upload", slug=slug)


def _answer(
    page: AuthenticatedRequest, workflow: Workflow, kept: KeptFile
) -> HttpResponse:
    is_asked = page.method == "POST"
    if is_asked:
        data = page.POST.dict()
    else:
        data = guessed_columns(header_of(kept), workflow.declaration)
    form = MachineColumnsForm(data, name=kept.name)
    if not form.is_valid():
        return _render(page, workflow, kept, form, status=422)
    try:
        if is_asked and "take" in page.POST:
            result = _taken(page, workflow, kept, form)
            drop(kept)
            return _render(page, workflow, kept, form, result=result)
        found = _looked_at(page, workflow, kept, form)
    except (NoSeries, PayloadStopped) as error:
        form.add_error(None, str(error))
        return _render(page, workflow, kept, form, status=422)
    return _render(page, workflow, kept, form, found=found, result=found.result)


def _looked_at(
    page: AuthenticatedRequest,
    workflow: Workflow,
    kept: KeptFile,
    form: MachineColumnsForm,
) -> ReadingsLookedAt:
    with chunks_of(kept, form, _of_readings(workflow)) as chunks:
        return look_at_readings(
            workflow=workflow,
            chunks=chunks,
            now=timezone.now(),
            sites=page.actor.sites(workflow.pk),
        )


def _taken(
    page: AuthenticatedRequest,
    workflow: Workflow,
    kept: KeptFile,
    form: MachineColumnsForm,
) -> ReadingsStored:
    with chunks_of(kept, form, _of_readings(workflow)) as chunks:
        return store_readings(
            workflow=workflow,
            chunks=chunks,
            now=timezone.now(),
            sites=page.actor.sites(workflow.pk),
        )


def _of_readings(workflow: Workflow) -> Declaration:
    """Return what cells are read by. Raises: NoSeries."""
    if workflow.declaration.series is None:
        raise NoSeries
    return reading_declaration(workflow.declaration, workflow.declaration.series)


def _render(
    request: AuthenticatedRequest,
    workflow: Workflow,
    kept: KeptFile,
    form: MachineColumnsForm,
    *,
    found: ReadingsLookedAt | None = None,
    result: ReadingsStored | None = None,
    status: int = 200,
) -> HttpResponse:
    names = sorted(
        {name for one in found.sample for name in one.values} if found else ()
    )
    context = {
        "workflow": workflow,
        "kept": kept,
        "form": form,
        "found": found,
        "result": result,
        "refused": result.refused[:N_SHOWN] if result else [],
        "names": names,
        "sample": [
            (one, [one.values.get(name) for name in names])
            for one in (found.sample if found else ())
        ],
    }
    return render(request, "predictions/kept_readings.html", context, status=status)
