"""A new champion starts lower where it was right in shadow, and only there."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import MoveCause, MoveKind
from reviewqueue.models import Decision, Notice, Route, Segment, TrustMove
from reviewqueue.queries.shadow_evidence import n_tried
from reviewqueue.queries.trust import plan_in_force, segments_in_force
from reviewqueue.services.assessment import assess
from reviewqueue.services.autonomy import MoveRefused
from reviewqueue.services.trust_watch import watch_trust
from tests.factories.predictions import make_model, set_policy
from tests.reviewqueue.models.trust_rows import make_segment
from tests.reviewqueue.services.shadow_steps import (
    AUDIT_SHARE,
    DAY,
    cut_new,
    main_segment,
    promote,
    review_all,
    route,
    run_beside,
    start,
)
from tests.reviewqueue.services.steps import amend
from tests.reviewqueue.services.trust_steps import DELTA, TOLERATED, plan, take_back


@pytest.fixture
def beside(workflow: Workflow, champion: ModelVersion, now: datetime) -> ModelVersion:
    return run_beside(workflow, now=now)


def looked(workflow: Workflow, *, now: datetime) -> Segment:
    """Let the watch look, and return the segment."""
    watch_trust(workflow=workflow, now=now)
    return main_segment(workflow)


def own_delta(workflow: Workflow, segment: Segment, *, now: datetime) -> float:
    judged_by = plan_in_force(workflow)
    found = assess(workflow=workflow, plan=judged_by, segments=[segment], now=now)
    return found[0].terms.delta


def test_version_that_was_right_in_shadow_starts_lower(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    later = now + DAY
    n = review_all(workflow, alice, now=now)
    segment = cut_new(workflow, beside, now=later, auto_grant=True)
    assert (segment.level, segment.shadow, segment.shadow_share) == (0, None, 0.5)

    moves = watch_trust(workflow=workflow, now=later)

    # the ladder is 100, 50, 25, 10, 5 %: all but the floor, which is earned
    [move] = [one for one in moves if one.segment_id == segment.pk]
    assert (move.kind, move.cause, move.by) == ("grant", "shadow", None)
    assert (move.from_level, move.to_level, move.to_probability) == (0, 3, 0.1)
    assert n > 40
    assert move.evidence["shares"] == [[AUDIT_SHARE, n, 0]]
    assert (move.evidence["reviews"], move.evidence["errors"]) == (n, 0)
    assert move.evidence["bound"] <= TOLERATED
    assert move.evidence["delta"] == DELTA / segment.n_sharing / 2
    assert move.evidence["model_version"] == str(beside.pk)
    assert Notice.objects.get().data["cause"] == "shadow"
    route(workflow, 1, start=6000, now=later)
    last = Route.objects.order_by("-pk")[0]
    assert (last.segment_id, last.review_probability) == (segment.pk, 0.1)
    assert watch_trust(workflow=workflow, now=later) == []


def test_where_the_plan_does_not_grant_it_waits_for_a_click(
    workflow: Workflow, beside: ModelVersion, alice: User, sam: User, now: datetime
) -> None:
    later = now + DAY
    review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=later)
    segment = looked(workflow, now=later)
    assert (segment.level, segment.shadow["level"]) == (0, 3)
    assert not TrustMove.objects.exists()

    move = start(workflow, segment, sam, now=later)

    assert (move.cause, move.to_level, move.by) == ("shadow", 3, sam)
    assert move.reason == "as good as the last"
    with pytest.raises(MoveRefused) as refused:
        start(workflow, segment, sam, now=later)
    assert refused.value.rule == "stale"
    with pytest.raises(MoveRefused) as refused:
        start(workflow, segment, sam, now=later, seen_level=3)
    assert refused.value.rule == "shadow"
    assert TrustMove.objects.count() == 1


def test_other_half_of_delta_is_for_own_evidence(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    later = now + DAY
    review_all(workflow, alice, now=now)
    segment = cut_new(workflow, beside, now=later)

    half = DELTA / segment.n_sharing / 2
    assert own_delta(workflow, segment, now=later) == half
    assert own_delta(workflow, looked(workflow, now=later), now=later) == half


def test_errors_in_shadow_leave_it_at_review_all(
    workflow: Workflow, beside: ModelVersion, alice: User, sam: User, now: datetime
) -> None:
    later = now + DAY
    n = review_all(workflow, alice, n_wrong=12, now=now)
    cut_new(workflow, beside, now=later, auto_grant=True)

    segment = looked(workflow, now=later)

    assert (segment.level, segment.shadow["level"]) == (0, 0)
    assert segment.shadow["shares"] == [[AUDIT_SHARE, n, 12]]
    assert not TrustMove.objects.exists()
    with pytest.raises(MoveRefused) as refused:
        start(workflow, segment, sam, now=later)
    assert refused.value.rule == "shadow"


def test_what_nobody_decided_in_time_counts_as_wrong(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    later = now + DAY
    n = Route.objects.filter(kind="review").count()
    cut_new(workflow, beside, now=later, auto_grant=True)

    segment = looked(workflow, now=later)

    assert segment.shadow["unresolved"] == segment.shadow["errors"] == n
    assert segment.level == 0


def test_before_their_time_is_over_items_do_not_count(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    soon = now + timedelta(minutes=239)  # deadlines are after 240
    review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=soon, auto_grant=True)

    segment = looked(workflow, now=soon)

    # nothing to look at: its own evidence has all of delta
    assert (segment.shadow, segment.shadow_share, segment.level) == (None, 0, 0)
    assert own_delta(workflow, segment, now=soon) == DELTA / segment.n_sharing


def test_too_few_to_help_are_not_looked_at(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    later = now + DAY
    review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=later, min_reviews=1000)

    segment = looked(workflow, now=later)

    assert (segment.shadow, segment.shadow_share) == (None, 0)


def test_version_that_never_ran_in_shadow_has_nothing_to_look_at(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    segment = cut_new(workflow, run_and_retire(workflow, champion, now=now), now=now)

    assert segment.shadow_share == 0


def run_and_retire(
    workflow: Workflow, champion: ModelVersion, *, now: datetime
) -> ModelVersion:
    """Route what a cut takes with a version that is promoted at once."""
    direct = make_model(workflow, now=now)
    promote(direct, now=now)
    route(workflow, 200, start=0, now=now)
    promote(champion, now=now)
    return direct


def test_other_slices_are_not_looked_at(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    later = now + DAY
    review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=later)

    plan(workflow, now=later, edges=[0.05])

    assert {one.shadow_share for one in segments_in_force(workflow)} == {0}


def test_what_was_routed_before_a_withdrawal_does_not_count(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    later = now + DAY
    review_all(workflow, alice, now=now)
    withdrawn = make_segment(workflow, make_model(workflow, now=now), now=now)
    TrustMove.objects.create(
        workflow=workflow,
        segment=withdrawn,
        plan=plan(workflow, now=now),
        kind=MoveKind.WITHDRAW,
        cause=MoveCause.DRIFT,
        from_level=1,
        to_level=0,
        from_probability=0.5,
        to_probability=1,
        evidence={},
        at=now + timedelta(minutes=1),
    )
    cut_new(workflow, beside, now=later)

    assert looked(workflow, now=later).shadow_share == 0


def test_best_of_several_versions_is_held_to_more(
    workflow: Workflow,
    champion: ModelVersion,
    beside: ModelVersion,
    alice: User,
    now: datetime,
) -> None:
    later = now + DAY
    other = make_model(workflow, now=now, stage=Stage.SHADOW)
    make_model(workflow, now=now)  # never ran
    review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=later)
    assert n_tried(beside) == 2

    segment = looked(workflow, now=later)

    assert segment.shadow["versions_tried"] == 2
    assert segment.shadow["delta"] == DELTA / segment.n_sharing / 2 / 2
    # it ran on beside the next champion, and was the only one
    promote(other, now=later + DAY)
    assert n_tried(other) == 1


def test_blind_evidence_is_weighted_by_both_draws(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    later = now + DAY
    beside = run_beside(workflow, audit_share=0.5, blind_share=0.5, now=now)
    blind = Route.objects.filter(blind=True).count()
    assert 0 < blind < Route.objects.filter(kind="review").count()
    review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=later, evidence="blind")

    segment = looked(workflow, now=later)

    assert segment.shadow["shares"] == [[0.25, blind, 0]]
    assert segment.shadow["counts"] == "blind"


def test_shares_that_changed_are_kept_apart(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    later = now + DAY
    set_policy(workflow, mode="all", now=now)
    route(workflow, 30, start=1000, now=now)
    n = review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=later)

    segment = looked(workflow, now=later)

    assert segment.shadow["shares"] == [[AUDIT_SHARE, n - 30, 0], [1.0, 30, 0]]


@pytest.mark.parametrize("feature", ["card_present", "night"])
def test_items_belong_where_their_feature_says(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime, feature: str
) -> None:
    later = now + DAY
    n = review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=later, segment_feature=feature)

    watch_trust(workflow=workflow, now=later)

    found = {
        one.value: one.shadow["reviews"] if one.shadow else 0
        for one in segments_in_force(workflow)
        if one.label == "legitimate"
    }
    value = {"card_present": "yes", "night": "false"}[feature]
    assert found == {value: n, "": 0}
    # and so does what the new champion recommends
    last = Route.objects.select_related("segment").latest("pk")
    assert last.segment is not None
    assert last.segment.value == value


def test_after_a_withdrawal_it_is_earned_anew(
    workflow: Workflow, beside: ModelVersion, alice: User, sam: User, now: datetime
) -> None:
    later = now + DAY
    review_all(workflow, alice, now=now)
    segment = cut_new(workflow, beside, now=later, auto_grant=True)
    watch_trust(workflow=workflow, now=later)
    take_back(workflow, segment, sam, now=later + timedelta(seconds=1))

    assert watch_trust(workflow=workflow, now=later + timedelta(seconds=2)) == []
    with pytest.raises(MoveRefused, match="shadow"):
        start(workflow, segment, sam, now=later + timedelta(seconds=2))


def test_own_evidence_that_speaks_against_it_counts_more(
    workflow: Workflow, beside: ModelVersion, alice: User, sam: User, now: datetime
) -> None:
    later = now + DAY
    review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=later)
    segment = looked(workflow, now=later)
    route(workflow, 40, start=7000, now=later)
    review_all(workflow, alice, n_wrong=41, now=later + timedelta(seconds=1))

    with pytest.raises(MoveRefused, match="shadow"):
        start(workflow, segment, sam, now=later + timedelta(seconds=2))


def test_labels_corrected_since_the_look_are_counted_at_the_click(
    workflow: Workflow, beside: ModelVersion, alice: User, sam: User, now: datetime
) -> None:
    later = now + DAY
    review_all(workflow, alice, now=now)
    cut_new(workflow, beside, now=later)
    segment = looked(workflow, now=later)
    for decision in Decision.objects.order_by("pk")[:20]:
        amend(decision, alice, now=later)

    with pytest.raises(MoveRefused, match="shadow"):
        start(workflow, segment, sam, now=later + timedelta(minutes=1))

    segment.refresh_from_db()
    assert (segment.shadow["errors"], segment.shadow["level"]) == (20, 0)
    assert not TrustMove.objects.exists()
