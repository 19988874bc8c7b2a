"""Labelled feedback over the API."""

from datetime import datetime
from typing import Annotated, Any, TypedDict
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.intake.values import parse_moment
from predictions.services.unmasking import note_unmasked_snapshot
from reviewqueue.api.base import BODY_ERRORS, SLUG, Operation, documented, read_object
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed
from reviewqueue.api.problems import InvalidRequest, SnapshotNotReady
from reviewqueue.api.schema import OneOf, object_of
from reviewqueue.api.shapes_registry import SnapshotShape, snapshot_shape
from reviewqueue.downloads import CONTENT_TYPES, download
from reviewqueue.enums import LabelSource, SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.snapshots import request_snapshot


class SnapshotAsked(TypedDict, total=False):
    """Which labelled items are wanted; what is left out means all, and now."""

    as_of: datetime | None
    labelled_from: datetime | None
    labelled_to: datetime | None
    sources: list[Annotated[str, OneOf(LabelSource)]]
    labels: list[str]
    only_blind: bool
    only_audit: bool
    unmasked: bool


class SnapshotList(Operation):
    @documented(
        "snapshot_list",
        summary="Snapshots, newest first",
        parameters=[SLUG, LIMIT, CURSOR],
        answers={200: object_of(Page[SnapshotShape], "SnapshotPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.SNAPSHOTS_VIEW)
        rows = Snapshot.objects.filter(workflow=workflow).select_related("workflow")
        return listed(request, rows, lambda found: [snapshot_shape(s) for s in found])

    @documented(
        "snapshot_create",
        summary="Ask for labelled feedback as of now, or of an earlier moment",
        description=(
            "Personal data in texts is masked. With `unmasked`, which needs "
            "`items.unmask`, it is not: such a snapshot is downloaded with the same "
            "permission, each time is noted in the access log, and nothing is trained "
            "on it."
        ),
        parameters=[SLUG],
        request=object_of(SnapshotAsked),
        answers={202: object_of(SnapshotShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.SNAPSHOTS_CREATE)
        body = read_object(request, list(SnapshotAsked.__annotations__))
        filters = _filters(body)
        if filters.unmasked:
            self.actor(request).require(Permission.ITEMS_UNMASK, workflow.pk)
        snapshot = request_snapshot(
            workflow=workflow,
            filters=filters,
            by=self.user(request),
            now=timezone.now(),
            as_of=_moment(body, "as_of"),
        )
        location = f"/api/v1/snapshots/{snapshot.pk}"
        return Response(
            snapshot_shape(snapshot), status=202, headers={"Location": location}
        )


def _filters(body: dict[str, Any]) -> SnapshotFilters:
    errors = [
        FieldError(name, "type")
        for name in ("sources", "labels")
        if not _is_texts(body.get(name, []))
    ]
    errors += [
        FieldError(name, "type")
        for name in ("only_blind", "only_audit", "unmasked")
        if not isinstance(body.get(name, False), bool)
    ]
    if errors:
        raise InvalidRequest(errors)
    return SnapshotFilters(
        labelled_from=_moment(body, "labelled_from"),
        labelled_to=_moment(body, "labelled_to"),
        sources=tuple(body.get("sources", [])),
        labels=tuple(body.get("labels", [])),
        only_blind=body.get("only_blind", False),
        only_audit=body.get("only_audit", False),
        unmasked=body.get("unmasked", False),
    )


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _moment(body: dict[str, Any], name: str) -> Any:  # noqa: ANN401 -- None or a datetime
    if body.get(name) is None:
        return None
    moment = parse_moment(body[name])
    if moment is None:
        raise InvalidRequest([FieldError(name, "type", str(body[name])[:100])])
    return moment


class SnapshotDetail(Operation):
    @documented(
        "snapshot_detail",
        summary="One snapshot",
        answers={200: object_of(SnapshotShape)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(snapshot_shape(_visible(self, request, pk)))


class AnyRenderer(BaseRenderer):
    """Lets a download be asked for with any Accept header."""

    media_type = "*/*"
    format = "any"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:  # noqa: ANN401 -- DRF
        return JSONRenderer().render(data)


class SnapshotDownload(Operation):
    renderer_classes = [JSONRenderer, AnyRenderer]

    @documented(
        "snapshot_download",
        summary="The rows as parquet, csv or jsonl",
        parameters=[
            OpenApiParameter("format", str, enum=list(CONTENT_TYPES), default="parquet")
        ],
        answers={
            (200, kind.partition(";")[0]): OpenApiTypes.BINARY
            for kind in CONTENT_TYPES.values()
        },
        errors=[409, 422],
    )
    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        snapshot = _visible(self, request, pk)
        file_format = request.query_params.get("format", "parquet")
        if file_format not in CONTENT_TYPES:
            raise InvalidRequest([FieldError("format", "value", file_format)])
        if snapshot.status != SnapshotStatus.READY:
            raise SnapshotNotReady(f"The snapshot is {snapshot.status}.")
        if snapshot.is_unmasked:
            workflow = snapshot.workflow
            self.actor(request).require(Permission.ITEMS_UNMASK, workflow.pk)
            by, now = self.user(request), timezone.now()
            note_unmasked_snapshot(
                snapshot_id=snapshot.pk, workflow=workflow, by=by, now=now
            )
        return download(snapshot, file_format)


def _visible(view: Operation, request: Request, pk: UUID) -> Snapshot:
    snapshot = Snapshot.objects.select_related("workflow").get(pk=pk)
    view.actor(request).require(Permission.SNAPSHOTS_VIEW, snapshot.workflow_id)
    return snapshot
