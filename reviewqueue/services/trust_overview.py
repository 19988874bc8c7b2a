"""Where a workflow stands on its ladders: one reading for the page and the API."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from predictions.models import Workflow
from reviewqueue.enums import MoveCause, PolicyMode
from reviewqueue.models import TrustPlan
from reviewqueue.queries.autonomy import (
    LetThrough,
    Traffic,
    let_through,
    together_of,
    traffic_in,
    traffic_of,
)
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.queries.trust import (
    UNASKED,
    plan_in_force,
    segments_in_force,
)
from reviewqueue.services.assessment import Assessed, assess
from reviewqueue.services.shadow_looks import shadow_level, shadow_of
from reviewqueue.trust.ladder import Verdict
from reviewqueue.trust.parts import (
    Together,
    errors_added,
    errors_at_most,
    passing,
    reviews_saved,
)


@dataclass(frozen=True, slots=True)
class Beside:
    """What the parts of the last seven days' items ask for together.

    By the ids of segments: what each asks for, how many of its items pass then, and
    items, share and bound of each.
    """

    groups: list[Together[UUID]]
    probabilities: dict[UUID, float]
    passing: dict[UUID, float]
    standings: dict[UUID, tuple[int, float, float]]


@dataclass(frozen=True, slots=True)
class Standing:
    """A segment as judged now, what went through it, and what its next step costs.

    `beside` is there where fields are trusted as well.
    """

    assessed: Assessed
    traffic: Traffic
    plan: TrustPlan
    beside: Beside | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it is of what has no confidence, and there is none of that."""
        n = self.traffic.n + self.assessed.standing.reviews
        return self.assessed.segment.without_confidence and n == 0

    @property
    def at_most(self) -> float:
        """How many errors of its part its level lets through a week, at most."""
        segment, n = self.assessed.segment, self.traffic.n
        if self.beside is None:
            return n * (1 - segment.review_probability) * self.bound
        return errors_at_most(
            n=n,
            probability=segment.review_probability,
            bound=self.bound,
            n_passing=self.beside.passing[segment.pk],
        )

    @property
    def bound(self) -> float:
        """The error rate at most, by the segment's own and its shadow evidence.

        Each has its part of delta: both hold at once.
        """
        own = self.assessed.standing.bound
        return min(own, self.shadow["bound"]) if self.shadow else own

    @property
    def shadow(self) -> dict[str, Any] | None:
        """What was found when its shadow evidence was looked at, where that counts."""
        return shadow_of(self.assessed.segment)

    @property
    def shadow_level(self) -> int:
        """How far down shadow evidence lets it go, at least where it is."""
        one = self.assessed
        return shadow_level(one.segment, plan=self.plan, standing=one.standing)

    @property
    def next_cause(self) -> MoveCause:
        """What a grant would rest on: the evidence that reaches further, else its own.

        Nobody may make the grant unless one of them allows it.
        """
        own = self.assessed.segment.level
        own += self.assessed.standing.verdict == Verdict.MAY_STEP_DOWN
        return MoveCause.SHADOW if self.shadow_level > own else MoveCause.EVIDENCE

    @property
    def may_grant(self) -> bool:
        is_shadow = self.next_cause == MoveCause.SHADOW
        return is_shadow or self.assessed.standing.verdict == Verdict.MAY_STEP_DOWN

    @property
    def next_share(self) -> float | None:
        """The review probability that a grant would give it."""
        level = self.assessed.segment.level + 1
        if self.next_cause == MoveCause.SHADOW:
            level = self.shadow_level
        return self.plan.ladder[level] if level < len(self.plan.ladder) else None

    @property
    def n_saved(self) -> float:
        """How many reviews a week the next step saves."""
        if self.next_share is None:
            return 0.0
        if self.beside is not None:
            return reviews_saved(
                self.beside.groups,
                self.beside.probabilities,
                moved=self.assessed.segment.pk,
                to=self.next_share,
            )
        share = self.assessed.segment.review_probability - self.next_share
        return self.traffic.n * max(share, 0.0)

    @property
    def hours_saved(self) -> float:
        return self.n_saved * self.plan.review_minutes / 60

    @property
    def errors_added(self) -> float:
        """How many more errors a week the next step lets through, at most.

        Where fields are trusted: items with an error in any part.
        """
        if self.beside is None or self.next_share is None:
            return self.n_saved * self.bound
        return errors_added(
            self.beside.groups,
            self.beside.standings,
            moved=self.assessed.segment.pk,
            to=self.next_share,
            n_saved=self.n_saved,
        )

    @property
    def n_held(self) -> float:
        """How many reviews a week the next step would save if no other part asked."""
        if self.beside is None or self.next_share is None:
            return 0.0
        step = self.assessed.segment.review_probability - self.next_share
        return max(self.traffic.n * step - self.n_saved, 0.0)


