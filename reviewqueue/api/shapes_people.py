"""How cases, decisions and labels look over the API."""

from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict, cast
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist

from predictions.queries.measured import measurement_of
from predictions.queries.media import media_of
from reviewqueue.api.schema import OneOf
from reviewqueue.api.shapes import (
    ItemShape,
    Recommendation,
    RouteShape,
    item_shape,
    recommendation_shape,
    route_shape,
)
from reviewqueue.enums import (
    CaseKind,
    CaseStatus,
    LabelSource,
    Queue,
    RetractionKind,
    Verdict,
)
from reviewqueue.models import Case, Decision, Label
from reviewqueue.queries.disguise import as_held_item, as_held_route
from reviewqueue.queries.history import decisions_of
from reviewqueue.queries.personal import mask_decisions, mask_items


class CaseBrief(TypedDict):
    """A case as it stands in a list.

    `priority` is told to whoever oversees the workflow, and null while a judgement is
    blind.
    """

    id: UUID
    item_id: UUID
    external_id: str
    kind: Annotated[str, OneOf(CaseKind)]
    queue: Annotated[str, OneOf(Queue)]
    status: Annotated[str, OneOf(CaseStatus)]
    round: int
    blind: bool
    priority: float | None
    created_at: datetime
    due_at: datetime
    closed_at: datetime | None
    snoozed_until: datetime | None
    leased_by: str | None
    lease_expires_at: datetime | None
    assigned_to: str | None


class DecisionShape(TypedDict):
    """One person's judgement; `retracted` says how it was taken back, if it was.

    `fields` by name, null where the workflow declares none; `corrected` names those
    that differ from the recommended ones.
    """

    id: UUID
    case_id: UUID
    item_id: UUID
    case_kind: Annotated[str, OneOf(CaseKind)]
    round: int
    verdict: Annotated[str, OneOf(Verdict)]
    label: str | None
    fields: dict[str, Any] | None
    corrected: list[str]
    reason_code: str | None
    note: str
    blind: bool
    reviewer: str
    claimed_at: datetime
    opened_at: datetime
    decided_at: datetime
    supersedes: UUID | None
    retracted: Annotated[str, OneOf(RetractionKind)] | None


class ClaimedCase(CaseBrief):
    """A case before its holder.

    A blind one holds neither `recommendation` nor `route`; one for adjudication holds
    the `decisions` before it.
    """

    workflow: str
    question: str
    item: ItemShape
    lease_token: UUID
    recommendation: NotRequired[Recommendation | None]
    route: NotRequired[RouteShape]
    decisions: NotRequired[list[DecisionShape]]


class LabelShape(TypedDict):
    """One version of the truth about an item; the highest stands, null is none."""

    id: UUID
    item_id: UUID
    external_id: str
    label: str | None
    fields: dict[str, Any] | None
    source: Annotated[str, OneOf(LabelSource)]
    version: int
    decision_id: UUID | None
    outcome_id: UUID | None
    created_at: datetime


def case_brief(case: Case, *, hidden: bool, knows_gold: bool = False) -> CaseBrief:
    """Describe a case in a list; nothing of a hidden recommendation shows through.

    Gold is an ordinary review to whoever does not know it.
    """
    is_disguised = case.kind == CaseKind.GOLD and not knows_gold
    assigned_to = None if is_disguised else case.assigned_to
    return {
        "id": case.id,
        "item_id": case.item_id,
        "external_id": case.item.external_id,
        "kind": CaseKind.REVIEW if is_disguised else case.kind,
        "queue": case.queue,
        "status": case.status,
        "round": case.round,
        "blind": case.blind,
        # That of a gold case is another's, which its confidence would give away.
        "priority": case.priority if knows_gold and not hidden else None,
        "created_at": case.created_at,
        "due_at": case.due_at,
        "closed_at": case.closed_at,
        "snoozed_until": case.snoozed_until,
        "leased_by": case.leased_by.username if case.leased_by else None,
        "lease_expires_at": case.lease_expires_at,
        "assigned_to": assigned_to.username if assigned_to else None,
    }


def claimed_case(case: Case, *, now: datetime) -> ClaimedCase:
    """Describe a case to its holder; a blind one holds no recommendation at all."""
    workflow = case.workflow
    secrets = mask_items([case.item], workflow).get(case.item_id, frozenset())
    measured = None
    if not case.blind:
        measured = measurement_of(case.item, workflow.declaration)
    shape: ClaimedCase = {
        **case_brief(case, hidden=case.blind),  # type: ignore[typeddict-item]  # has no more
        "workflow": workflow.slug,
        "question": workflow.declaration.question,
        "item": item_shape(
            as_held_item(case),
            workflow,
            media_of(workflow, [case.item_id])[case.item_id],
            measured,
        ),
        "lease_token": token_of(case),
    }
    if not case.blind:
        route = as_held_route(case)
        with_fields = bool(workflow.declaration.fields)
        shape["recommendation"] = recommendation_shape(
            route, with_fields=with_fields, now=now
        )
        shape["route"] = route_shape(route)
    if case.kind == CaseKind.ADJUDICATION:
        readings = list(decisions_of(case.item).exclude(case_kind=CaseKind.GOLD))
        mask_decisions(readings, workflow, secrets)
        shape["decisions"] = [decision_shape(one) for one in readings]
    return shape


def token_of(case: Case) -> UUID:
    """Return the token of a held case: the database lets none be held without one."""
    return cast("UUID", case.lease_token)


def decision_shape(decision: Decision, *, knows_gold: bool = False) -> DecisionShape:
    is_disguised = decision.case_kind == CaseKind.GOLD and not knows_gold
    return {
        "id": decision.id,
        "case_id": decision.case_id,
        "item_id": decision.item_id,
        "case_kind": CaseKind.REVIEW if is_disguised else decision.case_kind,
        "round": decision.round,
        "verdict": decision.verdict,
        "label": decision.label or None,
        "fields": decision.fields,
        "corrected": decision.corrected,
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


def label_shape(label: Label) -> LabelShape:
    return {
        "id": label.id,
        "item_id": label.item_id,
        "external_id": label.item.external_id,
        "label": label.label or None,
        "fields": label.fields,
        "source": label.source,
        "version": label.version,
        "decision_id": label.decision_id,
        "outcome_id": label.outcome_id,
        "created_at": label.created_at,
    }
