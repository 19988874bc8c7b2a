"""Route scored items: the recommendation stands, or people decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.ids import uuid7_batch
from predictions.declaration import Declaration
from predictions.models import Workflow
from predictions.services.copying import copy_rows
from predictions.services.scoring import Recommendation, ScoredItem
from reviewqueue.enums import (
    CaseEventKind,
    CaseKind,
    CaseStatus,
    Queue,
    RouteKind,
    RouteReason,
)
from reviewqueue.models import Case, CaseEvent, Policy, Route
from reviewqueue.trust.sampling import draw, expected_cost, is_sent_by_rule


@dataclass(frozen=True, slots=True)
class Routed:
    """What was decided about one item."""

    item_id: UUID
    kind: RouteKind
    reason: RouteReason
    recommendation: Recommendation | None
    review_probability: float
    draw: float
    blind: bool
    second_opinion: bool


def route_items(
    *,
    workflow: Workflow,
    policy: Policy,
    scored: Sequence[ScoredItem],
    received_at: Mapping[UUID, datetime],
    now: datetime,
) -> list[Routed]:
    """Route items and open a case for each that people must see.

    Writes `Route`, `Case` and `CaseEvent` rows in the caller's transaction.
    """
    routed = [decide_route(entry, policy=policy) for entry in scored]
    copy_rows(Route, _ROUTE_COLUMNS, (_route_row(r, policy, now) for r in routed))
    to_people = [one for one in routed if one.kind == RouteKind.REVIEW]
    _open_cases(
        to_people,
        workflow=workflow,
        received_at=received_at,
        now=now,
    )
    return routed


def decide_route(entry: ScoredItem, *, policy: Policy) -> Routed:
    """Apply the policy and the draws to one scored item; writes nothing."""
    review_probability, reason = _review_probability(entry, policy)
    number = draw(entry.item_id, seed=policy.seed, purpose="review")
    is_review = number < review_probability
    if reason == RouteReason.AUDIT and not is_review:
        reason = RouteReason.PASSED
    blind = draw(entry.item_id, seed=policy.seed, purpose="blind")
    second = draw(entry.item_id, seed=policy.seed, purpose="second")
    return Routed(
        item_id=entry.item_id,
        kind=RouteKind.REVIEW if is_review else RouteKind.AUTO,
        reason=reason,
        recommendation=entry.recommendation,
        review_probability=review_probability,
        draw=number,
        blind=is_review
        and entry.recommendation is not None
        and blind < policy.blind_share,
        second_opinion=is_review and second < policy.second_opinion_share,
    )


def _review_probability(entry: ScoredItem, policy: Policy) -> tuple[float, RouteReason]:
    if entry.recommendation is None:
        if entry.failure == "no_champion":
            return 1.0, RouteReason.NO_CHAMPION
        return 1.0, RouteReason.MODEL_FAILED
    probability = entry.recommendation.probability
    if probability is None:
        return 1.0, RouteReason.UNCALIBRATED
    if is_sent_by_rule(probability, mode=policy.mode, low=policy.low, high=policy.high):
        return 1.0, RouteReason.POLICY
    return policy.audit_share, RouteReason.AUDIT


_ROUTE_COLUMNS = (
    "item_id",
    "workflow_id",
    "kind",
    "reason",
    "model_version_id",
    "prediction_id",
    "label",
    "score",
    "probability",
    "threshold",
    "policy_id",
    "review_probability",
    "draw",
    "blind",
    "second_opinion",
    "routed_at",
)


def _route_row(one: Routed, policy: Policy, now: datetime) -> tuple[object, ...]:
    said = one.recommendation
    return (
        one.item_id,
        policy.workflow_id,
        one.kind.value,
        one.reason.value,
        said.model_version_id if said else None,
        said.prediction_id if said else None,
        said.label if said else "",
        said.score if said else None,
        said.probability if said else None,
        said.threshold if said else None,
        policy.id,
        one.review_probability,
        one.draw,
        one.blind,
        one.second_opinion,
        now,
    )


_CASE_COLUMNS = (
    "id",
    "workflow_id",
    "item_id",
    "route_id",
    "kind",
    "queue",
    "status",
    "round",
    "blind",
    "priority",
    "due_at",
    "created_at",
)
_EVENT_COLUMNS = (
    "id",
    "case_id",
    "workflow_id",
    "kind",
    "from_status",
    "to_status",
    "reason",
    "at",
)


def _open_cases(
    to_people: Sequence[Routed],
    *,
    workflow: Workflow,
    received_at: Mapping[UUID, datetime],
    now: datetime,
) -> None:
    if not to_people:
        return
    declaration = workflow.declaration
    due_after = timedelta(minutes=declaration.queue.sla_minutes)
    now_ms = int(now.timestamp() * 1000)
    case_ids = uuid7_batch(len(to_people), now_ms)
    copy_rows(
        Case,
        _CASE_COLUMNS,
        (
            (
                case_id,
                workflow.pk,
                one.item_id,
                one.item_id,
                CaseKind.REVIEW.value,
                Queue.REVIEW.value,
                CaseStatus.PENDING.value,
                1,
                one.blind,
                case_priority(one.recommendation, declaration),
                received_at[one.item_id] + due_after,
                now,
            )
            for case_id, one in zip(case_ids, to_people, strict=True)
        ),
    )
    event_ids = uuid7_batch(len(to_people), now_ms)
    opened, pending = CaseEventKind.OPENED.value, CaseStatus.PENDING.value
    copy_rows(
        CaseEvent,
        _EVENT_COLUMNS,
        (
            (event_id, case_id, workflow.pk, opened, "", pending, one.reason.value, now)
            for event_id, case_id, one in zip(
                event_ids, case_ids, to_people, strict=True
            )
        ),
    )


def case_priority(said: Recommendation | None, declaration: Declaration) -> float:
    """Return the expected cost of a wrong call: what the queue is ordered by."""
    return expected_cost(
        confidence=said.confidence if said else None,
        is_positive=bool(said and said.label in declaration.positive_labels),
        fp_cost=declaration.costs.false_positive,
        fn_cost=declaration.costs.false_negative,
    )
