"""Pages of snapshots."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from accounts.permissions import Permission
from predictions.views.access import open_workflow


def snapshot_list(request: HttpRequest, slug: str) -> HttpResponse:
    open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    return HttpResponse()


def snapshot_create(request: HttpRequest, slug: str) -> HttpResponse:
    open_workflow(request, slug, Permission.SNAPSHOTS_CREATE)
    return HttpResponse()


def snapshot_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    return HttpResponse()


def snapshot_download(
    request: HttpRequest, slug: str, pk: UUID, file_format: str
) -> HttpResponse:
    open_workflow(request, slug, Permission.SNAPSHOTS_VIEW)
    return HttpResponse()
