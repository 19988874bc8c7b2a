"""The page on which a person sends a file of items."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from accounts.queries import open_sites
from predictions.enums import IntakeSource
from predictions.forms_item import ItemForm
from predictions.forms_readings import TableFileForm
from predictions.forms_upload import UploadForm
from predictions.intake.files import read_file
from predictions.intake.readers import PayloadStopped
from predictions.models import Workflow
from predictions.queries.media import archives_of
from predictions.services.intake import IntakeResult, store_in_steps, store_items
from predictions.services.item_files import item_with_files
from predictions.services.media_archives import keep_archive
from predictions.services.media_storage import MediaUnavailable
from predictions.views.access import open_workflow

N_SHOWN = 50
STEPS = "application/x-ndjson"


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    """Take a file: store its items and answer with the counts and what was refused.

    To who accepts NDJSON the counts are told after each step, and the page comes last.
    """
    page, workflow = open_workflow(request, slug, Permission.ITEMS_ADD, by_site=True)
    if request.method == "GET":
        return render_upload(page, workflow, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return render_upload(page, workflow, form, status=422)
    if form.is_archive():
        # What an archive holds is only known when a worker opens it.
        page.actor.require(Permission.ITEMS_ADD, workflow.pk)
        return _archive(page, workflow, form)
    if request.headers.get("Accept", "").startswith(STEPS):
        answer = StreamingHttpResponse(_told(page, workflow, form), content_type=STEPS)
        answer["X-Accel-Buffering"] = "no"  # a proxy that waits would tell nothing
        return answer
    result = IntakeResult()
    try:
        for step in _steps(page, workflow, form):
            result = step
    except PayloadStopped as error:
        return _stopped(page, workflow, form, error)
    return render_upload(page, workflow, UploadForm(), result=result)


@require_POST
def upload_item(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one item with its files, and answer with what became of it."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_ADD, by_site=True)
    form = _item_form(page, workflow, request.POST, request.FILES)
    if not form.is_valid():
        return render_upload(page, workflow, UploadForm(), item_form=form, status=422)
    now = timezone.now()
    try:
        raw = item_with_files(
            workflow=workflow,
            raw=form.raw(),
            files=form.sent_files(),
            by=page.user,
            now=now,
        )
    except MediaUnavailable as error:
        form.add_error(None, str(error))
        return render_upload(page, workflow, UploadForm(), item_form=form, status=503)
    result = store_items(
        workflow=workflow,
        chunks=[[raw]],
        source=IntakeSource.UPLOAD,
        now=now,
        sites=page.actor.sites(workflow.pk),
    )
    return render_upload(page, workflow, UploadForm(), result=result)


def _archive(
    page: AuthenticatedRequest, workflow: Workflow, form: UploadForm
) -> HttpResponse:
    """Keep an archive, and lead to the page that tells how far a worker is with it."""
    try:
        archive = keep_archive(
            workflow=workflow,
            content=form.cleaned_data["file"],
            by=page.user,
            now=timezone.now(),
        )
    except MediaUnavailable as error:
        form.add_error("file", str(error))
        return render_upload(page, workflow, form, status=503)
    return redirect("predictions:archive-detail", slug=workflow.slug, pk=archive.pk)


def _steps(
    page: AuthenticatedRequest, workflow: Workflow, form: UploadForm
) -> Iterator[IntakeResult]:
    sent = form.cleaned_data["file"]
    chunks = read_file(
        sent.file,
        form.kind(),
        workflow.declaration,
        form.columns(),
        max_bytes=settings.INTAKE_MAX_UPLOAD_BYTES,
    )
    return store_in_steps(
        workflow=workflow,
        chunks=chunks,
        source=IntakeSource.UPLOAD,
        now=timezone.now(),
        sites=page.actor.sites(workflow.pk),
    )


def _told(
    request: AuthenticatedRequest, workflow: Workflow, form: UploadForm
) -> Iterator[bytes]:
    """Yield a line of JSON for each step, then one that holds the page."""
    result = IntakeResult()
    try:
        for result in _steps(request, workflow, form):
            yield _line(
                stored=result.accepted,
                duplicates=result.duplicates,
                refused=result.n_quarantined,
            )
    except PayloadStopped as error:
        answer = _stopped(request, workflow, form, error)
    else:
        answer = render_upload(request, workflow, UploadForm(), result=result)
    yield _line(status=answer.status_code, page=answer.content.decode())


def _line(**told: object) -> bytes:
    return orjson.dumps(told) + b"\n"


def _stopped(
    request: AuthenticatedRequest,
    workflow: Workflow,
    form: UploadForm,
    error: PayloadStopped,
) -> HttpResponse:
    form.add_error("file", str(error))
    return render_upload(request, workflow, form, status=422)


def _item_form(
    page: AuthenticatedRequest,
    workflow: Workflow,
    data: Mapping[str, Any] | None = None,
    files: "MultiValueDict[str, UploadedFile[Any]] | None" = None,
) -> ItemForm:
    return ItemForm(
        workflow.declaration,
        data,
        files,
        sites=list(open_sites(page.actor, workflow.pk)),
        initial={"occurred_at": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")},
    )


def render_upload(
    request: AuthenticatedRequest,
    workflow: Workflow,
    form: UploadForm,
    *,
    result: IntakeResult | None = None,
    item_form: ItemForm | None = None,
    table_form: TableFileForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the page with its forms, or with the answer to one."""
    if item_form is None and workflow.declaration.media:
        item_form = _item_form(request, workflow)
    sees_all = request.actor.sites(workflow.pk) is None
    context = {
        "workflow": workflow,
        "form": form,
        "item_form": item_form,
        "table_form": table_form or TableFileForm(),
        "archives": archives_of(workflow) if sees_all else [],
        "result": result,
        "refused": result.quarantined[:N_SHOWN] if result else [],
    }
    return render(request, "predictions/upload.html", context, status=status)
