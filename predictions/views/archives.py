"""The page of an archive: how far a worker got with it, and what was refused."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from predictions.enums import ArchiveStatus
from predictions.models import MediaArchive
from predictions.views.access import open_workflow


@require_GET
def archive_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show one archive; while it is read, the page asks again by itself."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_ADD)
    stored = MediaArchive.objects.exclude(status=ArchiveStatus.STORING)
    archive = get_object_or_404(
        stored.select_related("created_by"), pk=pk, workflow=workflow
    )
    context = {"workflow": workflow, "archive": archive}
    part = "#state" if page.htmx else ""
    return render(page, f"predictions/archive_detail.html{part}", context)
