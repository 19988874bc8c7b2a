"""How plans, segments and moves of autonomy look over the API."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Literal, NotRequired, TypedDict, cast
from uuid import UUID

from pydantic import Field

from predictions.models import Workflow
from reviewqueue.api.schema import Count, OneOf, Unit
from reviewqueue.enums import EvidenceKind, MoveCause, MoveKind
from reviewqueue.models import TrustMove, TrustPlan
from reviewqueue.queries.autonomy import Traffic
from reviewqueue.queries.trust import tolerated_of
from reviewqueue.services.trust_overview import Overview, Standing
from reviewqueue.services.trust_plans import PlanTerms, terms_of
from reviewqueue.trust.ladder import Verdict

Reason = Annotated[str, Field(max_length=500)]


class TrustMoveAsked(TypedDict):
    """The level that you saw, and why the segment is to move."""

    level: Count
    reason: Reason


class TrustGrantAsked(TrustMoveAsked):
    """As `next` said: `shadow` takes a new segment as far as its shadow evidence."""

    cause: NotRequired[Literal["evidence", "shadow"]]


class PlanAsked(TypedDict):
    """Terms of a plan, as `TrustPlan` describes them; what is left out stays."""

    delta: NotRequired[float]
    alpha: NotRequired[float]
    evidence: NotRequired[Annotated[str, OneOf(EvidenceKind)]]
    ladder: NotRequired[list[Unit]]
    tolerated: NotRequired[dict[str, Unit]]
    tolerated_fields: NotRequired[dict[str, Unit]]
    review_minutes: NotRequired[float]
    segment_feature: NotRequired[str]
    edges: NotRequired[list[Unit]]
    min_share: NotRequired[Unit]
    min_reviews: NotRequired[int]
    auto_grant: NotRequired[bool]
    gold_share: NotRequired[Unit]
    gold_floor: NotRequired[Unit]
    drift_distance: NotRequired[Unit]
    coaching: NotRequired[bool]
    version: NotRequired[Count | None]
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPlanShape(PlanTerms):
    """A version of the terms, with the rates that it tolerates for each label.

    `tolerated_fields` are rates of fields: without one people see every item that the
    field is asked for in, and 1 asks for nothing.

    Version 0 is what is suggested until a plan is put in force.
    """

    version: int
    evidence: Annotated[str, OneOf(EvidenceKind)]
    tolerated_in_force: dict[str, float]
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a grant would lead to; the probability is null at the last level.

    `cause` is what it would rest on, to be sent with the grant. Reviews that another
    part goes on asking for are not saved, but `held_by_other_parts_a_week`.
    """

    cause: Literal["evidence", "shadow"]
    review_probability: Unit | None
    reviews_saved_a_week: float
    hours_saved_a_week: float
    held_by_other_parts_a_week: float
    errors_added_a_week_at_most: float


@dataclass(frozen=True, slots=True)
class SegmentShape:
    """A slice of what the champion recommends, judged now.

    `more_needed` reviews without error would bring the bound down, where a number is
    known to; `feature` and `value` are empty where the slices are not cut by one.
    `shadow` is what its version said before it was champion, while that counts. Of a
    field, where `field` is not empty: of a band of its confidence, or of what was said
    `without_confidence`. `tolerated` is null where no rate is set for the field.
    """

    id: UUID
    field: str
    without_confidence: bool
    label: str
    low: Unit
    high: Unit
    feature: str
    value: str
    level: Count
    review_probability: Unit
    evidence_since: datetime
    reviews: Count
    errors: Count
    upper_bound: Unit
    lower_bound: Unit
    tolerated: float | None
    delta: float
    verdict: Annotated[str, OneOf(Verdict, name="SegmentVerdict")]
    more_needed: Count | None
    shadow: "ShadowFound | None"
    next: NextStep
    last_7_days: Traffic
    errors_at_most_a_week: float


@dataclass(frozen=True, slots=True)
class Week:
    """What the present levels pass without people, by the last seven days' items.

    Errors are items that are wrong in any part: in the label or a trusted field.
    """

    n: Count
    n_auto: Count
    errors_at_most_a_week: float
    errors_at_most_per_1000: float | None
    hours_saved: float


