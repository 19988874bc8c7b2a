"""What was earned goes with the champion, the slices and the terms it was earned on."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.services.registry import change_stage, roll_back
from reviewqueue.enums import MoveCause, NoticeKind
from reviewqueue.models import Notice, Route, Segment, TrustMove
from reviewqueue.queries.trust import segments_in_force
from reviewqueue.services.trust_plans import InvalidPlan
from reviewqueue.services.trust_watch import watch_trust
from tests.factories.predictions import make_model
from tests.reviewqueue.services.trust_steps import TOLERATED, cut, earn, plan, route

DAY = timedelta(days=1)


@pytest.fixture
def segment(workflow: Workflow, champion: ModelVersion, now: datetime) -> Segment:
    return cut(workflow, now=now)


@pytest.fixture
def later(workflow: Workflow, segment: Segment, alice: User, now: datetime) -> datetime:
    return earn(workflow, segment, alice, now=now)


def promote_another(workflow: Workflow, *, now: datetime) -> ModelVersion:
    version = make_model(workflow, now=now)
    return change_stage(
        version=version, to=Stage.CHAMPION, by=None, reason="better", now=now
    )


def causes() -> list[tuple[str, str]]:
    return list(TrustMove.objects.order_by("id").values_list("kind", "cause"))


def test_another_champion_takes_back_what_the_former_one_earned_and_says_so(
    workflow: Workflow, segment: Segment, later: datetime
) -> None:
    promote_another(workflow, now=later)

    (move,) = watch_trust(workflow=workflow, now=later + DAY)

    assert (move.segment, move.kind, move.cause) == (
        segment,
        "withdraw",
        MoveCause.CHAMPION,
    )
    assert Notice.objects.filter(kind=NoticeKind.WITHDRAWN).count() == 1
    segment.refresh_from_db()
    assert (segment.level, segment.review_probability) == (0, 1)
    assert watch_trust(workflow=workflow, now=later + 2 * DAY) == []


def test_rollback_gives_nothing_back_whether_the_watch_looked_or_not(
    workflow: Workflow, segment: Segment, later: datetime
) -> None:
    promote_another(workflow, now=later)
    roll_back(workflow=workflow, by=None, reason="worse", now=later + 200 * DAY)

    route(workflow, 40, start=9000, now=later + 201 * DAY)

    routed = Route.objects.filter(segment=segment, routed_at__gt=later + 200 * DAY)
    assert routed.count() > 20
    assert set(routed.values_list("kind", "review_probability")) == {("review", 1.0)}
    (move,) = watch_trust(workflow=workflow, now=later + 202 * DAY)
    assert move.cause == MoveCause.CHAMPION
    segment.refresh_from_db()
    assert segment.evidence_since == later + 202 * DAY


def test_other_slices_take_back_what_the_former_ones_earned_and_say_so(
    workflow: Workflow, segment: Segment, later: datetime
) -> None:
    plan(workflow, now=later, edges=[0.05])

    watch_trust(workflow=workflow, now=later + DAY)

    assert causes() == [("grant", "evidence"), ("withdraw", "plan")]
    assert {one.level for one in segments_in_force(workflow)} == {0}


def test_other_evidence_begins_anew(
    workflow: Workflow, segment: Segment, later: datetime
) -> None:
    plan(workflow, now=later, evidence="blind")

    watch_trust(workflow=workflow, now=later + DAY)

    assert causes() == [("grant", "evidence"), ("withdraw", "plan")]
    in_force = segments_in_force(workflow)
    assert {(one.slicing, one.evidence_since) for one in in_force} == {(2, later)}


def test_share_that_is_on_no_rung_of_a_new_ladder_is_taken_back(
    workflow: Workflow, segment: Segment, later: datetime
) -> None:
    plan(workflow, now=later, ladder=[1.0, 0.8, 0.5])

    watch_trust(workflow=workflow, now=later + DAY)

    assert causes() == [("grant", "evidence"), ("withdraw", "plan")]


def test_tightened_rate_takes_back_what_does_not_meet_it(
    workflow: Workflow, segment: Segment, later: datetime
) -> None:
    strict = dict.fromkeys(workflow.declaration.label_keys, TOLERATED / 10)
    plan(workflow, now=later, tolerated=strict)

    watch_trust(workflow=workflow, now=later + DAY)

    assert causes() == [("grant", "evidence"), ("withdraw", "plan")]


def test_new_version_of_the_same_terms_changes_nothing(
    workflow: Workflow, segment: Segment, later: datetime
) -> None:
    plan(workflow, now=later, min_reviews=50)

    assert watch_trust(workflow=workflow, now=later + DAY) == []


def test_floor_that_sends_next_to_nothing_to_people_is_refused(
    workflow: Workflow, now: datetime
) -> None:
    with pytest.raises(InvalidPlan, match="ladder: falling_from_1"):
        plan(workflow, now=now, ladder=[1.0, 1e-9])


def test_floor_reached_is_told(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    plan(workflow, now=now, ladder=[1.0, 0.05])

    earn(workflow, segment, alice, now=now)

    kinds = Notice.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == [NoticeKind.GRANTED, NoticeKind.FLOOR_REACHED]


def test_rate_tightened_while_somebody_granted_is_held_to_all_the_same(
    workflow: Workflow, segment: Segment, later: datetime, now: datetime
) -> None:
    strict = dict.fromkeys(workflow.declaration.label_keys, TOLERATED / 10)
    # It read its clock before the grant, and waited for the workflow until after it.
    plan(workflow, now=now - timedelta(seconds=1), tolerated=strict)

    watch_trust(workflow=workflow, now=later)

    assert causes() == [("grant", "evidence"), ("withdraw", "plan")]