@dataclass(frozen=True, slots=True)
class Overview:
    """Every segment in force, and what their levels add up to over a week."""

    plan: TrustPlan
    is_earned: bool  # the routing policy follows the ladder
    standings: list[Standing]
    passed: LetThrough
    unasked: tuple[str, ...] = ()  # titles of fields that are asked for nothing

    @property
    def n_unsaid(self) -> int:
        """Items of the last seven days in which the model said nothing of any field.

        People saw all of them: there is nothing that could have earned trust.
        """
        segments = {
            one.assessed.segment.pk: one.assessed.segment for one in self.standings
        }
        beside = self.standings[0].beside if self.standings else None
        asked = {one.field for one in segments.values()} - {""}
        n = 0
        for group in beside.groups if beside else []:
            own = [segments[one] for one in group.segments if one in segments]
            if len(own) == len(group.segments) == 1 and not own[0].field:
                specs = self.plan.workflow.declaration.fields_with(own[0].label)
                n += group.n * any(one.name in asked for one in specs)
        return n

    @property
    def has_parts(self) -> bool:
        """Whether fields have segments beside the label's."""
        return any(one.assessed.segment.field for one in self.standings)

    @property
    def hours_saved(self) -> float:
        return self.passed.n_auto * self.plan.review_minutes / 60


def trust_overview(workflow: Workflow, *, now: datetime) -> Overview:
    """Judge every segment of the champion now; writes nothing."""
    plan = plan_in_force(workflow)
    segments = segments_in_force(workflow)
    judged = assess(workflow=workflow, plan=plan, segments=segments, now=now)
    ids = [one.pk for one in segments]
    if any(one.field for one in segments):
        standings, passed = _with_parts(workflow, judged, plan, now=now)
    else:
        traffic = traffic_of(ids, now=now)
        standings = [Standing(one, traffic[one.segment.pk], plan) for one in judged]
        passed = let_through([(one.traffic, one.at_most) for one in standings])
    rates = plan.tolerated_fields
    fields = workflow.declaration.fields
    return Overview(
        plan=plan,
        is_earned=policy_in_force(workflow).mode == PolicyMode.EARNED,
        standings=standings,
        passed=passed,
        unasked=tuple(one.label for one in fields if rates.get(one.name) == UNASKED),
    )


def _with_parts(
    workflow: Workflow, judged: list[Assessed], plan: TrustPlan, *, now: datetime
) -> tuple[list[Standing], LetThrough]:
    """Look at what the parts ask for together; an item that passes counts once.

    The errors of all parts are added up: no more items can have one in any part.
    """
    ids = [one.segment.pk for one in judged]
    groups = together_of(workflow, ids, now=now)
    traffic = traffic_in(groups, ids)
    alone = [Standing(one, traffic[one.segment.pk], plan) for one in judged]
    probabilities = {one.segment.pk: one.segment.review_probability for one in judged}
    beside = Beside(
        groups,
        probabilities,
        passing(groups, probabilities),
        {
            one.assessed.segment.pk: (
                one.traffic.n,
                one.assessed.segment.review_probability,
                one.bound,
            )
            for one in alone
        },
    )
    standings = [replace(one, beside=beside) for one in alone]
    n_passing = sum(
        group.n * (1 - max(probabilities.get(one, 1.0) for one in group.segments))
        for group in groups
    )
    at_most = sum(one.at_most for one in standings)
    return standings, LetThrough(
        n=sum(one.n for one in groups),
        n_auto=sum(one.n_auto for one in groups),
        at_most=min(at_most, n_passing),
    )
