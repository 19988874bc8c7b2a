"""Training by itself: when, why, and why not."""

from datetime import datetime, timedelta

import pytest

from lifecycle.enums import AlertStatus, MonitorKind, RunStatus, Trigger
from lifecycle.models import Alert, TrainingRun
from lifecycle.services.retraining import consider_retraining
from predictions.models import Workflow
from predictions.services.workflows import declare_workflow
from reviewqueue.enums import NoticeKind
from reviewqueue.models import Notice
from tests.factories.predictions import DECLARATION
from tests.lifecycle.training_steps import add_labels, drawn_items

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def declared(workflow: Workflow, rules: str, *, now: datetime) -> Workflow:
    """Put rules of retraining in force; small minimums unless they say otherwise."""
    text = DECLARATION.format(slug=workflow.slug, name=workflow.name)
    least = "min_positives = 50\nmin_others = 50\n"
    found, _ = declare_workflow(
        source_toml=f"{text}\n[retraining]\n{least}{rules}", by=None, now=now
    )
    return found


def ended(run: TrainingRun, *, now: datetime) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(status=RunStatus.DONE, ended_at=now)


def alarm(workflow: Workflow, *, at: datetime, **changes: object) -> Alert:
    fields: dict[str, object] = {
        "workflow": workflow,
        "monitor": "drift_features",
        "kind": MonitorKind.MODEL,
        "says": "Amount moved.",
        "raised_at": at,
        "last_seen_at": at,
    }
    return Alert.objects.create(**(fields | changes))


def test_nothing_declared_trains_nothing(workflow: Workflow, now: datetime) -> None:
    later = now + 9999 * DAY

    assert consider_retraining(workflow=workflow, now=later) is None


def test_schedule_counts_from_the_last_run(workflow: Workflow, now: datetime) -> None:
    workflow = declared(workflow, "every_days = 30", now=now)
    add_labels(workflow, drawn_items(200, now=now), now=now)

    assert consider_retraining(workflow=workflow, now=now + 29 * DAY) is None
    first = consider_retraining(workflow=workflow, now=now + 30 * DAY)
    assert first is not None
    assert (first.trigger, first.status) == (Trigger.SCHEDULE, RunStatus.WAITING)
    assert first.why == (
        "30 days since the workflow was made, and no run before, one every 30"
    )
    assert first.snapshot.as_of == now + 30 * DAY
    assert [one["algorithm"] for one in first.asked] == [
        "gradient_boosting",
        "baseline",
    ]

    assert consider_retraining(workflow=workflow, now=now + 61 * DAY) is None
    ended(first, now=now + 30 * DAY)
    assert consider_retraining(workflow=workflow, now=now + 59 * DAY) is None
    second = consider_retraining(workflow=workflow, now=now + 61 * DAY)
    assert second is not None
    assert second.why == "31 days since the last run, one every 30"


def test_new_labels_count_from_the_last_snapshot(
    workflow: Workflow, now: datetime
) -> None:
    workflow = declared(workflow, "after_labels = 150", now=now)
    rows = drawn_items(320, now=now)
    add_labels(workflow, rows[:149], now=now)
    assert consider_retraining(workflow=workflow, now=now + DAY) is None

    add_labels(workflow, rows[149:150], now=now)
    first = consider_retraining(workflow=workflow, now=now + DAY)
    assert first is not None
    assert first.why == "150 new labels and no run before, 150 wanted"
    ended(first, now=now + DAY)
    add_labels(workflow, rows[150:299], now=now + 2 * DAY)
    assert consider_retraining(workflow=workflow, now=now + 3 * DAY) is None
    add_labels(workflow, rows[299:], now=now + 3 * DAY)
    second = consider_retraining(workflow=workflow, now=now + 4 * DAY)

    assert second is not None
    assert second.trigger == Trigger.LABELS
    assert second.why == (
        "170 new labels since the snapshot of the last run, 150 wanted"
    )


def test_open_drift_alarm_calls_for_one_run(workflow: Workflow, now: datetime) -> None:
    workflow = declared(workflow, "on_drift = true\nevery_days = 1", now=now)
    add_labels(workflow, drawn_items(200, now=now), now=now)
    alarm(workflow, at=now + DAY)

    run = consider_retraining(workflow=workflow, now=now + DAY)

    assert run is not None
    assert (run.trigger, run.why) == (Trigger.DRIFT, "drift alarm: Amount moved.")
    ended(run, now=now + DAY)
    assert consider_retraining(workflow=workflow, now=now + 1.5 * DAY) is None


@pytest.mark.parametrize(
    "changes",
    [
        {
            "status": AlertStatus.RESOLVED,
            "ended_at": datetime.fromisoformat("2026-03-03T09:00Z"),
        },
        {"kind": MonitorKind.BUSINESS},
        {"monitor": "calibration"},
    ],
)
def test_other_alarms_call_for_none(
    workflow: Workflow, now: datetime, changes: dict[str, object]
) -> None:
    workflow = declared(workflow, "on_drift = true", now=now)
    alarm(workflow, at=now + DAY, **changes)

    assert consider_retraining(workflow=workflow, now=now + DAY) is None


def test_declined_is_said_once_for_the_same_counts(
    workflow: Workflow, now: datetime
) -> None:
    workflow = declared(workflow, "every_days = 30", now=now)
    rows = drawn_items(90, now=now)
    add_labels(workflow, rows[:60], now=now)
    due = now + 30 * DAY

    first = consider_retraining(workflow=workflow, now=due)
    same = consider_retraining(workflow=workflow, now=due + timedelta(hours=1))
    n_fraud = sum(row["label"] == "fraud" for row in rows[:60])
    assert first is not None
    assert same is None
    assert (first.status, first.snapshot) == (RunStatus.DECLINED, None)
    assert first.said == (
        f"{n_fraud} positives, 50 needed; {60 - n_fraud} others, 50 needed"
    )

    add_labels(workflow, rows[60:], now=due)
    other = consider_retraining(workflow=workflow, now=due + timedelta(hours=2))
    assert other is not None
    assert other.said != first.said
    assert TrainingRun.objects.count() == 2
    assert Notice.objects.filter(kind=NoticeKind.TRAINING_ENDED).count() == 1


def test_declared_candidates_are_asked_for(workflow: Workflow, now: datetime) -> None:
    rules = """every_days = 1
[[retraining.candidates]]
algorithm = "logistic"
features = ["amount"]
name = "amount alone"
"""
    workflow = declared(workflow, rules, now=now)
    add_labels(workflow, drawn_items(200, now=now), now=now)

    run = consider_retraining(workflow=workflow, now=now + DAY)

    assert run is not None
    assert run.asked == [
        {
            "algorithm": "logistic",
            "entry_point": "",
            "features": ["amount"],
            "name": "amount alone",
        }
    ]