@dataclass(frozen=True, slots=True)
class TrustShape:
    """Every segment in force; `is_followed` where the routing policy obeys them.

    Those of the label come first, then those of each field that is trusted.
    """

    plan: TrustPlanShape
    is_followed: bool
    segments: list[SegmentShape]
    last_7_days: Week


class MoveEvidence(TypedDict, total=False):
    """What a move rests on; what was not written down at its time is left out."""

    reviews: Count
    errors: Count
    bound: Unit
    lower: Unit
    tolerated: float | None
    delta: float
    alpha: float
    alarm: float
    overdue: Count
    due: Count
    counts: Annotated[str, OneOf(EvidenceKind)]
    since: datetime
    plan_version: int
    model_version: UUID


class ShadowFound(TypedDict, total=False):
    """What a start further down rests on: what the version said in shadow.

    `shares` are rows of a review probability, its reviews and their errors.
    """

    reviews: Count
    errors: Count
    unresolved: Count
    bound: Unit
    level: Count
    tolerated: float
    delta: float
    versions_tried: Count
    shares: list[list[float]]
    counts: Annotated[str, OneOf(EvidenceKind)]
    since: datetime
    until: datetime
    at: datetime
    plan_version: int
    model_version: UUID


class TrustMoveShape(TypedDict):
    """A grant or a withdrawal; `by` is null where nobody clicked."""

    id: UUID
    segment: UUID
    kind: Annotated[str, OneOf(MoveKind)]
    cause: Annotated[str, OneOf(MoveCause)]
    from_level: Count
    to_level: Count
    from_probability: Unit
    to_probability: Unit
    evidence: MoveEvidence | ShadowFound
    by: str | None
    reason: str
    at: datetime


def trust_shape(overview: Overview, workflow: Workflow) -> TrustShape:
    passed = overview.passed
    return TrustShape(
        plan=plan_shape(overview.plan, workflow),
        is_followed=overview.is_earned,
        segments=[_segment_shape(one) for one in overview.standings],
        last_7_days=Week(
            n=passed.n,
            n_auto=passed.n_auto,
            errors_at_most_a_week=passed.at_most,
            errors_at_most_per_1000=passed.per_thousand,
            hours_saved=overview.hours_saved,
        ),
    )


def plan_shape(plan: TrustPlan, workflow: Workflow) -> TrustPlanShape:
    declaration = workflow.declaration
    return TrustPlanShape(
        version=plan.version,
        **asdict(terms_of(plan)),
        tolerated_in_force={
            key: tolerated_of(key, plan, declaration) for key in declaration.label_keys
        },
        reason=plan.reason,
        created_at=plan.created_at,
    )


def _segment_shape(one: Standing) -> SegmentShape:
    segment, standing, terms = (
        one.assessed.segment,
        one.assessed.standing,
        one.assessed.terms,
    )
    return SegmentShape(
        id=segment.pk,
        field=segment.field,
        without_confidence=segment.without_confidence,
        label=segment.label,
        low=segment.low,
        high=segment.high,
        feature=segment.feature,
        value=segment.value,
        level=segment.level,
        review_probability=segment.review_probability,
        evidence_since=segment.evidence_since,
        reviews=standing.reviews,
        errors=standing.errors,
        upper_bound=standing.bound,
        lower_bound=standing.lower,
        tolerated=one.assessed.tolerated,
        delta=terms.delta,
        verdict=standing.verdict,
        more_needed=standing.more_needed,
        shadow=cast("ShadowFound | None", one.shadow),
        next=NextStep(
            cause="shadow" if one.next_cause == MoveCause.SHADOW else "evidence",
            review_probability=one.next_share,
            reviews_saved_a_week=one.n_saved,
            hours_saved_a_week=one.hours_saved,
            held_by_other_parts_a_week=one.n_held,
            errors_added_a_week_at_most=one.errors_added,
        ),
        last_7_days=one.traffic,
        errors_at_most_a_week=one.at_most,
    )


def move_shape(move: TrustMove) -> TrustMoveShape:
    return {
        "id": move.pk,
        "segment": move.segment_id,
        "kind": move.kind,
        "cause": move.cause,
        "from_level": move.from_level,
        "to_level": move.to_level,
        "from_probability": move.from_probability,
        "to_probability": move.to_probability,
        "evidence": move.evidence,
        "by": move.by.username if move.by else None,
        "reason": move.reason,
        "at": move.at,
    }
