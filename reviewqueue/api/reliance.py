"""How much people lean on the model, over the API."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from reviewqueue.api.base import SLUG, Operation, documented
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import UndefinedIsNull, object_of
from reviewqueue.api.sites import SITE, asked_sites
from reviewqueue.queries.judgements import MAX_ROWS
from reviewqueue.queries.reliance import (
    MAX_DAYS,
    WINDOW_DAYS,
    RelianceReport,
    reliance_report,
)

DAYS = OpenApiParameter(
    "days",
    {"type": "integer", "minimum": 1, "maximum": MAX_DAYS, "default": WINDOW_DAYS},
)


class WorkflowReliance(Operation):
    @documented(
        "reliance",
        summary="Shown against blind, over- and under-reliance, gold, agreement",
        description=(
            f"Over the newest {MAX_ROWS:,} judgements of the last `days`. Everybody's "
            "figures with `metrics.view`, else one's own. Below the `minimum` of a "
            "share there are too few judgements for it to say much; what is not "
            "defined is null."
        ),
        parameters=[SLUG, DAYS, SITE],
        answers={200: object_of(RelianceReport, generator=UndefinedIsNull)},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(
            request,
            slug,
            Permission.METRICS_VIEW,
            Permission.CASES_VIEW,
            by_site=True,
        )
        sees_all = self.actor(request).can(Permission.METRICS_VIEW, workflow.pk)
        report = reliance_report(
            workflow,
            days=days_of(request),
            now=timezone.now(),
            only=None if sees_all else self.user(request),
            sites=asked_sites(self, request, workflow),
        )
        return Response(report.to_json())


def days_of(request: Request) -> int:
    """Read how many days back are wanted. Raises: InvalidRequest."""
    value = request.query_params.get("days", str(WINDOW_DAYS))
    is_number = value.isascii() and value.isdecimal()
    if is_number and 1 <= int(value[:9]) <= MAX_DAYS:
        return int(value)
    raise InvalidRequest([FieldError("days", "range", value)])
