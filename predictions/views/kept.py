"""What the pages share that show a file before it is taken in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.utils import timezone

from accounts.access import AuthenticatedRequest
from predictions.declaration import Declaration
from predictions.enums import KeptPurpose
from predictions.forms_readings import MachineColumnsForm, TableFileForm
from predictions.intake.files import kind_of, read_file, read_header
from predictions.intake.readers import PayloadStopped
from predictions.models import KeptFile, Workflow
from predictions.services.kept_files import drop_kept, keep_file, open_kept
from predictions.services.media_storage import MediaUnavailable
from predictions.services.series import NoSeries


def kept_of(
    page: AuthenticatedRequest,
    workflow: Workflow,
    form: TableFileForm,
    purpose: KeptPurpose,
) -> tuple[KeptFile | None, int]:
    """Keep the file of a form, or have the form say why not, with a status."""
    if form.is_valid() and workflow.declaration.series is None:
        form.add_error(None, str(NoSeries()))
    if not form.is_valid():
        return None, 422
    try:
        kept = keep_file(
            workflow=workflow,
            purpose=purpose,
            content=form.cleaned_data["table"],
            by=page.user,
            now=timezone.now(),
        )
    except MediaUnavailable as error:
        form.add_error("table", str(error))
        return None, 503
    return kept, 302


def own_file(
    page: AuthenticatedRequest, workflow: Workflow, pk: UUID, purpose: KeptPurpose
) -> KeptFile:
    """Return a file that the person sent. Raises: Http404."""
    return get_object_or_404(
        KeptFile, pk=pk, workflow=workflow, purpose=purpose, created_by=page.user
    )


def header_of(kept: KeptFile) -> list[str]:
    """Return the columns of a file, as far as it has any. Raises: MediaUnavailable."""
    with open_kept(kept) as file:
        try:
            kind = kind_of(kept.name)
            most = settings.INTAKE_MAX_UPLOAD_BYTES
            return read_header(cast("BinaryIO", file), kind, max_bytes=most)
        except PayloadStopped:
            return []  # it is said where the file is read


@contextmanager
def chunks_of(
    kept: KeptFile, form: MachineColumnsForm, declaration: Declaration
) -> Iterator[Iterator[list[object]]]:
    """Read the file by the columns of a valid form, while the block lasts.

    Raises: MediaUnavailable; PayloadStopped while read.
    """
    with open_kept(kept) as file:
        yield read_file(
            cast("BinaryIO", file),
            form.file_kind(),
            declaration,
            form.columns(),
            max_bytes=settings.INTAKE_MAX_UPLOAD_BYTES,
        )


def drop(kept: KeptFile) -> None:
    """Forget a file that was taken in; the sweep does, should it fail."""
    try:
        drop_kept(kept)
    except MediaUnavailable:
        return
