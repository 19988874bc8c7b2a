"""Workflows, their figures."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.intake.values import parse_moment
from predictions.queries.workflows import visible_workflows
from reviewqueue.api.base import SLUG, Operation, documented, object_of
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.shapes import workflow_brief, workflow_full
from reviewqueue.queries.metrics import workflow_metrics

ANY_OBJECT: Any = OpenApiTypes.OBJECT


class WorkflowList(Operation):
    @documented(
        "workflow_list",
        summary="The workflows that you may see",
        answers={
            200: object_of(
                "WorkflowList",
                results=serializers.ListField(child=serializers.DictField()),
                next=serializers.CharField(allow_null=True),
            )
        },
    )
    def get(self, request: Request) -> Response:
        rows = visible_workflows(self.actor(request))
        return Response(
            {"results": [workflow_brief(row) for row in rows], "next": None}
        )


class WorkflowDetail(Operation):
    @documented(
        "workflow_detail",
        summary="One workflow: labels, features, policy",
        parameters=[SLUG],
        answers={200: ANY_OBJECT},
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.WORKFLOW_VIEW)
        return Response(workflow_full(workflow))


class WorkflowMetricsView(Operation):
    @documented(
        "workflow_metrics",
        summary="Figures as on the dashboard",
        parameters=[
            SLUG,
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            OpenApiParameter("until", OpenApiTypes.DATETIME),
        ],
        answers={200: ANY_OBJECT},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.METRICS_VIEW)
        now = timezone.now()
        until = moment_parameter(request, "until") or now
        since = moment_parameter(request, "since") or until - timedelta(days=30)
        if since > until:
            raise InvalidRequest([FieldError("since", "after_until", str(since))])
        figures = workflow_metrics(workflow, since=since, until=until, now=now)
        return Response(figures.to_json())


def moment_parameter(request: Request, name: str) -> datetime | None:
    """Read a moment of the query string. Raises: InvalidRequest."""
    value = request.query_params.get(name)
    if value is None:
        return None
    # In a query string a plus sign that was not escaped arrives as a space.
    moment = parse_moment(value.replace(" ", "+"))
    if moment is None:
        raise InvalidRequest([FieldError(name, "type", value)])
    return moment
