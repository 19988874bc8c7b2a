"""Workflows, their figures."""

from datetime import UTC, datetime, timedelta
from typing import NotRequired, TypedDict

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.intake.values import parse_moment
from predictions.queries.workflows import visible_workflows
from predictions.services.workflows import declare_workflow
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    number_field,
    read_object,
    seen_version,
    text_field,
)
from reviewqueue.api.lists import Page
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import Count, object_of
from reviewqueue.api.shapes_registry import (
    PolicyRule,
    PolicyShape,
    WorkflowBrief,
    WorkflowFull,
    policy_shape,
    workflow_brief,
    workflow_full,
)
from reviewqueue.api.sites import SITE, asked_sites
from reviewqueue.queries.metrics import WorkflowMetrics, workflow_metrics
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.queries.tallies import MAX_DAYS, Days, Narrowing
from reviewqueue.services.policies import TERMS, PolicyTerms, put_policy

MAX_FILE_CHARACTERS = 1_000_000
_EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class WorkflowFile(TypedDict):
    """The text of a workflow file (TOML)."""

    declaration: str
    version: NotRequired[Count | None]


class WorkflowDeclared(TypedDict):
    """The version in force now, and what is different in it."""

    version: int
    changes: list[str]


class PolicyTermsAsked(PolicyRule):
    """Every term of a routing policy, and why it is put in force."""

    reason: str
    version: NotRequired[Count | None]


class WorkflowList(Operation):
    @documented(
        "workflow_list",
        summary="The workflows that you may see",
        answers={200: object_of(Page[WorkflowBrief], "WorkflowPage")},
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
        answers={200: object_of(WorkflowFull)},
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.WORKFLOW_VIEW, by_site=True)
        return Response(workflow_full(workflow))

    @documented(
        "workflow_declare",
        summary="Put another declaration of the workflow in force",
        description="`declaration` is the text of a workflow file (TOML). With "
        "`version`, that of the one you saw, another one in force refuses it.",
        parameters=[SLUG],
        request=object_of(WorkflowFile),
        answers={200: object_of(WorkflowDeclared)},
        errors=BODY_ERRORS,
    )
    def put(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.SETTINGS_CHANGE)
        body = read_object(
            request, ["declaration", "version"], required=["declaration"]
        )
        declared, changes = declare_workflow(
            source_toml=text_field(body, "declaration", max_length=MAX_FILE_CHARACTERS),
            by=self.user(request),
            now=timezone.now(),
            slug=workflow.slug,
            seen_version=seen_version(body),
        )
        return Response(WorkflowDeclared(version=declared.version, changes=changes))


class WorkflowPolicy(Operation):
    @documented(
        "policy_detail",
        summary="The routing policy in force",
        parameters=[SLUG],
        answers={200: object_of(PolicyShape)},
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.POLICY_VIEW)
        return Response(policy_shape(policy_in_force(workflow)))

    @documented(
        "policy_put",
        summary="Put the next version of the routing policy in force",
        description="For every item that is routed from now on. A reason is needed. "
        "With `version`, that of the one you saw, another one in force refuses it.",
        parameters=[SLUG],
        request=object_of(PolicyTermsAsked, "PolicyTerms"),
        answers={200: object_of(PolicyShape)},
        errors=BODY_ERRORS,
    )
    def put(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.POLICY_CHANGE)
        names = [*TERMS, "reason"]
        body = read_object(request, [*names, "version"], required=names)
        numbers = {name: number_field(body, name) for name in TERMS if name != "mode"}
        policy = put_policy(
            workflow=workflow,
            terms=PolicyTerms(mode=text_field(body, "mode"), **numbers),
            by=self.user(request),
            reason=text_field(body, "reason"),
            now=timezone.now(),
            seen_version=seen_version(body),
        )
        return Response(policy_shape(policy))


class WorkflowMetricsView(Operation):
    @documented(
        "workflow_metrics",
        summary="Figures as on the dashboard",
        description="Over the whole days (UTC) that the window touches, at most "
        f"{MAX_DAYS}; the answer says which.",
        parameters=[
            SLUG,
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            OpenApiParameter("until", OpenApiTypes.DATETIME),
            SITE,
        ],
        answers={200: object_of(WorkflowMetrics)},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.METRICS_VIEW, by_site=True)
        now = timezone.now()
        figures = workflow_metrics(
            workflow,
            days=_days(request, now=now),
            now=now,
            narrowing=Narrowing(sites=asked_sites(self, request, workflow)),
        )
        return Response(figures.to_json())


def _days(request: Request, *, now: datetime) -> Days:
    until = moment_parameter(request, "until") or now
    if not _EARLIEST <= until <= _LATEST:
        raise InvalidRequest([FieldError("until", "range", str(until))])
    since = moment_parameter(request, "since") or until - timedelta(days=30)
    if since > until:
        raise InvalidRequest([FieldError("since", "after_until", str(since))])
    days = Days.covering(since, until)
    if days.n > MAX_DAYS:
        raise InvalidRequest([FieldError("since", "window_too_long", days.n)])
    return days


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
