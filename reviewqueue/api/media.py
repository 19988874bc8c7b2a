"""Images and sound over the API: sent before an item, and looked at."""

from typing import Annotated, TypedDict
from uuid import UUID

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from pydantic import Field, WithJsonSchema
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.declaration_media import MediaSlot
from predictions.enums import DerivativeName
from predictions.media.terms import MediaRefused
from predictions.media_downloads import media_response
from predictions.models import MediaFile, Workflow
from predictions.queries.media import is_of_sites, visible_media
from predictions.services.media import keep_media, most_bytes
from predictions.services.media_removal import remove_media
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.bodies import is_form, read_form, read_raw
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.api.shapes_media import MediaShape, media_shape
from reviewqueue.api.snapshots import AnyRenderer

FILE = "file"
_KEPT_TYPES = ("image/png", "image/jpeg", "image/webp", "audio/wav")
_MADE_TYPES = ("image/jpeg", "image/webp", "application/json")


class MediaSent(TypedDict):
    """A file; its content says what it is."""

    file: Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})]


class MediaRemovalAsked(TypedDict):
    """Why the file goes; people read it in its place."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class MediaList(Operation):
    parser_classes = [MultiPartParser, JSONParser]

    @documented(
        "media_create",
        summary="Send an image or sound before the item that names it",
        description=(
            "The file as the body, or as `file` of a form. Its content says what it "
            "is; metadata is taken out. 200: the workflow has it already. What no item "
            "refers to within a day is removed."
        ),
        parameters=[
            SLUG,
            OpenApiParameter("slot", str, description="whose limits count"),
        ],
        request={
            "application/octet-stream": OpenApiTypes.BINARY,
            "multipart/form-data": object_of(MediaSent),
        },
        answers={200: object_of(MediaShape), 201: object_of(MediaShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_ADD)
        slot = _slot(request, workflow)
        limit = slot.max_bytes if slot else most_bytes(workflow.declaration)
        try:
            kept = keep_media(
                workflow=workflow,
                data=_body(request, limit),
                by=self.user(request),
                now=timezone.now(),
                slot=slot,
            )
        except MediaRefused as refused:
            raise InvalidRequest([refused.error(FILE)]) from refused
        return Response(media_shape(kept.media), status=201 if kept.is_new else 200)


def _slot(request: Request, workflow: Workflow) -> MediaSlot | None:
    name = request.query_params.get("slot")
    if not workflow.declaration.media:
        raise InvalidRequest([FieldError(FILE, "no_slots", workflow.slug)])
    slot = workflow.declaration.media_slot(name) if name else None
    if name and slot is None:
        raise InvalidRequest([FieldError("slot", "value", name)])
    return slot


def _body(request: Request, limit: int) -> bytes:
    if not is_form(request):
        return read_raw(request, max_bytes=limit)
    sent = read_form(request).files.get(FILE)
    if sent is None:
        raise InvalidRequest([FieldError(FILE, "missing")])
    data: bytes = sent.read(limit + 1)
    return data


class MediaDetail(Operation):
    renderer_classes = [JSONRenderer, AnyRenderer]

    @documented(
        "media_download",
        summary="The file as it is kept, or a part of it (`Range`)",
        parameters=[
            OpenApiParameter("Range", str, OpenApiParameter.HEADER),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
        ],
        answers={
            **{(200, kind): OpenApiTypes.BINARY for kind in _KEPT_TYPES},
            **{(206, kind): OpenApiTypes.BINARY for kind in _KEPT_TYPES},
            304: None,
            416: None,
        },
        errors=[410],
    )
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        return media_response(request._request, _visible(self, request, pk))


class MediaDerived(Operation):
    renderer_classes = [JSONRenderer, AnyRenderer]

    @documented(
        "media_derivative",
        summary="A smaller image, or the peaks of a sound, once a worker has made it",
        parameters=[
            OpenApiParameter(
                "derivative", str, OpenApiParameter.PATH, enum=DerivativeName.values
            )
        ],
        answers={
            **{(200, kind): OpenApiTypes.BINARY for kind in _MADE_TYPES},
            **{(206, kind): OpenApiTypes.BINARY for kind in _MADE_TYPES},
            304: None,
            416: None,
        },
        errors=[410],
    )
    def get(self, request: Request, pk: UUID, derivative: str) -> HttpResponseBase:
        media = _visible(self, request, pk)
        return media_response(request._request, media, derivative)


class MediaRemove(Operation):
    @documented(
        "media_remove",
        summary="Remove a file for good, from every item that has it",
        description="The row stays and says when, by whom and why; the bytes go.",
        request=object_of(MediaRemovalAsked),
        answers={200: object_of(MediaShape)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        media = visible_media(pk)
        self.actor(request).require(Permission.MEDIA_REMOVE, media.workflow_id)
        body = read_object(request, ["reason"])
        removed = remove_media(
            media_id=media.pk,
            by=self.user(request),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response(media_shape(removed))


def _visible(view: Operation, request: Request, pk: UUID) -> MediaFile:
    media = visible_media(pk)
    actor = view.actor(request)
    actor.require(Permission.ITEMS_VIEW, media.workflow_id, by_site=True)
    if not is_of_sites(media, actor.sites(media.workflow_id)):
        raise MediaFile.DoesNotExist
    return media
