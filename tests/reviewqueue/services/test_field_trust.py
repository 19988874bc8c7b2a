"""Fields that earn trust beside the label, through the real services."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import MoveCause, RouteKind, RouteReason
from reviewqueue.models import FieldObservation, Observation, Route, Segment
from reviewqueue.queries.trust import plan_in_force, segments_in_force
from reviewqueue.services.assessment import Assessed, assess
from reviewqueue.services.autonomy import MoveRefused
from reviewqueue.services.observations import rebuild_observations
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.trust_watch import watch_trust
from reviewqueue.trust.ladder import Verdict
from reviewqueue.trust.sampling import draw
from tests.reviewqueue.services.field_steps import with_fields
from tests.reviewqueue.services.parts_steps import (
    RATES,
    SURE,
    TWO_FIELDS,
    WRONG,
    earn_all,
    needed_in,
    review_fields,
    segment_of,
    step_down,
    trusted,
    without_confidence,
)
from tests.reviewqueue.services.trust_steps import cut, plan, route, take_back

pytestmark = pytest.mark.django_db
THIRD = """
[[fields]]
name = "checked"
type = "boolean"
"""


@pytest.fixture
def fields(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    now: datetime,
) -> Iterator[Workflow]:
    with trusted(workflow, settings, now=now) as declared:
        yield declared


def standing(workflow: Workflow, segment: Segment, *, now: datetime) -> Assessed:
    segment.refresh_from_db()
    terms = plan_in_force(workflow)
    return assess(workflow=workflow, plan=terms, segments=[segment], now=now)[0]


def test_each_field_has_segments_and_delta_is_shared_among_all(
    fields: Workflow,
) -> None:
    found = segments_in_force(fields)

    assert [(one.field, one.label, one.without_confidence) for one in found] == [
        ("", "fraud", False),
        ("", "legitimate", False),
        ("torque", "", False),
        ("torque", "", True),
        ("tool", "", False),
        ("tool", "", True),
    ]
    assert {one.level for one in found} == {0}
    # three parts; the label has two segments, each field one that can be granted
    assert {one.n_sharing for one in found if not one.field} == {6}
    assert {one.n_sharing for one in found if one.field} == {3}
    shares = [one.own_share for one in found if not one.without_confidence]
    assert sum(shares) == pytest.approx(1)


def test_route_records_what_each_part_asked_for_and_can_be_replayed(
    fields: Workflow, alice: User, now: datetime
) -> None:
    later = earn_all(fields, alice, now=now)
    take_back(fields, segment_of(fields, "tool"), alice, now=later)
    route(fields, 3, start=900, now=later)

    parts = [segment_of(fields, name).pk for name in ("", *RATES)]
    for one in Route.objects.filter(routed_at=later).select_related("policy"):
        assert one.parts == parts
        assert one.part_probabilities == [0.5, 0.5, 1.0]
        assert one.review_probability == max(one.part_probabilities) == 1
        assert (one.kind, one.reason) == (RouteKind.REVIEW, RouteReason.POLICY)
        assert one.draw == draw(one.item_id, seed=one.policy.seed, purpose="review")


def test_items_pass_only_when_every_part_has_earned_it(
    fields: Workflow, alice: User, now: datetime
) -> None:
    parts = [segment_of(fields, name) for name in ("", *RATES)]
    n = max(map(needed_in, parts))
    route(fields, n - 1, start=300, now=now)
    review_fields(fields, alice, n, now=now)
    for at, one in enumerate(parts, start=1):
        step_down(fields, one, alice, now=now)
        later = now + timedelta(minutes=at)
        route(fields, 40, start=1000 * at, now=later)
        sent = Route.objects.filter(routed_at=later)
        is_last = at == len(parts)
        assert {route.review_probability for route in sent} == {0.5 if is_last else 1.0}
        assert sent.filter(kind=RouteKind.AUTO).exists() == is_last


def test_what_another_part_asked_for_is_no_evidence(
    fields: Workflow, alice: User, now: datetime
) -> None:
    later = earn_all(fields, alice, now=now)
    take_back(fields, segment_of(fields, "tool"), alice, now=later)
    route(fields, 60, start=900, now=later)
    review_fields(fields, alice, 60, now=later)

    sent = Route.objects.filter(routed_at=later)
    assert set(sent.values_list("kind", flat=True)) == {RouteKind.REVIEW}
    own = set(sent.filter(draw__lt=0.5).values_list("item_id", flat=True))
    assert 0 < len(own) < 60  # all or none of 60: once in 10 ** 17
    label = Observation.objects.filter(routed_at=later)
    assert set(label.values_list("item_id", flat=True)) == own
    for name, expected in (
        ("torque", own),
        ("tool", set(sent.values_list("pk", flat=True))),
    ):
        seen = FieldObservation.objects.filter(
            routed_at=later, segment=segment_of(fields, name)
        )
        assert set(seen.values_list("item_id", flat=True)) == expected
    n = needed_in(segment_of(fields, "torque"))
    torque = standing(fields, segment_of(fields, "torque"), now=later).standing
    assert torque.reviews == max(n, needed_in(segment_of(fields))) + len(own)
    assert rebuild_observations()


def test_errors_in_a_field_withdraw_that_field_alone(
    fields: Workflow, alice: User, now: datetime
) -> None:
    later = earn_all(fields, alice, now=now)
    sent = Route.objects.filter(routed_at=later, kind=RouteKind.REVIEW)
    start = 900
    while (n := sent.count()) < 10:
        route(fields, 10, start=start, now=later)
        start += 10
    wrong = {"torque": WRONG["torque"]}
    review_fields(fields, alice, n, now=later, fields=wrong, n_wrong=n)

    moves = watch_trust(workflow=fields, now=later)

    assert [(one.segment.field, one.cause) for one in moves] == [("torque", "alarm")]
    levels = {name: segment_of(fields, name).level for name in ("", *RATES)}
    assert levels == {"": 1, "torque": 0, "tool": 1}
    end = later + timedelta(minutes=1)
    route(fields, 5, start=2000, now=end)
    assert {
        tuple(one.part_probabilities or ())
        for one in Route.objects.filter(routed_at=end)
    } == {(0.5, 1.0, 0.5)}


def test_field_error_is_a_value_beyond_the_tolerance(
    fields: Workflow, alice: User, now: datetime
) -> None:
    route(fields, 2, start=300, now=now)
    review_fields(
        fields, alice, 1, now=now, fields={"torque": 12.54, "tool": "robot"}, n_wrong=1
    )
    review_fields(fields, alice, 1, now=now, fields={"torque": 12.6}, n_wrong=1)
    review_fields(fields, alice, 1, now=now)

    errors = {
        name: standing(fields, segment_of(fields, name), now=now).standing.errors
        for name in ("", *RATES)
    }
    assert errors == {"": 0, "torque": 1, "tool": 1}


def test_late_truth_says_what_it_says_and_leaves_the_rest_as_it_was(
    fields: Workflow, alice: User, now: datetime
) -> None:
    route(fields, 1, start=300, now=now)
    corrected, confirmed = review_fields(
        fields, alice, 2, now=now, fields={"tool": "robot"}, n_wrong=1
    )
    later = now + timedelta(hours=1)
    rows = [
        OutcomeRow(corrected.item.external_id, "legitimate", later, {"torque": 40}),
        OutcomeRow(confirmed.item.external_id, "fraud", later),
    ]
    record_outcomes(workflow=fields, rows=rows, by=None, now=later)

    found = {
        (one.case_id, one.segment.field): one.is_error
        for one in FieldObservation.objects.select_related("segment")
        if one.is_error is not None
    }
    assert found == {
        (corrected.pk, "torque"): True,
        (corrected.pk, "tool"): True,
        (confirmed.pk, "torque"): False,
        (confirmed.pk, "tool"): False,
    }


def test_without_a_confidence_or_a_rate_people_see_everything(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    alice: User,
    now: datetime,
) -> None:
    unsaid = {**SURE, "tool": {"value": "hand"}}
    with trusted(
        workflow, settings, unsaid, now=now, tolerated_fields={"tool": 0.25}
    ) as fields:
        n = needed_in(segment_of(fields))
        route(fields, n - 1, start=300, now=now)
        review_fields(fields, alice, n, now=now)
        without = without_confidence(fields, "tool")
        torque = segment_of(fields, "torque")

        for segment, rule in ((without, "no_confidence"), (torque, "no_rate")):
            found = standing(fields, segment, now=now)
            assert (found.standing.verdict, found.standing.reviews) == (rule, n)
            with pytest.raises(MoveRefused) as refused:
                step_down(fields, segment, alice, now=now)
            assert refused.value.rule == rule
        assert standing(fields, torque, now=now).tolerated is None


def test_field_that_is_asked_for_nothing_holds_nothing_back(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    alice: User,
    now: datetime,
) -> None:
    with trusted(
        workflow, settings, now=now, tolerated_fields={"torque": 1.0, "tool": 1.0}
    ) as fields:
        assert {one.field for one in segments_in_force(fields)} == {""}
        assert not Route.objects.exclude(parts=None).exists()
        before = segment_of(fields)

        plan(fields, now=now, tolerated_fields={"torque": 1.0})

        route(fields, 1, start=300, now=now)
        found = segments_in_force(fields)
        assert {one.field for one in found} == {"", "tool"}
        assert segment_of(fields).pk != before.pk  # delta is shared by more parts
        assert {one.n_sharing for one in found if not one.field} == {4}


def test_declared_otherwise_a_field_begins_anew_and_the_others_stand(
    fields: Workflow, alice: User, now: datetime
) -> None:
    later = earn_all(fields, alice, now=now)
    before = {name: segment_of(fields, name) for name in ("", *RATES)}
    stricter = TWO_FIELDS.replace("tolerance = 0.05", "tolerance = 0.01")
    declared = with_fields(fields, stricter, now=later)

    assert {one.field for one in segments_in_force(declared)} == {"", "tool"}
    moves = watch_trust(workflow=declared, now=later)
    assert [(one.segment_id, one.cause) for one in moves] == [
        (before["torque"].pk, MoveCause.PLAN)
    ]
    route(declared, 1, start=900, now=later)

    after = {name: segment_of(declared, name) for name in ("", *RATES)}
    assert (after[""], after["tool"]) == (before[""], before["tool"])
    assert (after["torque"].pk != before["torque"].pk, after["torque"].level) == (
        True,
        0,
    )
    assert after["torque"].n_sharing == before["torque"].n_sharing
    latest = Route.objects.get(routed_at=later)
    assert latest.part_probabilities == [0.5, 1.0, 0.5]

    # words are no declaration of what counts as the same
    renamed = with_fields(declared, stricter.replace('"Torque"', '"Moment"'), now=later)
    assert segment_of(renamed, "torque") == after["torque"]


def test_workflow_without_fields_records_no_parts(
    workflow: Workflow, champion: object, now: datetime
) -> None:
    segment = cut(workflow, now=now)

    only = Route.objects.get(segment=segment)
    assert (only.parts, only.part_probabilities) == (None, None)
    assert {one.n_sharing for one in segments_in_force(workflow)} == {2}
    assert not FieldObservation.objects.exists()
    assert Verdict.NO_RATE not in {
        one.standing.verdict
        for one in assess(
            workflow=workflow,
            plan=plan_in_force(workflow),
            segments=segments_in_force(workflow),
            now=now,
        )
    }


def test_field_more_cuts_everything_anew(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    alice: User,
    now: datetime,
) -> None:
    with trusted(
        workflow, settings, now=now, tolerated_fields=dict.fromkeys(RATES, 1.0)
    ) as fields:
        label = segment_of(fields)
        n = needed_in(label)
        route(fields, n - 1, start=300, now=now)
        review_fields(fields, alice, n, now=now)
        step_down(fields, label, alice, now=now)
        later = now + timedelta(minutes=1)
        declared = with_fields(fields, TWO_FIELDS + THIRD, now=later)

        route(declared, 5, start=900, now=later)

        assert {one.slicing for one in segments_in_force(declared)} == {2}
        sent = Route.objects.filter(routed_at=later)
        assert set(sent.values_list("kind", flat=True)) == {RouteKind.REVIEW}
        moves = watch_trust(workflow=declared, now=later)
        assert [(one.segment_id, one.cause) for one in moves] == [
            (label.pk, MoveCause.PLAN)
        ]
