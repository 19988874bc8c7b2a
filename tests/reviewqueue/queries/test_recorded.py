"""What a what-if replays is what the rows say, whatever happened."""

from dataclasses import fields
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Segment
from reviewqueue.queries.recorded import history_of, microseconds
from reviewqueue.queries.trust import segments_in_force
from reviewqueue.services.adjudication import FollowUpTaken
from reviewqueue.services.decisions import AmendRefused, UndoRefused
from reviewqueue.services.pipeline import process_batch
from reviewqueue.trust.what_if import Recorded
from tests.factories.predictions import raw_item, set_policy, store
from tests.reviewqueue.queries.recorded_from_rows import Row, recorded_from_rows
from tests.reviewqueue.queries.test_evidence import (
    FIRST,
    N_ITEMS,
    Step,
    go_on,
    steps,
)
from tests.reviewqueue.services.steps import OTHER, amend, claim, decide
from tests.reviewqueue.services.trust_steps import cut, route

SECOND = timedelta(seconds=1)
COLUMNS = tuple(one.name for one in fields(Recorded))


@pytest.fixture
def segment(workflow: Workflow, champion: ModelVersion, now: datetime) -> Segment:
    return cut(workflow, now=now)


def rows_of(recorded: Recorded) -> list[Row]:
    columns = (getattr(recorded, name).tolist() for name in COLUMNS)
    return list(zip(*columns, strict=True))


def test_error_that_was_said_blind_is_known_since_then_though_amended(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    Case.objects.filter(status="pending").update(status="decided", closed_at=now)
    set_policy(workflow, mode="earned", blind_share=1.0, now=now)
    route(workflow, 1, start=FIRST, now=now)
    case = claim(workflow, alice, now=now)
    right = case.route.label
    said = decide(case, alice, label=OTHER[right], now=now + SECOND).decision
    amend(said, alice, label=right, now=now + 2 * SECOND)

    segments = segments_in_force(workflow)
    found = history_of(workflow, segments, now=now + 3 * SECOND).recorded

    recorded = found[segment.pk]
    assert recorded.is_error.tolist()[-1:] == [True]
    assert recorded.resolved_at.tolist()[-1:] == [microseconds(now + SECOND)]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(script=st.lists(steps, max_size=30), n_routed=st.integers(0, N_ITEMS))
def test_history_is_what_the_rows_say_after_any_sequence(
    workflow: Workflow,
    segment: Segment,
    alice: User,
    bob: User,
    now: datetime,
    script: list[Step],
    n_routed: int,
) -> None:
    with transaction.atomic():
        set_policy(workflow, mode="earned", blind_share=0.5, now=now)
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
        at += timedelta(seconds=1)
        segments = segments_in_force(workflow)
        found = history_of(workflow, segments, now=at).recorded
        read = [rows_of(found[one.pk]) for one in segments]
        assert read == recorded_from_rows(workflow, segments, now=at)
        transaction.set_rollback(True)
