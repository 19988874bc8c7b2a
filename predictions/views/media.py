"""Images and sound for pages: only to whoever may see the workflow's items."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission
from predictions.media_downloads import MediaRemoved, media_response
from predictions.models import MediaFile, Workflow
from predictions.queries.media import is_of_sites, visible_media
from predictions.services.media_removal import (
    AlreadyRemoved,
    ReasonNeeded,
    remove_media,
)
from predictions.services.media_storage import MediaUnavailable
from predictions.views.access import open_workflow


@require_POST
def media_remove(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Remove a file for a reason, and go back to the item that it was seen on."""
    page, workflow = open_workflow(request, slug, Permission.MEDIA_REMOVE)
    media = _media(workflow, pk)
    try:
        remove_media(
            media_id=media.pk,
            by=page.user,
            reason=request.POST.get("reason", ""),
            now=timezone.now(),
        )
    except (ReasonNeeded, AlreadyRemoved) as refused:
        messages.error(page, str(refused))
    else:
        messages.success(page, "The file was removed from every item that had it.")
    seen_on = media.item_media.filter(item_id=_uuid(request.POST.get("item", "")))
    if not seen_on.exists():
        return redirect("reviewqueue:item-list", slug=workflow.slug)
    item_id = seen_on.values_list("item_id", flat=True)[:1].get()
    return redirect("reviewqueue:item-detail", slug=workflow.slug, pk=item_id)


@require_safe
def media_file(
    request: HttpRequest, slug: str, pk: UUID, derivative: str = ""
) -> HttpResponseBase:
    """Answer with a file of the workflow, or with what was made of it."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_VIEW, by_site=True)
    media = _media(workflow, pk)
    if not is_of_sites(media, page.actor.sites(workflow.pk)):
        raise Http404
    try:
        return media_response(request, media, derivative)
    except MediaRemoved as removed:
        return HttpResponse(str(removed), status=410, content_type="text/plain")
    except MediaUnavailable as error:
        return HttpResponse(str(error), status=503, content_type="text/plain")


def _media(workflow: Workflow, pk: UUID) -> MediaFile:
    """Return a file of the workflow. Raises: Http404."""
    try:
        media = visible_media(pk)
    except MediaFile.DoesNotExist as error:
        raise Http404 from error
    if media.workflow_id != workflow.pk:
        raise Http404
    return media


def _uuid(text: str) -> UUID:
    """Read an id; what is none is that of nothing."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
