"""Route scored items: the recommendation stands, or people decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from predictions.declaration import Declaration
from predictions.models import Workflow
from predictions.services import scoring
from predictions.services.copying import store_rows
from predictions.services.scoring import Recommendation, ScoredItem
from predictions.services.trail import listed, tell
from reviewqueue.enums import (
    PolicyMode,
    RouteKind,
    RouteReason,
)
from reviewqueue.models import Policy, Route, Segment
from reviewqueue.services.opening import NewCase, case_priority, open_cases
from reviewqueue.services.segments import Placed
from reviewqueue.trust.parts import REVIEW_ALL
from reviewqueue.trust.sampling import draw, is_sent_by_rule

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Routed:
    """What was decided about one item."""

    item_id: UUID
    policy: Policy
    kind: RouteKind
    reason: RouteReason
    recommendation: Recommendation | None
    review_probability: float
    draw: float
    blind: bool
    second_opinion: bool
    segment: Segment | None = None
    site_id: UUID | None = None
    parts: tuple[Segment, ...] = ()


def route_items(
    *,
    workflow: Workflow,
    policy: Policy,
    scored: Sequence[ScoredItem],
    received_at: Mapping[UUID, datetime],
    now: datetime,
    segments: Mapping[UUID, Placed] | None = None,
    site_ids: Mapping[UUID, UUID | None] | None = None,
) -> list[Routed]:
    """Route items and open a case for each that people must see.

    `segments` and `site_ids` are those of the items that have one. Writes `Route`,
    `Case` and `CaseEvent` rows in the caller's transaction.
    """
    of_item, sites = segments or {}, site_ids or {}
    routed = [
        decide_route(
            entry,
            policy=policy,
            placed=of_item.get(entry.item_id),
            site_id=sites.get(entry.item_id),
        )
        for entry in scored
    ]
    store_rows(Route, _ROUTE_COLUMNS, (_route_row(one, now) for one in routed))
    to_people = [one for one in routed if one.kind == RouteKind.REVIEW]
    cases = _new_cases(
        to_people, declaration=workflow.declaration, received_at=received_at
    )
    open_cases(cases, workflow_id=workflow.pk, by=None, now=now)
    ids = listed("item", [one.item_id for one in routed])
    tell(log, "items_routed", workflow=workflow.slug, **ids)
    return routed


def decide_route(
    entry: ScoredItem,
    *,
    policy: Policy,
    placed: Placed | None = None,
    site_id: UUID | None = None,
) -> Routed:
    """Apply the policy and the draws to one scored item; writes nothing."""
    review_probability, reason = _review_probability(entry, policy, placed)
    if reason in {RouteReason.UNLIKE, RouteReason.UNSURE_FIELD}:
        placed = None  # what is earned is earned by items that the model knows
    number = draw(entry.item_id, seed=policy.seed, purpose="review")
    is_review = number < review_probability
    if reason == RouteReason.AUDIT and not is_review:
        reason = RouteReason.PASSED
    blind = draw(entry.item_id, seed=policy.seed, purpose="blind")
    second = draw(entry.item_id, seed=policy.seed, purpose="second")
    return Routed(
        item_id=entry.item_id,
        policy=policy,
        kind=RouteKind.REVIEW if is_review else RouteKind.AUTO,
        reason=reason,
        recommendation=entry.recommendation,
        review_probability=review_probability,
        draw=number,
        blind=is_review
        and entry.recommendation is not None
        and blind < policy.blind_share,
        second_opinion=is_review and second < policy.second_opinion_share,
        segment=placed.label if placed else None,
        site_id=site_id,
        parts=placed.recorded if placed else (),
    )


def _review_probability(
    entry: ScoredItem, policy: Policy, placed: Placed | None
) -> tuple[float, RouteReason]:
    if entry.recommendation is None:
        if entry.failure == "no_champion":
            return 1.0, RouteReason.NO_CHAMPION
        return 1.0, RouteReason.MODEL_FAILED
    probability = entry.recommendation.probability
    if probability is None:
        return 1.0, RouteReason.UNCALIBRATED
    if entry.recommendation.is_unlike:
        return 1.0, RouteReason.UNLIKE
    if entry.recommendation.is_unsure:
        return 1.0, RouteReason.UNSURE_FIELD
    if policy.mode == PolicyMode.EARNED:
        # Outside any segment nothing was earned yet.
        asked = placed.review_probability if placed else REVIEW_ALL
        is_all = asked == REVIEW_ALL
        return asked, RouteReason.POLICY if is_all else RouteReason.AUDIT
    if is_sent_by_rule(probability, mode=policy.mode, low=policy.low, high=policy.high):
        return 1.0, RouteReason.POLICY
    return policy.audit_share, RouteReason.AUDIT


_ROUTE_COLUMNS = (
    "item_id",
    "workflow_id",
    "site_id",
    "kind",
    "reason",
    "model_version_id",
    "prediction_id",
    "label",
    "score",
    "probability",
    "threshold",
    "policy_id",
    "segment_id",
    "parts",
    "part_probabilities",
    "review_probability",
    "draw",
    "blind",
    "second_opinion",
    "routed_at",
)


def _route_row(one: Routed, now: datetime) -> tuple[object, ...]:
    said = one.recommendation
    return (
        one.item_id,
        one.policy.workflow_id,
        one.site_id,
        one.kind.value,
        one.reason.value,
        said.model_version.pk if said else None,
        said.prediction_id if said else None,
        said.label if said else "",
        said.score if said else None,
        said.probability if said else None,
        said.threshold if said else None,
        one.policy.pk,
        one.segment.pk if one.segment else None,
        [part.pk for part in one.parts] or None,
        [part.review_probability for part in one.parts] or None,
        one.review_probability,
        one.draw,
        one.blind,
        one.second_opinion,
        now,
    )


def as_stored(one: Routed, *, now: datetime) -> Route:
    """Return the route that was stored at that moment, without reading it."""
    route = Route(**dict(zip(_ROUTE_COLUMNS, _route_row(one, now), strict=True)))
    route.policy = one.policy
    if one.recommendation:
        route.model_version = one.recommendation.model_version
        route.prediction = scoring.as_stored(one.item_id, one.recommendation, now=now)
    return route


def _new_cases(
    to_people: Sequence[Routed],
    *,
    declaration: Declaration,
    received_at: Mapping[UUID, datetime],
) -> list[NewCase]:
    due_after = timedelta(minutes=declaration.queue.sla_minutes)
    return [
        NewCase(
            item_id=one.item_id,
            blind=one.blind,
            priority=_priority(one.recommendation, declaration),
            due_at=received_at[one.item_id] + due_after,
            reason=one.reason.value,
            site_id=one.site_id,
        )
        for one in to_people
    ]


def _priority(said: Recommendation | None, declaration: Declaration) -> float:
    if said is None:
        return case_priority("", None, declaration)
    return case_priority(said.label, said.confidence, declaration)
