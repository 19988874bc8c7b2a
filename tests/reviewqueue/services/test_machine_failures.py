"""Failures make late truth; silence only once somebody vouches for it."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import Machine, MachineFailure, Workflow
from predictions.services.series import NoSeries
from reviewqueue.models import Label, Outcome
from reviewqueue.services.machine_failures import (
    FailureRow,
    FailuresRecorded,
    record_failures,
    settle_recent,
)
from reviewqueue.services.pipeline import process_batch
from tests.factories.series import hour_of, make_series_workflow, send
from tests.reviewqueue.services.steps import claim, decide

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=1)


@pytest.fixture
def mills(db: None, now: datetime) -> Workflow:
    """Five hours of readings: items of 8:15 to 12:45."""
    workflow = make_series_workflow(now=now)
    send(workflow, hour_of(T0, [40.0] * 60), now=now)
    return workflow


def told(
    workflow: Workflow,
    *minutes: int,
    now: datetime,
    complete: int | None = None,
    kind: str = "",
) -> FailuresRecorded:
    rows = [FailureRow("mill-1", T0 + at * MINUTES, kind) for at in minutes]
    until = None if complete is None else T0 + complete * MINUTES
    return record_failures(
        workflow=workflow, rows=rows, complete_until=until, by=None, now=now
    )


def in_force(workflow: Workflow) -> dict[int, str]:
    """Return the labels by the minute at which the window ended."""
    labels = Label.objects.filter(workflow=workflow).order_by("version")
    return {
        int((item.window.ends_at - T0) / MINUTES): label.label
        for label in labels.select_related("item__window")
        if (item := label.item)
    }


def test_a_failure_labels_the_items_within_the_horizon_before_it(
    mills: Workflow, now: datetime
) -> None:
    result = told(mills, 200, now=now)

    assert (result.accepted, result.labelled) == (1, 8)
    assert in_force(mills) == dict.fromkeys(range(90, 200, 15), "failure")
    assert set(Outcome.objects.values_list("observed_at", flat=True)) == {
        T0 + 200 * MINUTES
    }


def test_silence_is_truth_once_failures_are_complete(
    mills: Workflow, now: datetime
) -> None:
    told(mills, 200, now=now)

    result = told(mills, complete=300, now=now)

    # Up to 180 the horizon is over by 300; what had the failure within it is known.
    assert result.labelled == 5
    assert in_force(mills) == {
        **dict.fromkeys(range(15, 90, 15), "running"),
        **dict.fromkeys(range(90, 200, 15), "failure"),
    }
    assert Machine.objects.get().complete_until == T0 + 300 * MINUTES


def test_the_same_again_changes_nothing(mills: Workflow, now: datetime) -> None:
    told(mills, 200, complete=300, now=now)

    again = told(mills, 200, complete=250, now=now)

    assert (again.accepted, again.duplicates, again.labelled) == (0, 1, 0)
    assert Machine.objects.get().complete_until == T0 + 300 * MINUTES


def test_a_failure_that_comes_after_all_corrects_silence(
    mills: Workflow, now: datetime
) -> None:
    told(mills, complete=300, now=now)
    assert in_force(mills)[120] == "running"

    told(mills, 200, now=now)
    told(mills, 200, complete=300, now=now)

    assert in_force(mills) == {
        **dict.fromkeys(range(15, 90, 15), "running"),
        **dict.fromkeys(range(90, 200, 15), "failure"),
    }
    assert Outcome.objects.filter(label="failure").count() == 8


def test_silence_does_not_contradict_an_alarm_of_people(
    mills: Workflow, alice: User, now: datetime
) -> None:
    process_batch(workflow=mills, limit=50, now=now)
    case = claim(mills, alice, now=now)
    decide(case, alice, now=now, label="failure")

    told(mills, complete=300, now=now)

    assert in_force(mills)[15] == "failure"
    assert not Outcome.objects.filter(item=case.item).exists()


def test_items_that_come_after_the_news_are_found_by_the_sweep(
    mills: Workflow, now: datetime
) -> None:
    told(mills, 330, now=now)
    before = in_force(mills)

    send(mills, hour_of(T0 + 300 * MINUTES, [40.0] * 8), now=now)
    found = settle_recent(now=now + MINUTES)

    assert found == 2
    assert settle_recent(now=now + 2 * MINUTES) == 0
    assert in_force(mills) == before | {300: "failure", 315: "failure"}


def test_what_breaks_a_rule_is_named(mills: Workflow, now: datetime) -> None:
    told(mills, 100, kind="tool", now=now)
    rows = [
        FailureRow("mill-9", T0),
        FailureRow("mill-1", now + MINUTES),
        FailureRow("mill-1", T0 + 100 * MINUTES, "power"),
    ]

    result = record_failures(
        workflow=mills, rows=rows, complete_until=None, by=None, now=now
    )

    found = [
        (one.index, error.field, error.rule, error.value)
        for one in result.refused
        for error in one.errors
    ]
    assert found == [
        (0, "machine", "unknown_machine", "mill-9"),
        (1, "at", "future", (now + MINUTES).isoformat()),
        (2, "kind", "conflict", "power"),
    ]
    assert MachineFailure.objects.get().kind == "tool"


def test_without_a_series_no_failures_are_taken(
    workflow: Workflow, now: datetime
) -> None:
    with pytest.raises(NoSeries):
        told(workflow, 100, now=now)
