"""A failure that was told by mistake is taken back, and with it what it made true."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.enums import AccessEventKind
from accounts.models import AccessEvent, User
from predictions.models import FailureWithdrawal, MachineFailure, Workflow
from reviewqueue.models import Outcome
from reviewqueue.queries.alarms import alarm_report
from reviewqueue.services.failure_withdrawals import (
    AlreadyWithdrawn,
    WithdrawalRefused,
    Withdrawn,
    withdraw_failure,
)
from reviewqueue.services.machine_failures import FailureRow, look_at_failures
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.series import hour_of, make_series_workflow, send
from tests.reviewqueue.services.steps import claim, decide
from tests.reviewqueue.services.test_machine_failures import in_force, told

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=1)


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    """Five hours of readings: items of 8:15 to 12:45."""
    workflow = make_series_workflow(now=now)
    send(workflow, hour_of(T0, [40.0] * 60), now=now)
    return workflow


def withdraw(
    minute: int, by: User, *, now: datetime, reason: str = "Wrong mill."
) -> Withdrawn:
    failure = MachineFailure.objects.get(at=T0 + minute * MINUTES)
    return withdraw_failure(failure=failure, by=by, reason=reason, now=now)


def test_its_items_get_the_label_of_silence_where_failures_are_complete(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    told(workflow, 200, complete=300, now=now)

    done = withdraw(200, sam, now=now + MINUTES)

    # Up to 180 the horizon is over by 300; what ended later waits.
    assert in_force(workflow) == {
        **dict.fromkeys(range(15, 195, 15), "running"),
        195: "failure",
    }
    assert (done.corrected, done.waiting) == (7, 1)
    told(workflow, complete=320, now=now + 2 * MINUTES)
    assert set(in_force(workflow).values()) == {"running"}


def test_the_failure_stays_with_who_took_it_back_and_why(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    told(workflow, 200, now=now)

    withdraw(200, sam, now=now + MINUTES)

    row = FailureWithdrawal.objects.get()
    assert (row.by, row.at, row.reason) == (sam, now + MINUTES, "Wrong mill.")
    assert MachineFailure.objects.count() == 1
    event = AccessEvent.objects.get(kind=AccessEventKind.FAILURE_WITHDRAWN)
    assert (event.actor, event.scope, event.at) == (sam, workflow.scope, row.at)
    assert event.data == {
        "machine": "mill-1",
        "failure": "2026-03-01T11:20:00+00:00",
        "reason": "Wrong mill.",
    }


def test_another_failure_within_the_horizon_stands(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    told(workflow, 200, 230, complete=400, now=now)
    before = in_force(workflow)

    done = withdraw(200, sam, now=now + MINUTES)

    # From 110 on the one of 230 is within two hours.
    assert done.corrected == 2
    assert in_force(workflow) == before | {90: "running", 105: "running"}


def test_a_failure_told_after_all_corrects_again_and_can_be_taken_back_again(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    told(workflow, 200, complete=400, now=now)
    withdraw(200, sam, now=now + MINUTES)

    told(workflow, 170, now=now + 2 * MINUTES)
    after = in_force(workflow)
    withdraw(170, sam, now=now + 3 * MINUTES)

    assert [at for at, label in after.items() if label == "failure"] == [
        *range(60, 180, 15)
    ]
    assert set(in_force(workflow).values()) == {"running"}
    n = Outcome.objects.count()
    told(workflow, complete=400, now=now + 4 * MINUTES)
    assert Outcome.objects.count() == n


def test_what_people_found_stands(
    workflow: Workflow, alice: User, sam: User, now: datetime
) -> None:
    process_batch(workflow=workflow, limit=50, now=now)
    case = claim(workflow, alice, now=now)
    decide(case, alice, now=now, label="failure")
    found = [OutcomeRow("mill-1@2026-03-01T10:00:00Z", "failure", T0 + 130 * MINUTES)]
    record_outcomes(workflow=workflow, rows=found, by=sam, now=now)
    told(workflow, 200, complete=400, now=now)
    told(workflow, 130, now=now)

    withdraw(200, sam, now=now + MINUTES)
    withdraw(130, sam, now=now + 2 * MINUTES)

    # A decision on the first item, and the outcome of a visit to the one of 10:00.
    assert case.item.external_id == "mill-1@2026-03-01T08:15:00Z"
    positive = [at for at, label in in_force(workflow).items() if label == "failure"]
    assert positive == [15, 120]


def test_figures_of_alarms_count_it_no_more(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    told(workflow, 200, complete=400, now=now)

    withdraw(200, sam, now=now + MINUTES)

    report = alarm_report(workflow, since=None, until=None, sites=None)
    assert report is not None
    assert report.model.failures.n == 0


def test_sent_again_it_is_refused(workflow: Workflow, sam: User, now: datetime) -> None:
    told(workflow, 200, complete=400, now=now)
    withdraw(200, sam, now=now + MINUTES)

    again = told(workflow, 200, complete=400, now=now + 2 * MINUTES)
    rows = [FailureRow("mill-1", T0 + 200 * MINUTES)]
    looked = look_at_failures(workflow=workflow, rows=rows, now=now)

    for refused in (again.refused, looked.refused):
        assert [(one.field, one.rule) for one in refused[0].errors] == [
            ("at", "withdrawn")
        ]
    assert set(in_force(workflow).values()) == {"running"}


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x00b"])
def test_a_reason_is_needed(
    workflow: Workflow, sam: User, now: datetime, reason: str
) -> None:
    told(workflow, 200, now=now)

    with pytest.raises(WithdrawalRefused):
        withdraw(200, sam, now=now, reason=reason)

    assert not FailureWithdrawal.objects.exists()


def test_it_is_taken_back_once(workflow: Workflow, sam: User, now: datetime) -> None:
    told(workflow, 200, now=now)
    withdraw(200, sam, now=now)

    with pytest.raises(AlreadyWithdrawn):
        withdraw(200, sam, now=now)
