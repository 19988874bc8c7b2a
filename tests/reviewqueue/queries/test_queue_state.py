"""Why there is nothing to claim."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import Queue
from reviewqueue.queries.queue_state import queue_state
from reviewqueue.services.claims import skip_case
from reviewqueue.services.decisions import escalate_case
from tests.reviewqueue.services.steps import claim, open_cases, token

pytestmark = pytest.mark.django_db


def test_what_waits_for_an_adjudicator_is_not_done(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    escalate_case(
        case_id=case.pk,
        holder=alice,
        lease_token=token(case),
        reason="both ways",
        now=now,
    )

    state = queue_state(
        workflow=workflow, reviewer=alice, queues=[Queue.REVIEW], now=now
    )

    assert (state.reason, state.n_not_your_role) == ("not-your-role", 1)
    assert "not-your-role=1" in state.header()


def test_a_case_that_two_people_skipped_is_counted_once(
    workflow: Workflow, champion: ModelVersion, alice: User, bob: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    for person in (alice, bob):
        case = claim(workflow, person, now=now)
        skip_case(
            case_id=case.pk,
            holder=person,
            lease_token=token(case),
            reason="not mine",
            now=now,
        )

    state = queue_state(
        workflow=workflow,
        reviewer=alice,
        queues=[Queue.REVIEW],
        now=now + timedelta(seconds=1),
    )

    assert (state.reason, state.n_not_for_you) == ("not-for-you", 1)
