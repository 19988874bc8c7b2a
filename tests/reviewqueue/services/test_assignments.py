"""What a supervisor does with a case: take it away, reserve it."""

from datetime import datetime

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Case, CaseEvent
from reviewqueue.services.assignments import (
    AssignmentRefused,
    assign_case,
    release_by_supervisor,
)
from reviewqueue.services.claims import skip_case
from reviewqueue.services.leases import LeaseLost
from tests.reviewqueue.services.steps import (
    claim,
    decide,
    events_of,
    token,
)

pytestmark = pytest.mark.django_db


def test_supervisor_takes_a_case_from_its_holder(
    workflow: Workflow, queue: list[Case], alice: User, sam: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)

    release_by_supervisor(case=case, supervisor=sam, reason="gone home", now=now)

    with pytest.raises(LeaseLost):
        decide(case, alice, now=now)
    event = CaseEvent.objects.get(case=case, kind="released")
    assert (event.actor, event.reason) == (sam, "gone home")


def test_supervisors_release_leaves_a_case_that_nobody_holds(
    queue: list[Case], sam: User, now: datetime
) -> None:
    release_by_supervisor(case=queue[0], supervisor=sam, reason="", now=now)

    assert events_of(queue[0]) == [("opened", "", "pending")]


def test_assign_ends_anothers_lease_and_keeps_ones_own(
    workflow: Workflow,
    queue: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    taken, kept = claim(workflow, alice, now=now), claim(workflow, alice, now=now)

    assign_case(case=taken, to=bob, supervisor=sam, reason="", now=now)
    assign_case(case=kept, to=alice, supervisor=sam, reason="", now=now)

    with pytest.raises(LeaseLost):
        decide(taken, alice, now=now)
    decide(kept, alice, now=now)
    assert claim(workflow, bob, now=now).pk == taken.pk
    assert events_of(taken)[2:4] == [
        ("released", "leased", "pending"),
        ("reassigned", "pending", "pending"),
    ]


def test_assign_to_nobody_opens_the_case_to_everyone(
    workflow: Workflow,
    queue: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    assign_case(case=queue[0], to=bob, supervisor=sam, reason="", now=now)
    assign_case(case=queue[0], to=None, supervisor=sam, reason="", now=now)

    assert claim(workflow, alice, now=now).pk == queue[0].pk


def test_assign_refuses_a_closed_case(
    workflow: Workflow,
    queue: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    case = claim(workflow, alice, now=now)
    decide(case, alice, now=now)

    with pytest.raises(AssignmentRefused, match="closed"):
        assign_case(case=case, to=bob, supervisor=sam, reason="", now=now)


def test_assign_refuses_the_first_reader_of_a_second_opinion(
    queue: list[Case], alice: User, sam: User, now: datetime
) -> None:
    Case.objects.filter(pk=queue[0].pk).update(excluded_reviewer=alice)

    with pytest.raises(AssignmentRefused, match="first reader"):
        assign_case(case=queue[0], to=alice, supervisor=sam, reason="", now=now)


def test_assign_outranks_an_earlier_skip(
    workflow: Workflow, queue: list[Case], alice: User, sam: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    skip_case(
        case_id=case.pk, holder=alice, lease_token=token(case), reason="", now=now
    )

    assign_case(case=case, to=alice, supervisor=sam, reason="", now=now)

    assert claim(workflow, alice, now=now).pk == case.pk


def test_skip_by_the_assigned_person_opens_the_case_to_everyone(
    workflow: Workflow,
    queue: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    assign_case(case=queue[0], to=alice, supervisor=sam, reason="", now=now)
    case = claim(workflow, alice, now=now)

    skip_case(
        case_id=case.pk, holder=alice, lease_token=token(case), reason="", now=now
    )

    assert claim(workflow, bob, now=now).pk == case.pk
