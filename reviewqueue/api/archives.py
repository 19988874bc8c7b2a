"""Archives of items with their files over the API."""

from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.enums import ArchiveStatus
from predictions.models import MediaArchive
from predictions.services.media_archives import keep_archive
from reviewqueue.api.base import BODY_ERRORS, SLUG, Operation, documented
from reviewqueue.api.bodies import is_form, read_form, spooled
from reviewqueue.api.media import FILE, MediaSent
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.api.shapes_media import ArchiveShape, archive_shape


class ArchiveList(Operation):
    parser_classes = [MultiPartParser, JSONParser]

    @documented(
        "archive_create",
        summary="Send a ZIP of items with their files, which a worker reads",
        description=(
            "With one manifest at its root: `manifest.ndjson`, items whose `media` "
            "name files of the archive, or `manifest.csv` with a column for each slot. "
            "The archive is the body, or `file` of a form. A 202 means that it is "
            "stored; sending the same again is safe."
        ),
        parameters=[SLUG],
        request={
            "application/zip": OpenApiTypes.BINARY,
            "multipart/form-data": object_of(MediaSent),
        },
        answers={202: object_of(ArchiveShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_ADD)
        limit: int = settings.INTAKE_MAX_UPLOAD_BYTES
        if is_form(request):
            sent = read_form(request, max_bytes=limit).files.get(FILE)
            if sent is None:
                raise InvalidRequest([FieldError(FILE, "missing")])
            content: File[bytes] = sent
        else:
            content = spooled(request, max_bytes=limit)
        with content:
            archive = keep_archive(
                workflow=workflow,
                content=content,
                by=self.user(request),
                now=timezone.now(),
            )
        location = f"/api/v1/archives/{archive.pk}"
        return Response(
            archive_shape(archive), status=202, headers={"Location": location}
        )


class ArchiveDetail(Operation):
    @documented(
        "archive_detail",
        summary="How far a worker got with an archive",
        answers={200: object_of(ArchiveShape)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        stored = MediaArchive.objects.exclude(status=ArchiveStatus.STORING)
        archive = stored.select_related("workflow").get(pk=pk)
        self.actor(request).require(Permission.ITEMS_ADD, archive.workflow_id)
        return Response(archive_shape(archive))
