"""What other terms would have done with the recorded history; writes nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final

import numpy as np

from predictions.declaration import Costs, FieldError
from predictions.models import Workflow
from reviewqueue.enums import EvidenceKind, MoveKind
from reviewqueue.models import Segment, TrustMove, TrustPlan
from reviewqueue.queries.recorded import (
    Counted,
    History,
    Truth,
    counted_under,
    history_of,
    microseconds,
    stretches_of,
    truth_under,
)
from reviewqueue.queries.trust import (
    of_labels,
    plan_in_force,
    segments_in_force,
    tolerated_of,
)
from reviewqueue.services.trust_plans import InvalidPlan, PlanTerms, plan_errors
from reviewqueue.trust.bounds import upper_bound
from reviewqueue.trust.ladder import Terms
from reviewqueue.trust.what_if import Recorded, Replayed, replay

COSTS: Final = ("false_positive", "false_negative", "review_minute")
ASSUMPTIONS: Final = (
    "Every grant is made as soon as the evidence allows it, without anyone's click.",
    "Every segment begins at review all; moves made by hand are left out.",
    "An item is seen exactly when its stored draw is below the share of its moment.",
    "Items that people would have seen and did not see in reality count as not seen: "
    "nobody knows what they would have found.",
    "Labels count as they are known today, from the moment at which that was known.",
    "Late audits, drift and reviewers below the gold floor are not replayed, nor is "
    "what a new champion said in shadow.",
)

FIELDS_ASSUMED: Final = (
    "Fields are not replayed: this is what the label alone would have asked for. An "
    "item is seen as often as its most demanding part asks: people would have seen "
    "more."
)


@dataclass(frozen=True, slots=True)
class Side:
    """How a segment, or all of them, fared: in reality or on the terms of a what-if.

    `n_seen` items went to people. Of the `n_passed_known` that passed without people
    and whose truth is known, `n_passed_wrong` were wrong.
    """

    n_routed: int
    n_seen: int
    n_passed_known: int
    n_passed_wrong: int
    n_grants: int
    n_withdrawals: int
    at_most: float  # errors let through by the levels at the end, of these items

    @property
    def share_seen(self) -> float | None:
        return self.n_seen / self.n_routed if self.n_routed else None

    @property
    def per_thousand(self) -> float | None:
        """The errors that the levels at the end let through, at most."""
        return 1000 * self.at_most / self.n_routed if self.n_routed else None

    def hours_saved(self, review_minutes: float) -> float:
        return (self.n_routed - self.n_seen) * review_minutes / 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """One segment: where it stands, and where it would stand.

    `n_unknown` items would have gone to people and did not: they count as not seen.
    """

    segment: Segment
    tolerated: float
    was: Side
    would: Side
    was_bound: float
    replayed: Replayed
    n_unknown: int


@dataclass(frozen=True, slots=True)
class DayShare:
    """A day (UTC): items routed in segments, sent to people, and what if."""

    day: date
    n_routed: int
    n_reviewed: int
    n_seen: int

    @property
    def was_share(self) -> float | None:
        return self.n_reviewed / self.n_routed if self.n_routed else None

    @property
    def would_share(self) -> float | None:
        return self.n_seen / self.n_routed if self.n_routed else None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The comparison of a scenario with what happened, and what it rests on."""

    terms: PlanTerms
    costs: Costs
    tolerated: dict[str, float]
    since: datetime | None  # None before the segments are cut
    until: datetime
    is_capped: bool
    n_waiting: int
    segments: list[Outcome]
    days: list[DayShare]
    was: Side
    would: Side
    n_unknown: int
    assumptions: list[str]


@dataclass(frozen=True, slots=True)
class _Scenario:
    workflow: Workflow
    plan: TrustPlan  # not stored
    in_force: TrustPlan
    tolerated: dict[str, float]

    def terms(self, segment: Segment) -> Terms:
        return Terms(
            tolerated=self.tolerated[segment.label],
            delta=self.plan.delta * segment.own_share,
            alpha=self.plan.alpha,
            min_reviews=self.plan.min_reviews,
        )


def _assumptions(workflow: Workflow) -> list[str]:
    """Say what a replay assumes and leaves out."""
    fields = [FIELDS_ASSUMED] if workflow.declaration.fields else []
    return [*ASSUMPTIONS, *fields]


def what_if(
    *, workflow: Workflow, terms: PlanTerms, costs: Costs, now: datetime
) -> WhatIf:
    """Replay the history of the champion's segments on other terms and costs.

    The slices stay those in force. Grants are made as soon as they may be.
    Raises: InvalidPlan naming field, rule and value.
    """
    if errors := _errors(terms, costs, workflow):
        raise InvalidPlan(errors)
    scenario = _scenario(workflow, terms, costs, now=now)
    segments = of_labels(segments_in_force(workflow))
    history = history_of(workflow, segments, now=now) if segments else None
    outcomes, counted = _outcomes(scenario, segments, history) if history else ([], [])
    return WhatIf(
        terms=terms,
        costs=costs,
        tolerated=scenario.tolerated,
        since=history.since if history else None,
        until=now,
        is_capped=history.is_capped if history else False,
        n_waiting=history.n_waiting if history else 0,
        segments=outcomes,
        days=_by_day(counted),
        was=_sum([one.was for one in outcomes]),
        would=_sum([one.would for one in outcomes]),
        n_unknown=sum(one.n_unknown for one in outcomes),
        assumptions=_assumptions(workflow),
    )


