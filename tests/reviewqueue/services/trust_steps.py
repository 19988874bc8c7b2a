"""Steps of a segment on its ladder, shortened for tests, through the real services."""

from dataclasses import replace
from datetime import datetime, timedelta

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import MoveCause
from reviewqueue.models import Case, Segment, TrustMove, TrustPlan
from reviewqueue.queries.trust import plan_in_force, segments_in_force
from reviewqueue.services.autonomy import grant, withdraw
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.trust_plans import put_plan, terms_of
from reviewqueue.trust.bounds import reviews_needed
from tests.factories.predictions import raw_item, set_policy, store
from tests.reviewqueue.services.steps import OTHER, claim, decide

TOLERATED = 0.25
DELTA = 0.05


def plan(workflow: Workflow, *, now: datetime, **changes: object) -> TrustPlan:
    """Put a plan in force: one band a label, a quarter of errors tolerated."""
    terms = replace(
        terms_of(plan_in_force(workflow)),
        evidence="all",
        edges=[],
        delta=DELTA,
        tolerated=dict.fromkeys(workflow.declaration.label_keys, TOLERATED),
        min_reviews=5,
    )
    terms = replace(terms, **changes)  # type: ignore[arg-type]  # names of the test
    return put_plan(
        workflow=workflow, terms=terms, by=None, reason="for the test", now=now
    )


def route(workflow: Workflow, n: int, *, now: datetime, start: int) -> None:
    """Store, score and route `n` items that all look legitimate."""
    rows = [raw_item(start + at, now=now, amount=10.0 + at % 50) for at in range(n)]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=n, now=now)


def review(
    workflow: Workflow, person: User, n: int, *, now: datetime, n_wrong: int = 0
) -> None:
    """Claim and decide `n` cases; the first `n_wrong` find the model wrong."""
    for at in range(n):
        case = claim(workflow, person, now=now)
        label = OTHER[case.route.label] if at < n_wrong else case.route.label
        decide(case, person, label=label, now=now)


def cut(workflow: Workflow, *, now: datetime) -> Segment:
    """Return the segment of what looks legitimate, with one item in it.

    The champion has been sliced after 200 items; the others are out of the way.
    """
    earlier = now - timedelta(minutes=5)
    ModelVersion.objects.filter(workflow=workflow).update(stage_changed_at=earlier)
    set_policy(workflow, mode="earned", now=earlier)
    plan(workflow, now=earlier)
    route(workflow, 199, start=0, now=earlier)
    Case.objects.update(status="decided", closed_at=earlier)
    route(workflow, 1, start=200, now=earlier)
    return next(one for one in segments_in_force(workflow) if one.label == "legitimate")


def needed(segment: Segment) -> int:
    enough = reviews_needed(0, rate=TOLERATED, delta=DELTA / segment.n_sharing)
    assert enough is not None
    return enough


def grant_step(
    workflow: Workflow,
    segment: Segment,
    by: User,
    *,
    now: datetime,
    seen_level: int = 0,
) -> TrustMove:
    return grant(
        workflow=workflow,
        segment_id=segment.pk,
        seen_level=seen_level,
        by=by,
        reason="the evidence",
        now=now,
    )


def take_back(
    workflow: Workflow, segment: Segment, by: User, *, now: datetime
) -> TrustMove | None:
    return withdraw(
        workflow=workflow,
        segment_id=segment.pk,
        cause=MoveCause.BY_HAND,
        by=by,
        reason="a complaint",
        now=now,
    )


def earn(
    workflow: Workflow, segment: Segment, person: User, *, now: datetime
) -> datetime:
    """Earn the first step; return a moment after it."""
    enough = needed(segment)
    route(workflow, enough - 1, start=300, now=now)
    review(workflow, person, enough, now=now)
    grant_step(workflow, segment, person, now=now)
    segment.refresh_from_db()
    return now + timedelta(minutes=1)
