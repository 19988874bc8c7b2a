"""What happened in a workflow, over the API."""

from datetime import datetime
from typing import Annotated, TypedDict
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.enums import Stage
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    uuid_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed, narrowed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import OneOf, Unit, object_of
from reviewqueue.enums import MoveCause, NoticeKind
from reviewqueue.models import Notice
from reviewqueue.queries.notices import n_unread, notices_of
from reviewqueue.services.notices import mark_read

KIND = OpenApiParameter("kind", str, enum=NoticeKind.values)


class MoveTold(TypedDict):
    """Which segment was moved, and from which review probability to which."""

    move: UUID
    segment: UUID
    cause: Annotated[str, OneOf(MoveCause)]
    from_probability: Unit
    to_probability: Unit


class ReviewerTold(TypedDict):
    """Whose decisions have stopped counting as evidence, under which plan."""

    reviewer: UUID
    plan_version: int


class StageTold(TypedDict):
    """Which version moved to which stage, and which champion was there before."""

    model_version: int
    model_version_id: UUID
    stage: Annotated[str, OneOf(Stage)]
    former: int | None


class AlertTold(TypedDict):
    """Which alert was raised or resolved, by which monitor, after how many readings."""

    alert: UUID
    monitor: str
    monitor_kind: str
    n_readings: int


class NoticeShape(TypedDict):
    """One thing that happened; `data` is of its kind: a segment, a reviewer, …"""

    id: UUID
    kind: Annotated[str, OneOf(NoticeKind)]
    text: str
    data: MoveTold | ReviewerTold | StageTold | AlertTold
    at: datetime


class ReadUpTo(TypedDict):
    """The newest notice that was read."""

    upto: UUID


class Unread(TypedDict):
    """How many notices the key's owner has not read."""

    n_unread: int


class NoticeList(Operation):
    @documented(
        "notice_list",
        summary="What happened, newest first",
        parameters=[SLUG, KIND, LIMIT, CURSOR],
        answers={200: object_of(Page[NoticeShape], "NoticePage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.METRICS_VIEW)
        rows = narrowed(request, notices_of(workflow), "kind", NoticeKind.values)
        return listed(request, rows, lambda found: [notice_shape(one) for one in found])


class NoticeRead(Operation):
    @documented(
        "notice_read",
        summary="Note that the key's owner has read the notices up to this one",
        parameters=[SLUG],
        request=object_of(ReadUpTo),
        answers={200: object_of(Unread)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.METRICS_VIEW)
        body = read_object(request, ("upto",))
        reader = self.user(request)
        upto = uuid_field(body, "upto")
        try:
            mark_read(workflow=workflow, reader=reader, upto=upto)
        except Notice.DoesNotExist as error:
            raise InvalidRequest([FieldError("upto", "value", str(upto))]) from error
        return Response(Unread(n_unread=n_unread(workflow.pk, reader)))


def notice_shape(notice: Notice) -> NoticeShape:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "text": notice.text,
        "data": notice.data,
        "at": notice.at,
    }
