"""A segment on its way down the ladder and back, through the real services."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import RouteKind
from reviewqueue.models import Case, Route, Segment, TrustMove
from reviewqueue.queries.trust import plan_in_force, segments_in_force
from reviewqueue.services.assessment import assess
from reviewqueue.services.autonomy import (
    MoveRefused,
)
from reviewqueue.services.trust_plans import (
    InvalidPlan,
    PlanTerms,
    put_plan,
    terms_of,
)
from reviewqueue.services.trust_watch import watch_trust
from reviewqueue.trust.ladder import Verdict
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.gold_steps import gold_items, write_answers
from tests.reviewqueue.services.steps import claim, decide
from tests.reviewqueue.services.trust_steps import (
    TOLERATED,
    cut,
    earn,
    grant_step,
    needed,
    plan,
    review,
    route,
    take_back,
)


@pytest.fixture
def segment(workflow: Workflow, champion: ModelVersion, now: datetime) -> Segment:
    return cut(workflow, now=now)


def test_champion_is_sliced_after_two_hundred_recommendations(
    workflow: Workflow, segment: Segment
) -> None:
    segments = segments_in_force(workflow)

    assert {one.label for one in segments} == set(workflow.declaration.label_keys)
    assert {(one.level, one.review_probability) for one in segments} == {(0, 1.0)}
    assert {one.n_sharing for one in segments} == {len(segments)}
    assert Route.objects.filter(segment=None).count() == 199
    assert Route.objects.get(segment=segment).review_probability == 1


def test_enough_clean_reviews_earn_one_step_and_not_one_fewer(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    enough = needed(segment)
    route(workflow, enough - 1, start=300, now=now)
    review(workflow, alice, enough - 1, now=now)
    with pytest.raises(MoveRefused, match="1 more without error") as refused:
        grant_step(workflow, segment, alice, now=now)
    assert refused.value.rule == "too_few"

    review(workflow, alice, 1, now=now)
    move = grant_step(workflow, segment, alice, now=now)

    assert (move.from_level, move.to_level, move.to_probability) == (0, 1, 0.5)
    assert move.evidence["reviews"] == enough
    assert move.evidence["errors"] == 0
    assert move.evidence["bound"] <= TOLERATED
    assert (move.by, move.reason) == (alice, "the evidence")


def test_half_of_a_granted_segment_passes_without_people(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    earn(workflow, segment, alice, now=now)

    route(workflow, 400, start=1000, now=now)

    routes = Route.objects.filter(segment=segment, review_probability=0.5)
    passed = routes.filter(kind=RouteKind.AUTO)
    assert routes.count() > 300  # the others look like fraud
    assert 0.4 < passed.count() / routes.count() < 0.6
    assert not Case.objects.filter(item__route__in=passed).exists()


def test_each_step_takes_reviews_of_its_own(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    later = earn(workflow, segment, alice, now=now)

    with pytest.raises(MoveRefused) as refused:
        grant_step(workflow, segment, alice, now=later, seen_level=1)

    assert refused.value.rule == "too_few"


def test_second_click_on_a_grant_is_stale(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    later = earn(workflow, segment, alice, now=now)

    with pytest.raises(MoveRefused) as refused:
        grant_step(workflow, segment, alice, now=later, seen_level=0)

    assert refused.value.rule == "stale"
    assert TrustMove.objects.count() == 1


def test_errors_withdraw_autonomy_at_the_next_look(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    later = earn(workflow, segment, alice, now=now)
    route(workflow, 60, start=2000, now=later)
    n_open = Case.objects.filter(status="pending").count()
    review(workflow, alice, n_open, n_wrong=n_open, now=later)

    moves = watch_trust(workflow=workflow, now=later + timedelta(seconds=1))

    assert [(one.kind, one.cause, one.to_level) for one in moves] == [
        ("withdraw", "alarm", 0)
    ]
    segment.refresh_from_db()
    assert (segment.level, segment.review_probability) == (0, 1)
    assert segment.evidence_since == later + timedelta(seconds=1)
    assert watch_trust(workflow=workflow, now=later + timedelta(seconds=2)) == []


def test_watch_grants_only_where_the_plan_grants_by_itself(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    enough = needed(segment)
    route(workflow, enough, start=300, now=now)
    review(workflow, alice, enough, now=now)
    assert watch_trust(workflow=workflow, now=now) == []

    plan(workflow, now=now, auto_grant=True)
    moves = watch_trust(workflow=workflow, now=now)

    assert [(one.kind, one.by, one.to_level) for one in moves] == [("grant", None, 1)]


def test_overdue_audits_that_were_begun_count_as_errors(
    workflow: Workflow, segment: Segment, alice: User, bob: User, now: datetime
) -> None:
    claim(workflow, alice, now=now)
    route(workflow, 1, start=300, now=now)
    long_after = now + timedelta(days=10)

    found = assess(
        workflow=workflow,
        plan=plan_in_force(workflow),
        segments=[segment],
        now=long_after,
    )[0]

    # one was begun and never decided; the other was never looked at
    assert list(found.evidence.is_error) == [True]
    assert (found.evidence.n_overdue, found.evidence.n_due) == (2, 2)


def test_reviews_begun_after_an_open_one_wait_for_it(
    workflow: Workflow, segment: Segment, alice: User, bob: User, now: datetime
) -> None:
    route(workflow, 4, start=300, now=now)
    review(workflow, bob, 1, now=now)
    held = claim(workflow, alice, now=now + timedelta(seconds=1))
    review(workflow, bob, 2, now=now + timedelta(seconds=2))

    def counted() -> tuple[int, int]:
        found = assess(
            workflow=workflow,
            plan=plan_in_force(workflow),
            segments=[segment],
            now=now + timedelta(seconds=3),
        )[0]
        return len(found.evidence.is_error), found.standing.reviews

    # the watch looks at all three; a grant rests on what was begun before alice's
    assert counted() == (3, 1)
    decide(held, alice, now=now + timedelta(seconds=3))
    assert counted() == (4, 4)


def test_blind_evidence_is_what_was_drawn_to_be_blind(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    route(workflow, 5, start=300, now=now)
    set_policy(workflow, mode="earned", blind_share=1.0, now=now)
    route(workflow, 3, start=400, now=now)
    review(workflow, alice, 9, now=now)

    def reviews(evidence: str) -> int:
        judged_by = plan(workflow, now=now, evidence=evidence)
        found = assess(workflow=workflow, plan=judged_by, segments=[segment], now=now)
        assert found[0].standing.verdict == Verdict.TOO_FEW
        return found[0].standing.reviews

    assert reviews("blind") == 3
    assert reviews("all") == 9


def test_withdrawal_by_hand_happens_once(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    later = earn(workflow, segment, alice, now=now)

    first = take_back(workflow, segment, alice, now=later)
    assert first is not None
    assert (first.cause, first.reason, first.to_probability) == (
        "by_hand",
        "a complaint",
        1,
    )
    assert take_back(workflow, segment, alice, now=later) is None


def test_evidence_of_a_reviewer_below_the_gold_floor_takes_trust_back(
    workflow: Workflow, segment: Segment, alice: User, sam: User, now: datetime
) -> None:
    later = earn(workflow, segment, alice, now=now)
    gold = gold_items(workflow, sam, n=20, now=now)
    assert watch_trust(workflow=workflow, now=later) == []
    write_answers(gold, alice, n_wrong=20, now=now)

    moves = watch_trust(workflow=workflow, now=later)

    assert [(one.cause, one.to_level) for one in moves] == [("reviewers", 0)]
    assert watch_trust(workflow=workflow, now=later) == []


def test_other_slices_begin_anew(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    later = earn(workflow, segment, alice, now=now)

    plan(workflow, now=later, edges=[0.05])

    assert {(one.slicing, one.level) for one in segments_in_force(workflow)} == {(2, 0)}


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"delta": 0.0}, "delta", "range"),
        ({"alpha": 0.5}, "alpha", "range"),
        ({"evidence": "hearsay"}, "evidence", "value"),
        ({"ladder": [0.5, 0.1]}, "ladder", "falling_from_1"),
        ({"ladder": [1.0, 0.5, 0.5]}, "ladder", "falling_from_1"),
        ({"ladder": [1.0, 0.0]}, "ladder", "falling_from_1"),
        ({"edges": [0.5, 0.2]}, "edges", "rising_in_unit"),
        ({"edges": [0.0]}, "edges", "rising_in_unit"),
        ({"segment_feature": "amount"}, "segment_feature", "value"),
        ({"tolerated": {"unknown": 0.1}}, "tolerated", "label"),
        ({"tolerated": {"fraud": 0.9}}, "tolerated", "range"),
        ({"gold_share": 0.9}, "gold_share", "range"),
    ],
)
def test_plan_names_the_rule_that_it_breaks(
    workflow: Workflow,
    now: datetime,
    changes: dict[str, object],
    field: str,
    rule: str,
) -> None:
    with pytest.raises(InvalidPlan) as refused:
        plan(workflow, now=now, **changes)

    assert [(one.field, one.rule) for one in refused.value.errors] == [(field, rule)]


def test_tolerated_rate_by_hand_takes_a_reason(
    workflow: Workflow, now: datetime
) -> None:
    terms: PlanTerms = replace(
        terms_of(plan_in_force(workflow)), tolerated={"fraud": 0.1}
    )
    with pytest.raises(InvalidPlan, match="reason: missing"):
        put_plan(workflow=workflow, terms=terms, by=None, reason=" ", now=now)
