"""How workflows, policies, model versions and snapshots look over the API."""

from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict
from uuid import UUID

from predictions.declaration import (
    Costs,
    Feature,
    LabelSpec,
    Owners,
    ReasonCode,
)
from predictions.declaration_fields import FieldSpec
from predictions.declaration_media import MediaSlot, Retention
from predictions.declaration_rules import QueueRules
from predictions.enums import ModelKind, Stage
from predictions.learning.features import ColumnKind, columns_from_json
from predictions.models import ModelVersion, Workflow
from reviewqueue.api.schema import Count, OneOf, Unit
from reviewqueue.enums import LabelSource, PolicyMode, SnapshotStatus
from reviewqueue.models import Policy, Snapshot
from reviewqueue.queries.policies import policy_in_force


class WorkflowBrief(TypedDict):
    """One decision that is supported for one group of users."""

    slug: str
    name: str
    version: int
    question: str


class PolicyRule(TypedDict):
    """Which items people see, and how they see them."""

    mode: Annotated[str, OneOf(PolicyMode)]
    low: Unit
    high: Unit
    audit_share: Unit
    blind_share: Unit
    second_opinion_share: Unit


class PolicyShape(PolicyRule):
    """One version of the routing rule; the highest is in force."""

    version: int
    created_at: datetime


class WorkflowFull(WorkflowBrief):
    """A workflow with what it declares and the policy in force."""

    description: str
    data_note: str
    metric: str
    subject: str | None
    labels: list[LabelSpec]
    reason_codes: list[ReasonCode]
    features: list[Feature]
    fields: list[FieldSpec]
    media: list[MediaSlot]
    retention: Retention
    costs: Costs
    queue: QueueRules
    owners: Owners
    policy: PolicyShape


class ModelColumn(TypedDict):
    """One input of a model; `values` are those of a category."""

    name: str
    kind: ColumnKind
    values: list[str]


class ModelVersionShape(TypedDict):
    """A registered model version; everything but its stage and share stays as it is.

    `route_share`: of how many items a challenger's recommendation is the one met.
    `endpoint`: where a model answers that runs elsewhere (`kind` http).
    """

    id: UUID
    number: int
    name: str
    stage: Annotated[str, OneOf(Stage)]
    sha256: str
    columns: list[ModelColumn]
    label_keys: list[str]
    is_calibrated: bool
    threshold: Unit
    route_share: Unit
    kind: Annotated[str, OneOf(ModelKind)]
    endpoint: str | None
    report: dict[str, Any]
    snapshot_id: UUID | None
    created_at: datetime
    stage_changed_at: datetime


class SnapshotFiltersShape(TypedDict):
    """Which labelled items were asked for; empty means all."""

    labelled_from: datetime | None
    labelled_to: datetime | None
    sources: list[Annotated[str, OneOf(LabelSource)]]
    labels: list[str]
    only_blind: bool
    only_audit: bool
    unmasked: NotRequired[bool]


class FileFacts(TypedDict):
    """One form in which the rows can be downloaded."""

    bytes: Count
    sha256: str


class Datasheet(TypedDict):
    """What a snapshot is, how it was sampled, and what it cannot tell.

    The maps count rows by the key that they are named for; `routed` counts all items.
    `n_guarded_in_csv` cells begin as a formula would, and are marked as text there.
    """

    workflow: str
    workflow_version: int
    question: str
    data_note: str
    as_of: datetime
    filters: SnapshotFiltersShape
    n_rows: Count
    occurred_from: datetime | None
    occurred_to: datetime | None
    labels: dict[str, Count]
    label_sources: dict[str, Count]
    n_blind: Count
    routed: dict[str, Count]
    route_reasons: dict[str, Count]
    review_probabilities: dict[str, Count]
    model_versions: dict[str, Count]
    policy_versions: dict[str, Count]
    reviewers: dict[str, Count]
    missing: dict[str, Count]
    media: NotRequired[dict[str, Count]]  # rows with a file, by slot
    writer: str
    known_limits: list[str]
    files: dict[str, FileFacts]
    n_guarded_in_csv: Count


class SnapshotShape(TypedDict):
    """A labelled data set as of a moment; `datasheet` and `sha256` once it is ready."""

    id: UUID
    workflow: str
    status: Annotated[str, OneOf(SnapshotStatus)]
    as_of: datetime
    filters: SnapshotFiltersShape
    n_rows_expected: Count | None
    n_rows: Count
    sha256: str | None
    datasheet: Datasheet | None
    failure: str | None
    created_at: datetime
    finished_at: datetime | None


def workflow_brief(workflow: Workflow) -> WorkflowBrief:
    return {
        "slug": workflow.slug,
        "name": workflow.name,
        "version": workflow.version,
        "question": workflow.declaration.question,
    }


def workflow_full(workflow: Workflow) -> WorkflowFull:
    declared = workflow.declaration.to_json()
    return {
        **workflow_brief(workflow),
        "description": declared["description"],
        "data_note": declared["data_note"],
        "metric": declared["metric"],
        "subject": declared["subject"],
        "labels": declared["labels"],
        "reason_codes": declared["reason_codes"],
        "features": declared["features"],
        "fields": declared["fields"],
        "media": declared["media"],
        "retention": declared["retention"],
        "costs": declared["costs"],
        "queue": declared["queue"],
        "owners": declared["owners"],
        "policy": policy_shape(policy_in_force(workflow)),
    }


def policy_shape(policy: Policy) -> PolicyShape:
    return {
        "version": policy.version,
        "mode": policy.mode,
        "low": policy.low,
        "high": policy.high,
        "audit_share": policy.audit_share,
        "blind_share": policy.blind_share,
        "second_opinion_share": policy.second_opinion_share,
        "created_at": policy.created_at,
    }


def model_shape(version: ModelVersion) -> ModelVersionShape:
    return {
        "id": version.id,
        "number": version.number,
        "name": version.name,
        "stage": version.stage,
        "sha256": version.sha256,
        "columns": [
            {"name": one.name, "kind": one.kind, "values": list(one.values)}
            for one in columns_from_json(version.columns)
        ],
        "label_keys": version.label_keys,
        "is_calibrated": version.calibration is not None,
        "threshold": version.threshold,
        "route_share": version.route_share,
        "kind": version.kind,
        "endpoint": version.endpoint or None,
        "report": version.report,
        "snapshot_id": version.snapshot_id,
        "created_at": version.created_at,
        "stage_changed_at": version.stage_changed_at,
    }


def snapshot_shape(snapshot: Snapshot) -> SnapshotShape:
    return {
        "id": snapshot.id,
        "workflow": snapshot.workflow.slug,
        "status": snapshot.status,
        "as_of": snapshot.as_of,
        "filters": snapshot.filters,
        "n_rows_expected": snapshot.n_rows_expected,
        "n_rows": snapshot.n_rows,
        "sha256": snapshot.sha256 or None,
        "datasheet": snapshot.datasheet,
        "failure": snapshot.failure or None,
        "created_at": snapshot.created_at,
        "finished_at": snapshot.finished_at,
    }
