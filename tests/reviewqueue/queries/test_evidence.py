"""Evidence is what the rows say, whatever happened, in any order, seen at any time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import CaseEvent, Observation, Segment
from reviewqueue.queries.evidence import evidence_of
from reviewqueue.queries.trust import segments_in_force
from reviewqueue.services.adjudication import FollowUpTaken
from reviewqueue.services.claims import release_case
from reviewqueue.services.decisions import AmendRefused, UndoRefused
from reviewqueue.services.observations import rebuild_observations
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, set_policy, store
from tests.reviewqueue.queries.evidence_from_rows import FromRows, evidence_from_rows
from tests.reviewqueue.services.steps import claim, decide, maybe_claim, token
from tests.reviewqueue.services.test_tallies import take
from tests.reviewqueue.services.trust_steps import cut, route

STEPS = (
    "confirm",
    "override",
    "unsure",
    "undo",
    "amend",
    "outcome",
    "route",
    "begin",
    "put off",
    "move",
    "begin anew",
)
FIRST, N_ITEMS = 1000, 10
type Step = tuple[str, int, int]
steps = st.tuples(st.sampled_from(STEPS), st.integers(0, 99), st.integers(0, 9_000))


@pytest.fixture
def segment(workflow: Workflow, champion: ModelVersion, now: datetime) -> Segment:
    return cut(workflow, now=now)


def go_on(
    step: Step, workflow: Workflow, people: Sequence[User], *, now: datetime
) -> None:
    name, pick, _ = step
    if name == "outcome":
        label = "fraud" if pick % 2 else "legitimate"
        item = f"tx-{FIRST + pick % N_ITEMS}"
        row = OutcomeRow(item, label, now - timedelta(seconds=pick))
        record_outcomes(workflow=workflow, rows=[row], by=None, now=now)
    elif name == "route":
        process_batch(workflow=workflow, limit=1 + pick % 4, now=now)
    elif name in {"begin", "put off"}:
        person = people[pick % len(people)]
        case = maybe_claim(workflow, person, now=now)
        if case is not None and name == "put off":
            release_case(
                case_id=case.pk, holder=person, lease_token=token(case), now=now
            )
    elif name == "move":
        Segment.objects.filter(workflow=workflow).update(moved_at=now)
    elif name == "begin anew":
        Segment.objects.filter(workflow=workflow).update(
            moved_at=now, evidence_since=now
        )
    else:
        take(step, workflow, people, now=now)


def observed(
    segments: Sequence[Segment],
    *,
    is_blind: bool,
    now: datetime,
    excluded: Sequence[User],
) -> dict[UUID, FromRows]:
    found = evidence_of(
        segments,
        is_blind=is_blind,
        now=now,
        excluded_reviewers=[one.pk for one in excluded],
    )
    return {
        pk: (
            one.is_error.tolist(),
            one.n_in_order,
            one.n_since_move,
            one.watched.tolist(),
            one.n_overdue,
            one.n_due,
        )
        for pk, one in found.items()
    }


def check(workflow: Workflow, people: Sequence[User], *, now: datetime) -> None:
    segments = segments_in_force(workflow)
    moments = (now, now + timedelta(hours=3), now + timedelta(days=2))
    for at, is_blind, n in product(moments, (False, True), range(len(people) + 1)):
        from_rows = evidence_from_rows(
            segments,
            is_blind=is_blind,
            now=at,
            excluded_reviewers=[one.pk for one in people[:n]],
        )
        seen = observed(segments, is_blind=is_blind, now=at, excluded=people[:n])
        assert seen == from_rows


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(script=st.lists(steps, max_size=30), n_routed=st.integers(0, N_ITEMS))
def test_evidence_is_what_the_rows_say_after_any_sequence(
    workflow: Workflow,
    segment: Segment,
    alice: User,
    bob: User,
    now: datetime,
    script: list[Step],
    n_routed: int,
) -> None:
    with transaction.atomic():
        set_policy(
            workflow,
            mode="earned",
            blind_share=0.5,
            second_opinion_share=0.3,
            now=now,
        )
        rows = [raw_item(FIRST + at, now=now, amount=10.0) for at in range(N_ITEMS)]
        store(workflow, rows, now=now)
        process_batch(workflow=workflow, limit=n_routed, now=now)
        at = now
        for step in script:
            at += timedelta(seconds=step[2])
            try:
                with transaction.atomic():
                    go_on(step, workflow, [alice, bob], now=at)
            except (AmendRefused, FollowUpTaken, UndoRefused):
                continue
        check(workflow, [alice, bob], now=at)
        assert rebuild_observations()
        transaction.set_rollback(True)


def test_item_that_is_not_sent_to_people_is_not_observed(
    workflow: Workflow, segment: Segment, now: datetime
) -> None:
    Segment.objects.filter(pk=segment.pk).update(level=1, review_probability=1e-9)
    n_before = Observation.objects.count()

    route(workflow, 20, start=FIRST, now=now)

    assert Observation.objects.count() == n_before


def test_claim_that_was_noted_late_and_is_earlier_counts(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    decide(case, alice, now=now)
    earlier = now - timedelta(seconds=1)
    CaseEvent.objects.create(
        case=case, workflow=workflow, kind="claimed", to_status="leased", at=earlier
    )

    assert Observation.objects.get(case=case).begun_at == earlier
    check(workflow, [alice], now=now)


def test_rebuilding_finds_what_is_wrong_and_mends_it(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    decide(case, alice, now=now)
    Observation.objects.filter(case=case).update(is_error=True)

    assert not rebuild_observations()

    assert rebuild_observations()
    check(workflow, [alice], now=now)


def test_evidence_is_one_statement(
    workflow: Workflow, segment: Segment, now: datetime
) -> None:
    with CaptureQueriesContext(connection) as queries:
        evidence_of(segments_in_force(workflow), is_blind=False, now=now)

    assert len(queries) <= 3  # the champion, its segments, what was observed
