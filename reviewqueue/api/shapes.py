"""How things look over the API: plain dictionaries from our objects."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist

from predictions.models import (
    Item,
    ModelVersion,
    Prediction,
    QuarantinedItem,
    Workflow,
)
from predictions.services.explanations import explain_prediction
from reviewqueue.enums import CaseKind
from reviewqueue.models import Case, Decision, Label, Outcome, Policy, Route, Snapshot
from reviewqueue.queries.history import decisions_of
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.queries.titles import item_title

type Json = dict[str, Any]


def workflow_brief(workflow: Workflow) -> Json:
    return {
        "slug": workflow.slug,
        "name": workflow.name,
        "version": workflow.version,
        "question": workflow.declaration.question,
    }


def workflow_full(workflow: Workflow) -> Json:
    declared = workflow.declaration.to_json()
    return {
        **workflow_brief(workflow),
        **{
            name: declared[name]
            for name in (
                "description",
                "data_note",
                "metric",
                "subject",
                "labels",
                "reason_codes",
                "features",
                "costs",
                "queue",
                "owners",
            )
        },
        "policy": policy_shape(policy_in_force(workflow)),
    }


def policy_shape(policy: Policy) -> Json:
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


def item_shape(item: Item, workflow: Workflow) -> Json:
    return {
        "id": item.id,
        "external_id": item.external_id,
        "title": item_title(item, workflow),
        "features": item.features,
        "subject": item.subject or None,
        "occurred_at": item.occurred_at,
        "received_at": item.received_at,
        "warnings": item.warnings,
    }


def prediction_shape(prediction: Prediction) -> Json:
    return {
        "label": prediction.label,
        "score": prediction.score,
        "probability": prediction.probability,
        "confidence": prediction.confidence,
        "model_version": prediction.model_version.number,
        "model_version_id": prediction.model_version_id,
        "stage": prediction.model_version.stage,
        "latency_ms": prediction.latency_ms,
        "created_at": prediction.created_at,
    }


def route_shape(route: Route) -> Json:
    return {
        "kind": route.kind,
        "reason": route.reason,
        "label": route.label or None,
        "score": route.score,
        "probability": route.probability,
        "threshold": route.threshold,
        "review_probability": route.review_probability,
        "draw": route.draw,
        "policy_version": route.policy.version,
        "model_version": route.model_version.number if route.model_version else None,
        "model_version_id": route.model_version_id,
        "blind": route.blind,
        "second_opinion": route.second_opinion,
        "routed_at": route.routed_at,
    }


def case_brief(case: Case, *, hidden: bool) -> Json:
    """Describe a case in a list; nothing of a hidden recommendation shows through."""
    return {
        "id": case.id,
        "item_id": case.item_id,
        "external_id": case.item.external_id,
        "kind": case.kind,
        "queue": case.queue,
        "status": case.status,
        "round": case.round,
        "blind": case.blind,
        "priority": None if hidden else case.priority,
        "created_at": case.created_at,
        "due_at": case.due_at,
        "closed_at": case.closed_at,
        "snoozed_until": case.snoozed_until,
        "leased_by": case.leased_by.username if case.leased_by else None,
        "lease_expires_at": case.lease_expires_at,
        "assigned_to": case.assigned_to.username if case.assigned_to else None,
    }


def claimed_case(case: Case, *, now: datetime) -> Json:
    """Describe a case to its holder; a blind one holds no recommendation at all."""
    workflow = case.workflow
    shape = {
        **case_brief(case, hidden=case.blind),
        "workflow": workflow.slug,
        "question": workflow.declaration.question,
        "item": item_shape(case.item, workflow),
        "lease_token": case.lease_token,
    }
    if not case.blind:
        shape["recommendation"] = recommendation_shape(case.route, now=now)
        shape["route"] = route_shape(case.route)
    if case.kind == CaseKind.ADJUDICATION:
        shape["decisions"] = [decision_shape(one) for one in decisions_of(case.item)]
    return shape


def recommendation_shape(route: Route, *, now: datetime) -> Json | None:
    """Describe the champion's prediction with its reasons; None without one."""
    if route.prediction is None:
        return None
    return {
        **prediction_shape(route.prediction),
        "threshold": route.threshold,
        "explanation": explain_prediction(route.prediction, now=now),
    }


def decision_shape(decision: Decision) -> Json:
    return {
        "id": decision.id,
        "case_id": decision.case_id,
        "item_id": decision.item_id,
        "case_kind": decision.case_kind,
        "round": decision.round,
        "verdict": decision.verdict,
        "label": decision.label or None,
        "reason_code": decision.reason_code or None,
        "note": decision.note,
        "blind": decision.blind,
        "reviewer": decision.reviewer.username,
        "claimed_at": decision.claimed_at,
        "opened_at": decision.opened_at,
        "decided_at": decision.decided_at,
        "supersedes": decision.supersedes_id,
        "retracted": retraction_kind(decision),
    }


def retraction_kind(decision: Decision) -> str | None:
    try:
        return decision.retraction.kind
    except ObjectDoesNotExist:
        return None


def label_shape(label: Label) -> Json:
    return {
        "id": label.id,
        "item_id": label.item_id,
        "external_id": label.item.external_id,
        "label": label.label or None,
        "source": label.source,
        "version": label.version,
        "decision_id": label.decision_id,
        "outcome_id": label.outcome_id,
        "created_at": label.created_at,
    }


def outcome_shape(outcome: Outcome) -> Json:
    return {
        "label": outcome.label,
        "observed_at": outcome.observed_at,
        "received_at": outcome.received_at,
    }


def quarantined_shape(one: QuarantinedItem) -> Json:
    return {
        "id": one.id,
        "external_id": one.external_id or None,
        "payload": one.payload,
        "errors": one.errors,
        "source": one.source,
        "status": one.status,
        "received_at": one.received_at,
        "resolved_at": one.resolved_at,
    }


def model_shape(version: ModelVersion) -> Json:
    return {
        "id": version.id,
        "number": version.number,
        "name": version.name,
        "stage": version.stage,
        "sha256": version.sha256,
        "columns": version.columns,
        "label_keys": version.label_keys,
        "is_calibrated": version.calibration is not None,
        "threshold": version.threshold,
        "report": version.report,
        "snapshot_id": version.snapshot_id,
        "created_at": version.created_at,
        "stage_changed_at": version.stage_changed_at,
    }


def snapshot_shape(snapshot: Snapshot) -> Json:
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


def errors_shape(errors: Sequence[Any]) -> list[Json]:
    return [error.to_json() for error in errors]
