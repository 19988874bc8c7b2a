"""Monitors and alerts over the API."""

from datetime import datetime
from typing import Annotated, TypedDict
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from lifecycle.enums import AlertStatus, MonitorKind, ReadingVerdict
from lifecycle.models import Alert
from lifecycle.queries.monitoring import alerts_of
from lifecycle.services.alerts import MAX_NOTE, acknowledge_alert, resolve_alert
from lifecycle.services.monitors.overview import Watched, overview_of
from predictions.declaration import FieldError
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed, narrowed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import Count, OneOf, object_of

STATUS = OpenApiParameter("status", str, enum=AlertStatus.values)


class ReadingShape(TypedDict):
    """What one look found; `value` in the monitor's unit, null where nothing is known.

    `at` is the moment of the schedule that the look is of.
    """

    verdict: Annotated[str, OneOf(ReadingVerdict)]
    value: float | None
    n: Count
    says: str
    at: datetime


class MonitorShape(TypedDict):
    """A monitor with its newest reading.

    `verdict` is `silent` where that is not there in time; `limit` says in words what
    raises an alarm, `owner` who answers for it as the workflow names them.
    """

    monitor: str
    title: str
    kind: Annotated[str, OneOf(MonitorKind)]
    unit: str
    reads: str
    every_seconds: Count
    owner: str
    limit: str
    verdict: Annotated[str, OneOf(ReadingVerdict)]
    last: ReadingShape | None
    alert: UUID | None


class MonitorListShape(TypedDict):
    """Every monitor of a workflow."""

    results: list[MonitorShape]


class StepShape(TypedDict):
    """A step of an alert; by nobody: by its monitor."""

    status: Annotated[str, OneOf(AlertStatus)]
    by: str | None
    note: str
    at: datetime


class AlertShape(TypedDict):
    """What a monitor found and people should know, with its steps."""

    id: UUID
    monitor: str
    kind: Annotated[str, OneOf(MonitorKind)]
    status: Annotated[str, OneOf(AlertStatus)]
    says: str
    n_readings: Count
    raised_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    steps: list[StepShape]


class AcknowledgeAsked(TypedDict, total=False):
    """What somebody says who takes an alert."""

    note: str


class ResolveAsked(TypedDict):
    """What an alert was."""

    note: str


class MonitorList(Operation):
    @documented(
        "monitor_list",
        summary="Every monitor with its newest reading",
        parameters=[SLUG],
        answers={200: object_of(MonitorListShape)},
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.MONITORS_VIEW)
        watched = overview_of(workflow, now=timezone.now())
        return Response({"results": [monitor_shape(one) for one in watched]})


class AlertList(Operation):
    @documented(
        "alert_list",
        summary="Alerts, newest first",
        parameters=[SLUG, STATUS, LIMIT, CURSOR],
        answers={200: object_of(Page[AlertShape], "AlertPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.MONITORS_VIEW)
        rows = narrowed(request, alerts_of(workflow), "status", AlertStatus.values)
        return listed(request, rows, lambda found: [alert_shape(one) for one in found])


class AlertAcknowledge(Operation):
    @documented(
        "alert_acknowledge",
        summary="Note that somebody is at it; one that is taken or over stays as it is",
        request=object_of(AcknowledgeAsked),
        answers={200: object_of(AlertShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        alert = _managed(self, request, pk)
        body = read_object(request, ("note",)) if request.body else {}
        acknowledge_alert(
            alert_id=alert.pk,
            by=self.user(request),
            note=text_field(body, "note", max_length=MAX_NOTE),
            now=timezone.now(),
        )
        return Response(_shown(alert))


class AlertResolve(Operation):
    @documented(
        "alert_resolve",
        summary="End an alert with a note; one that is over stays as it is",
        request=object_of(ResolveAsked),
        answers={200: object_of(AlertShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        alert = _managed(self, request, pk)
        body = read_object(request, ("note",), required=("note",))
        note = text_field(body, "note", max_length=MAX_NOTE).strip()
        if not note:
            raise InvalidRequest([FieldError("note", "missing")])
        resolve_alert(
            alert_id=alert.pk, by=self.user(request), note=note, now=timezone.now()
        )
        return Response(_shown(alert))


def _managed(view: Operation, request: Request, pk: UUID) -> Alert:
    alert = Alert.objects.select_related("workflow").get(pk=pk)
    view.actor(request).require(Permission.ALERTS_MANAGE, alert.workflow_id)
    return alert


def _shown(alert: Alert) -> AlertShape:
    return alert_shape(alerts_of(alert.workflow).get(pk=alert.pk))


def monitor_shape(one: Watched) -> MonitorShape:
    last = one.last
    return {
        "monitor": one.monitor.key,
        "title": one.monitor.title,
        "kind": one.monitor.kind.value,
        "unit": one.monitor.unit,
        "reads": one.monitor.reads,
        "every_seconds": int(one.monitor.every.total_seconds()),
        "owner": one.owner,
        "limit": one.limit,
        "verdict": one.verdict,
        "last": None
        if last is None
        else {
            "verdict": last.verdict,
            "value": last.value,
            "n": last.n,
            "says": last.says,
            "at": last.at,
        },
        "alert": one.alert.pk if one.alert else None,
    }


def alert_shape(alert: Alert) -> AlertShape:
    return {
        "id": alert.pk,
        "monitor": alert.monitor,
        "kind": alert.kind,
        "status": alert.status,
        "says": alert.says,
        "n_readings": alert.n_readings,
        "raised_at": alert.raised_at,
        "last_seen_at": alert.last_seen_at,
        "ended_at": alert.ended_at,
        "steps": [
            {
                "status": step.status,
                "by": step.by.username if step.by else None,
                "note": step.note,
                "at": step.at,
            }
            for step in alert.events.all()
        ],
    }
