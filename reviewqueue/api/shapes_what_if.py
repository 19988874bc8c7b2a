"""How the comparison of other terms with what happened looks over the API."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, TypedDict
from uuid import UUID

from reviewqueue.api.schema import Count, OneOf, Unit
from reviewqueue.enums import EvidenceKind, MoveCause
from reviewqueue.queries.recorded import moment
from reviewqueue.services.what_if import Outcome, Side, WhatIf
from reviewqueue.trust.what_if import Move


class TermsTried(TypedDict):
    """The terms of the scenario."""

    delta: float
    alpha: float
    evidence: Annotated[str, OneOf(EvidenceKind)]
    ladder: list[Unit]
    min_reviews: Count
    review_minutes: float


class CostsTried(TypedDict):
    """The costs of the scenario, in the workflow's currency."""

    false_positive: float
    false_negative: float
    review_minute: float


class PassedKnown(TypedDict):
    """Items that passed without people and whose truth is known."""

    known: Count
    wrong: Count


class SideShape(TypedDict):
    """How a segment, or all of them, fared."""

    n_routed: Count
    n_reviews: Count
    review_rate: Unit | None
    hours_saved: float
    passed: PassedKnown
    errors_at_most_per_1000: float | None
    grants: Count
    withdrawals: Count


class SegmentSide(SideShape):
    """How a segment fared, and where it stands at the end."""

    level: Count
    review_probability: Unit
    upper_bound: Unit


class MoveReplayed(TypedDict):
    """A step of the replay, with the evidence of its moment."""

    at: datetime
    from_level: Count
    to_level: Count
    cause: Annotated[str, OneOf(MoveCause)]
    reviews: Count
    errors: Count
    upper_bound: Unit


class SegmentReplayed(SegmentSide):
    """How a segment would have fared, step by step."""

    moves: list[MoveReplayed]


class SegmentCompared(TypedDict):
    """A segment in reality and in the scenario."""

    id: UUID
    label: str
    low: Unit
    high: Unit
    feature: str
    value: str
    tolerated: float
    n_unknown: Count
    as_it_was: SegmentSide
    what_if: SegmentReplayed


class DayCompared(TypedDict):
    """A day (UTC): items that were routed, those that people saw, and would have."""

    day: date
    n_routed: Count
    n_reviews: Count
    n_reviews_what_if: Count


class WhatIfShape(TypedDict):
    """Both sides, per segment and per day; `assumptions` says what is not replayed."""

    terms: TermsTried
    costs: CostsTried
    tolerated: dict[str, float]
    since: datetime | None
    until: datetime
    is_capped: bool
    n_waiting: Count
    n_unknown: Count
    as_it_was: SideShape
    what_if: SideShape
    segments: list[SegmentCompared]
    days: list[DayCompared]
    assumptions: Sequence[str]


def what_if_shape(found: WhatIf) -> WhatIfShape:
    terms, costs = found.terms, found.costs
    return {
        "terms": {
            "delta": terms.delta,
            "alpha": terms.alpha,
            "evidence": terms.evidence,
            "ladder": terms.ladder,
            "min_reviews": terms.min_reviews,
            "review_minutes": terms.review_minutes,
        },
        "costs": {
            "false_positive": costs.false_positive,
            "false_negative": costs.false_negative,
            "review_minute": costs.review_minute,
        },
        "tolerated": found.tolerated,
        "since": found.since,
        "until": found.until,
        "is_capped": found.is_capped,
        "n_waiting": found.n_waiting,
        "n_unknown": found.n_unknown,
        "as_it_was": _side(found.was, terms.review_minutes),
        "what_if": _side(found.would, terms.review_minutes),
        "segments": [_segment(one, terms.review_minutes) for one in found.segments],
        "days": [
            {
                "day": one.day,
                "n_routed": one.n_routed,
                "n_reviews": one.n_reviewed,
                "n_reviews_what_if": one.n_seen,
            }
            for one in found.days
        ],
        "assumptions": found.assumptions,
    }


def _side(side: Side, minutes: float) -> SideShape:
    return {
        "n_routed": side.n_routed,
        "n_reviews": side.n_seen,
        "review_rate": side.share_seen,
        "hours_saved": side.hours_saved(minutes),
        "passed": {"known": side.n_passed_known, "wrong": side.n_passed_wrong},
        "errors_at_most_per_1000": side.per_thousand,
        "grants": side.n_grants,
        "withdrawals": side.n_withdrawals,
    }


def _segment(one: Outcome, minutes: float) -> SegmentCompared:
    segment = one.segment
    return {
        "id": segment.pk,
        "label": segment.label,
        "low": segment.low,
        "high": segment.high,
        "feature": segment.feature,
        "value": segment.value,
        "tolerated": one.tolerated,
        "n_unknown": one.n_unknown,
        "as_it_was": {
            **_side(one.was, minutes),
            "level": segment.level,
            "review_probability": segment.review_probability,
            "upper_bound": one.was_bound,
        },
        "what_if": {
            **_side(one.would, minutes),
            "level": one.replayed.level,
            "review_probability": one.replayed.share,
            "upper_bound": one.replayed.bound,
            "moves": [_move(move) for move in one.replayed.moves],
        },
    }


def _move(move: Move) -> MoveReplayed:
    return {
        "at": moment(move.at),
        "from_level": move.from_level,
        "to_level": move.to_level,
        "cause": move.cause or MoveCause.EVIDENCE,
        "reviews": move.reviews,
        "errors": move.errors,
        "upper_bound": move.bound,
    }
