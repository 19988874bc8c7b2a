"""Gate reports, waivers and approvals over the API."""

from collections.abc import Sequence
from typing import Annotated, TypedDict
from uuid import UUID

from django.utils import timezone
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from lifecycle.api.shapes_gates import (
    ApprovalShape,
    GateReportShape,
    WaiverShape,
    approval_shape,
    gate_report_shape,
    waiver_shape,
)
from lifecycle.models import GateRun
from lifecycle.queries.gates import gate_report, gate_run, gate_runs, reports_by_id
from lifecycle.services.gate_runs import GateRunRefused, request_gate_run
from predictions.models import GateReport, ModelVersion
from predictions.queries.promotion import APPROVED_FOR
from predictions.services.promotion import approve, waive
from reviewqueue.api.base import (
    BODY_ERRORS,
    Operation,
    documented,
    read_object,
    text_field,
    uuid_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of

Reason = Annotated[str, Field(min_length=1, max_length=500)]


class GatesAsked(TypedDict, total=False):
    """On which snapshot: the version's own without one, else the newest ready one."""

    snapshot_id: UUID | None


class WaiverAsked(TypedDict):
    """Which result of the report, by its `key`, and why the version may pass it."""

    gate: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Reason


class _ApprovalReason(TypedDict):
    reason: Reason


class ApprovalAsked(_ApprovalReason, total=False):
    """Why, and on which report: the newest, which is to be named where there is one."""

    report_id: UUID | None


class GateReportList(Operation):
    @documented(
        "gate_report_list",
        summary="Gate reports of a version and the jobs that make them, newest first",
        parameters=[LIMIT, CURSOR],
        answers={200: object_of(Page[GateReportShape], "GateReportPage")},
        errors=[422],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        version = _version(self, request, pk, Permission.MODELS_VIEW)
        return listed(request, gate_runs(version), _shapes)

    @documented(
        "gate_report_create",
        summary="Hold a version against its workflow's gates",
        request=object_of(GatesAsked),
        answers={202: object_of(GateReportShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        version = _version(self, request, pk, Permission.MODELS_STAGE)
        body = read_object(request, list(GatesAsked.__annotations__))
        named = body.get("snapshot_id") is not None
        try:
            run = request_gate_run(
                version=version,
                snapshot_id=uuid_field(body, "snapshot_id") if named else None,
                by=self.user(request),
                now=timezone.now(),
            )
        except GateRunRefused as refusal:
            raise InvalidRequest(refusal.errors) from refusal
        shape = gate_report_shape(gate_report(run.pk), run)
        location = f"/api/v1/gate-reports/{run.pk}"
        return Response(shape, status=202, headers={"Location": location})


class GateReportDetail(Operation):
    @documented(
        "gate_report_detail",
        summary="One gate report, or how far the job is that makes it",
        answers={200: object_of(GateReportShape)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        report, run = gate_report(pk), gate_run(pk)
        one = report or run
        if one is None:
            raise GateReport.DoesNotExist
        workflow_id = one.model_version.workflow_id
        self.actor(request).require(Permission.MODELS_VIEW, workflow_id)
        return Response(gate_report_shape(report, run))


class GateWaiverList(Operation):
    @documented(
        "gate_waive",
        summary="Let a version past one gate of its newest report",
        request=object_of(WaiverAsked),
        answers={201: object_of(WaiverShape)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        report = GateReport.objects.select_related("model_version").get(pk=pk)
        workflow_id = report.model_version.workflow_id
        self.actor(request).require(Permission.MODELS_WAIVE, workflow_id)
        body = read_object(request, ["gate", "reason"], required=["gate", "reason"])
        waiver = waive(
            report=report,
            gate=text_field(body, "gate", max_length=200),
            reason=text_field(body, "reason"),
            by=self.user(request),
            now=timezone.now(),
        )
        return Response(waiver_shape(waiver), status=201)


class ModelApprovalList(Operation):
    @documented(
        "model_approve",
        summary="Stand behind a version as champion, on its newest gate report",
        request=object_of(ApprovalAsked),
        answers={201: object_of(ApprovalShape)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        version = _version(self, request, pk, Permission.MODELS_STAGE)
        body = read_object(request, ["report_id", "reason"], required=["reason"])
        report = None
        if body.get("report_id") is not None:
            there = GateReport.objects.filter(model_version=version)
            report = there.get(pk=uuid_field(body, "report_id"))
        approval = approve(
            version=version,
            report=report,
            reason=text_field(body, "reason"),
            by=self.user(request),
            now=timezone.now(),
        )
        shape = approval_shape(approval, counts_until=approval.at + APPROVED_FOR)
        return Response(shape, status=201)


def _version(
    view: Operation, request: Request, pk: UUID, permission: Permission
) -> ModelVersion:
    version = ModelVersion.objects.select_related("workflow").get(pk=pk)
    view.actor(request).require(permission, version.workflow_id)
    return version


def _shapes(runs: Sequence[GateRun]) -> list[GateReportShape]:
    reports = reports_by_id(run.pk for run in runs)
    return [gate_report_shape(reports.get(run.pk), run) for run in runs]
