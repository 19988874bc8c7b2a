"""How gate reports, waivers and approvals look over the API."""

from datetime import datetime
from typing import Annotated, Any, TypedDict, cast
from uuid import UUID

from lifecycle.enums import GateRunStatus
from lifecycle.models import GateRun
from lifecycle.queries.gates import report_data, waiver_data
from predictions.enums import GateVerdict
from predictions.models import Approval, GateReport, Waiver
from reviewqueue.api.schema import Count, OneOf


class WaiverShape(TypedDict):
    """Who let a version past which gate, and why."""

    id: UUID
    gate: str
    reason: str
    by: UUID
    at: datetime


class DeclaredSliceShape(TypedDict):
    """A declared part of the items: values of a category, or a range of a number."""

    name: str
    feature: str
    values: list[str]
    minimum: float | None
    maximum: float | None


class GateShape(TypedDict):
    """A gate as the workflow declared it then, with the slices that it speaks of."""

    kind: str
    bound: float | None
    among: str
    segments: list[str]
    min_n: Count
    slices: list[DeclaredSliceShape]


class GateResultShape(TypedDict):
    """What one gate found, in one slice where it names some.

    `key` is what a waiver names. `value`, `low`, `high`: the figure with its 95 %
    interval, null where there is none; `more_needed`: how many more rows would decide.
    """

    key: str
    kind: str
    bound: float | None
    among: str
    segments: list[str]
    segment: str | None
    min_n: Count
    value: float | None
    low: float | None
    high: float | None
    n: Count
    verdict: Annotated[str, OneOf(GateVerdict)]
    more_needed: Count | None
    says: str
    waived: bool


class GateReportShape(TypedDict):
    """A version held against its workflow's gates, or the job that is at it.

    While it is `waiting` or `running` there are no results yet; `said` is why one
    failed.
    """

    id: UUID
    workflow: str
    model_version: int
    model_version_id: UUID
    champion: int | None
    champion_id: UUID | None
    snapshot_id: UUID | None
    status: Annotated[str, OneOf(GateRunStatus)]
    step: str | None
    said: str | None
    verdict: Annotated[str, OneOf(GateVerdict)] | None
    gates: list[GateShape]
    results: list[GateResultShape]
    waivers: list[WaiverShape]
    evidence: dict[str, Any]
    at: datetime


class ApprovalShape(TypedDict):
    """One person's word for a version as champion, and until when it counts."""

    id: UUID
    model_version: int
    report_id: UUID | None
    reason: str
    by: UUID
    at: datetime
    counts_until: datetime


def gate_report_shape(
    report: GateReport | None, run: GateRun | None
) -> GateReportShape:
    """Describe a report; while there is none, the run that will make it.

    Raises: ValueError when there is neither.
    """
    return cast("GateReportShape", report_data(report, run))


def waiver_shape(waiver: Waiver) -> WaiverShape:
    return cast("WaiverShape", waiver_data(waiver))


def approval_shape(approval: Approval, *, counts_until: datetime) -> ApprovalShape:
    return {
        "id": approval.pk,
        "model_version": approval.model_version.number,
        "report_id": approval.report_id,
        "reason": approval.reason,
        "by": approval.by_id,
        "at": approval.at,
        "counts_until": counts_until,
    }
