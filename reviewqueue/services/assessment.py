"""Judge segments by the evidence of a moment; nothing is written here."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from predictions.models import Workflow
from reviewqueue.enums import EvidenceKind, MoveCause
from reviewqueue.models import Segment, TrustPlan
from reviewqueue.queries.evidence import Evidence, evidence_of
from reviewqueue.queries.gold import reviewers_below_floor
from reviewqueue.queries.trust import plan_of_last_move, tolerated_in
from reviewqueue.trust.ladder import MIN_TOLERATED, Standing, Terms, Verdict, judge


@dataclass(frozen=True, slots=True)
class Assessed:
    """A segment with the terms, the evidence and what follows from both.

    `has_rate`: an error rate is tolerated in it; none in a field's before one is set.
    """

    segment: Segment
    terms: Terms
    evidence: Evidence
    standing: Standing
    has_rate: bool = True

    @property
    def tolerated(self) -> float | None:
        return self.terms.tolerated if self.has_rate else None


def assess(
    *,
    workflow: Workflow,
    plan: TrustPlan,
    segments: Collection[Segment],
    now: datetime,
    is_everyone: bool = False,
) -> list[Assessed]:
    """Judge segments by what is known at this moment; writes nothing.

    Decisions of reviewers below the gold floor count only with `is_everyone`.
    """
    excluded = set() if is_everyone else reviewers_below_floor(workflow, plan)
    evidence = evidence_of(
        segments,
        is_blind=plan.evidence == EvidenceKind.BLIND,
        now=now,
        excluded_reviewers=excluded,
    )
    return [
        _assessed(one, evidence[one.pk], plan=plan, workflow=workflow)
        for one in segments
    ]


def _assessed(
    segment: Segment, evidence: Evidence, *, plan: TrustPlan, workflow: Workflow
) -> Assessed:
    tolerated = tolerated_in(segment, plan, workflow.declaration)
    terms = Terms(
        tolerated=MIN_TOLERATED if tolerated is None else tolerated,
        delta=plan.delta * segment.own_share,
        alpha=plan.alpha,
        min_reviews=plan.min_reviews,
    )
    standing = judge(
        is_error=evidence.is_error,
        n_in_order=evidence.n_in_order,
        n_since_move=evidence.n_since_move,
        watched=evidence.watched,
        n_overdue=evidence.n_overdue,
        n_due=evidence.n_due,
        is_last_level=segment.level >= len(plan.ladder) - 1,
        is_granted=segment.level > 0,
        terms=terms,
    )
    has_rate = tolerated is not None
    if held := _held(segment, has_rate=has_rate):
        standing = replace(standing, verdict=held, cause=None, more_needed=None)
    return Assessed(segment, terms, evidence, standing, has_rate)


def _held(segment: Segment, *, has_rate: bool) -> Verdict | None:
    """Say why nothing can be granted whatever the evidence says."""
    if segment.without_confidence:
        return Verdict.NO_CONFIDENCE
    return None if has_rate else Verdict.NO_RATE


def cause_of(
    found: Assessed, *, plan: TrustPlan, workflow: Workflow, now: datetime
) -> MoveCause | None:
    """Say why autonomy must be taken back: the evidence, whose it is, new terms."""
    segment = found.segment
    if segment.level == 0:
        return None
    if not found.has_rate:
        return MoveCause.PLAN
    if found.standing.cause is not None:
        return MoveCause(found.standing.cause)
    if not _is_rung(segment, plan):
        return MoveCause.PLAN
    if found.standing.bound <= found.terms.tolerated:
        return None
    with_everyone = assess(
        workflow=workflow, plan=plan, segments=[segment], now=now, is_everyone=True
    )[0]
    if with_everyone.standing.bound <= found.terms.tolerated:
        return MoveCause.REVIEWERS
    # What was granted on other terms is held to these.
    return MoveCause.PLAN if plan_of_last_move(segment) != plan.pk else None


def _is_rung(segment: Segment, plan: TrustPlan) -> bool:
    """Say whether people see what the plan's ladder says for this level."""
    is_known = segment.level < len(plan.ladder)
    return is_known and segment.review_probability == plan.ladder[segment.level]


def why_not(standing: Standing) -> str:
    """Say in words why a segment may not step down."""
    if standing.verdict == Verdict.TOO_FEW:
        return f"Too few reviews yet: {standing.more_needed} more without error needed."
    if standing.verdict == Verdict.TOO_MANY_ERRORS:
        return "Too many errors: more reviews like these will not bring the bound down."
    if standing.verdict == Verdict.NO_CONFIDENCE:
        return "The model gives no confidence: people see every one."
    if standing.verdict == Verdict.NO_RATE:
        return "No tolerated error rate is set for this field: the plan takes one."
    if standing.verdict == Verdict.AT_FLOOR:
        return "The segment is at the audit floor already."
    return "The evidence takes autonomy back."


def evidence_json(found: Assessed, plan: TrustPlan) -> dict[str, object]:
    """Write down what a move rests on: counts, bounds, promises, versions."""
    standing, terms = found.standing, found.terms
    return {
        "reviews": standing.reviews,
        "errors": standing.errors,
        "bound": standing.bound,
        "lower": standing.lower,
        "tolerated": found.tolerated,
        "delta": terms.delta,
        "alpha": terms.alpha,
        "alarm": standing.alarm.evidence,
        "overdue": found.evidence.n_overdue,
        "due": found.evidence.n_due,
        "counts": plan.evidence,
        "since": found.segment.evidence_since,
        "plan_version": plan.version,
        "model_version": str(found.segment.model_version_id),
    }
