"""Large files in parts: begin, add where it stopped, complete."""

from typing import Annotated, NotRequired, TypedDict
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.enums import UploadPurpose
from predictions.media.terms import MediaRefused
from predictions.models import MediaUpload
from predictions.services.media_uploads import (
    MAX_PART_BYTES,
    UploadTerms,
    add_part,
    begin_upload,
    complete_upload,
)
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.bodies import read_raw
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import OneOf, object_of
from reviewqueue.api.shapes_media import UploadShape, upload_shape

OFFSET = "Upload-Offset"
HASH = r"^[0-9a-f]{64}$"


class UploadAsked(TypedDict):
    """What is to come. `sha256`, where it is known, is held against the whole."""

    n_bytes: Annotated[int, Field(ge=1)]
    purpose: NotRequired[Annotated[str, OneOf(UploadPurpose)]]
    sha256: NotRequired[Annotated[str, Field(pattern=HASH)]]
    slot: NotRequired[str]


class UploadList(Operation):
    @documented(
        "upload_create",
        summary="Begin a large file that comes in parts; kept for a day",
        parameters=[SLUG],
        request=object_of(UploadAsked),
        answers={201: object_of(UploadShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_ADD)
        body = read_object(
            request, list(UploadAsked.__annotations__), required=["n_bytes"]
        )
        n_bytes, purpose = body["n_bytes"], body.get("purpose") or "media"
        digest = text_field(body, "sha256", max_length=64)
        errors = []
        if not isinstance(n_bytes, int) or isinstance(n_bytes, bool):
            errors.append(FieldError("n_bytes", "type", str(n_bytes)[:50]))
        if purpose not in UploadPurpose.values:
            errors.append(FieldError("purpose", "value", str(purpose)[:50]))
        if digest and not _is_hash(digest):
            errors.append(FieldError("sha256", "value", digest))
        if errors:
            raise InvalidRequest(errors)
        slot = text_field(body, "slot", max_length=40)
        upload = begin_upload(
            workflow=workflow,
            terms=UploadTerms(UploadPurpose(purpose), n_bytes, digest, slot),
            by=self.user(request),
            now=timezone.now(),
        )
        location = f"/api/v1/uploads/{upload.pk}"
        return Response(
            upload_shape(upload), status=201, headers={"Location": location}
        )


class UploadDetail(Operation):
    @documented(
        "upload_detail",
        summary="Where an upload goes on",
        answers={200: object_of(UploadShape)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        return _told(_own(self, request, pk))

    @documented(
        "upload_part",
        summary="Add the bytes that begin at `Upload-Offset`",
        description=(
            f"At most {MAX_PART_BYTES:,} bytes. 409: the upload goes on elsewhere, at "
            "the header `Upload-Offset` of the answer."
        ),
        parameters=[
            OpenApiParameter(OFFSET, int, OpenApiParameter.HEADER, required=True)
        ],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        answers={200: object_of(UploadShape)},
        errors=[*BODY_ERRORS, 409],
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        upload = _own(self, request, pk)
        given = request.headers.get(OFFSET, "")
        if not (given.isascii() and given.isdecimal() and len(given) < 19):
            raise InvalidRequest([FieldError(OFFSET, "type", given[:50])])
        data = read_raw(request, max_bytes=MAX_PART_BYTES)
        return _told(add_part(upload=upload, offset=int(given), data=data))


class UploadComplete(Operation):
    @documented(
        "upload_complete",
        summary="Make of a whole upload what it is to become",
        description="The answer names the `media` or the `archive`. Safe to repeat.",
        request=None,
        answers={200: object_of(UploadShape)},
        errors=[409, 422],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        upload = _own(self, request, pk)
        try:
            whole = complete_upload(
                upload=upload, by=self.user(request), now=timezone.now()
            )
        except MediaRefused as refused:
            raise InvalidRequest([refused.error("file")]) from refused
        return _told(whole)


def _own(view: Operation, request: Request, pk: UUID) -> MediaUpload:
    upload = MediaUpload.objects.select_related("workflow").get(pk=pk)
    view.actor(request).require(Permission.ITEMS_ADD, upload.workflow_id)
    return upload


def _told(upload: MediaUpload) -> Response:
    return Response(upload_shape(upload), headers={OFFSET: str(upload.offset)})


def _is_hash(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