def _errors(terms: PlanTerms, costs: Costs, workflow: Workflow) -> list[FieldError]:
    # A reason is asked for when terms are put in force, not when they are tried.
    errors = plan_errors(terms, workflow.declaration, reason="what if")
    for name in COSTS:
        if not 0 <= getattr(costs, name) < float("inf"):
            errors.append(FieldError(name, "range", getattr(costs, name)))
    return errors


def _scenario(
    workflow: Workflow, terms: PlanTerms, costs: Costs, *, now: datetime
) -> _Scenario:
    plan = TrustPlan(workflow=workflow, version=0, **asdict(terms), created_at=now)
    declaration = workflow.declaration.model_copy(update={"costs": costs})
    tolerated = {
        key: tolerated_of(key, plan, declaration) for key in declaration.label_keys
    }
    return _Scenario(workflow, plan, plan_in_force(workflow), tolerated)


def _outcomes(
    scenario: _Scenario, segments: Sequence[Segment], history: History
) -> tuple[list[Outcome], list[Counted]]:
    since, until = history.since, history.until
    replays = {
        one.pk: replay(
            history.recorded[one.pk],
            ladder=scenario.plan.ladder,
            terms=scenario.terms(one),
            is_blind=scenario.plan.evidence == EvidenceKind.BLIND,
            since=microseconds(since),
        )
        for one in segments
    }
    stretches = [
        stretch
        for pk, found in replays.items()
        for stretch in stretches_of(found, segment_id=pk, since=since, until=until)
    ]
    counted = counted_under(stretches)
    truths = truth_under(scenario.workflow, stretches, since=since)
    moves = _moves_since(segments, since)
    outcomes = [
        _outcome(
            one,
            scenario,
            recorded=history.recorded[one.pk],
            replayed=replays[one.pk],
            counted=[day for day in counted if day.segment_id == one.pk],
            truth=truths.get(one.pk, Truth()),
            moves=Counter(kind for pk, kind in moves if pk == one.pk),
            now=until,
        )
        for one in segments
    ]
    return outcomes, counted


def _moves_since(
    segments: Sequence[Segment], since: datetime
) -> list[tuple[object, str]]:
    made = TrustMove.objects.filter(segment__in=segments, at__gte=since)
    return list(made.order_by("id").values_list("segment_id", "kind"))


def _outcome(
    segment: Segment,
    scenario: _Scenario,
    *,
    recorded: Recorded,
    replayed: Replayed,
    counted: Sequence[Counted],
    truth: Truth,
    moves: Counter[str],
    now: datetime,
) -> Outcome:
    n_routed = sum(one.n_routed for one in counted)
    known = recorded.only(recorded.is_known)
    passing = known.draw >= replayed.share_at(known.routed_at)
    was_bound = _bound_now(segment, recorded, scenario.in_force, now=now)
    was_share = segment.review_probability
    was = Side(
        n_routed=n_routed,
        n_seen=sum(one.n_reviewed for one in counted),
        n_passed_known=truth.n,
        n_passed_wrong=truth.n_wrong,
        n_grants=moves[MoveKind.GRANT],
        n_withdrawals=moves[MoveKind.WITHDRAW],
        at_most=n_routed * (1 - was_share) * was_bound,
    )
    n_withdrawals = sum(one.to_level == 0 for one in replayed.moves)
    would = Side(
        n_routed=n_routed,
        n_seen=sum(one.n_seen for one in counted),
        n_passed_known=truth.n_passing + int(passing.sum()),
        n_passed_wrong=truth.n_passing_wrong + int((passing & known.is_error).sum()),
        n_grants=len(replayed.moves) - n_withdrawals,
        n_withdrawals=n_withdrawals,
        at_most=n_routed * (1 - replayed.share) * replayed.bound,
    )
    return Outcome(
        segment=segment,
        tolerated=scenario.tolerated[segment.label],
        was=was,
        would=would,
        was_bound=was_bound,
        replayed=replayed,
        n_unknown=sum(one.n_unknown for one in counted),
    )


def _bound_now(
    segment: Segment, recorded: Recorded, plan: TrustPlan, *, now: datetime
) -> float:
    """Return the bound on the evidence that the segment stands on in reality."""
    counts = recorded.routed_at >= microseconds(segment.evidence_since)
    if plan.evidence == EvidenceKind.BLIND:
        counts = counts & recorded.is_blind
    own = recorded.only(counts)
    is_open = ~own.is_known & (own.open_until > microseconds(now))
    own = own.only(own.is_known & ~np.logical_or.accumulate(is_open))
    errors, reviews = int(own.is_error.sum()), own.is_error.size
    return upper_bound(errors, reviews, delta=plan.delta * segment.own_share)


def _by_day(counted: Sequence[Counted]) -> list[DayShare]:
    days: dict[date, Counter[str]] = {}
    for one in counted:
        found = days.setdefault(one.day, Counter())
        found["routed"] += one.n_routed
        found["reviewed"] += one.n_reviewed
        found["seen"] += one.n_seen
    return [
        DayShare(day, found["routed"], found["reviewed"], found["seen"])
        for day, found in sorted(days.items())
    ]


def _sum(sides: Sequence[Side]) -> Side:
    return Side(
        n_routed=sum(one.n_routed for one in sides),
        n_seen=sum(one.n_seen for one in sides),
        n_passed_known=sum(one.n_passed_known for one in sides),
        n_passed_wrong=sum(one.n_passed_wrong for one in sides),
        n_grants=sum(one.n_grants for one in sides),
        n_withdrawals=sum(one.n_withdrawals for one in sides),
        at_most=sum(one.at_most for one in sides),
    )
