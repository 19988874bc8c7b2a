"""Looks at the service and at the business metric, and when they are made."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from accounts.models import User
from lifecycle.enums import ReadingVerdict
from lifecycle.models import Reading
from lifecycle.services.monitors.registry import BY_KEY, MONITORS, REPLAYED
from lifecycle.services.monitors.watch import (
    due_monitors,
    finite,
    look_once,
    thin_readings,
    watch,
)
from lifecycle.tasks import look as look_task
from lifecycle.tasks import watch as watch_task
from predictions.models import ModelVersion, Workflow
from predictions.services.workflows import declare_workflow
from reviewqueue.models import Route
from reviewqueue.services.workers import leave_sign
from tests.factories.predictions import (
    DECLARATION,
    make_champion,
    make_items,
    make_workflow,
    set_policy,
)
from tests.lifecycle.alarms import look_alarmed, look_fine
from tests.lifecycle.services.monitors.days import DAY, arrive
from tests.reviewqueue.services.steps import claim, decide, open_cases

pytestmark = pytest.mark.django_db
OFTEN = timedelta(minutes=5)
LIMITS = """
[monitoring]
queue_age_minutes = 30
latency_ms = 1
silent_minutes = 30
cost_per_decision = 0.5

[business]
measure = "{measure}"
"""


@pytest.fixture
def limited(db: None, now: datetime) -> Workflow:
    """A workflow with limits on all that can have one, and a measure."""
    return declare("cost_per_item", now=now)


def declare(measure: str, *, now: datetime) -> Workflow:
    make_workflow(now=now)
    text = DECLARATION.format(slug="cards", name="Cards")
    text += LIMITS.format(measure=measure)
    return declare_workflow(source_toml=text, by=None, now=now)[0]


def found(workflow: Workflow, monitor: str, *, now: datetime) -> Reading:
    reading = look_once(workflow=workflow, monitor=monitor, now=now)
    assert reading is not None
    return reading


def test_queue_and_arrivals_age(limited: Workflow, now: datetime) -> None:
    make_champion(limited, now=now)
    open_cases(limited, 1, now=now)

    early = [
        found(limited, key, now=now + 4 * OFTEN) for key in ("queue_age", "arrivals")
    ]
    late = [
        found(limited, key, now=now + 7 * OFTEN) for key in ("queue_age", "arrivals")
    ]

    assert [one.verdict for one in early] == ["fine", "fine"]
    assert [one.verdict for one in late] == ["alarm", "alarm"]
    assert [one.value for one in late] == [35.0, 35.0]


def test_unscored_items_age(limited: Workflow, now: datetime) -> None:
    make_items(limited, 1, now=now)

    assert found(limited, "score_age", now=now + OFTEN).verdict == "fine"
    assert found(limited, "score_age", now=now + 3 * OFTEN).verdict == "alarm"


def test_latency_of_the_last_hour(limited: Workflow, now: datetime) -> None:
    make_champion(limited, now=now)
    open_cases(limited, 40, now=now)

    reading = found(limited, "latency", now=now + OFTEN)
    later = found(limited, "latency", now=now + timedelta(hours=2))

    assert (reading.n, later.n) == (40, 0)
    assert reading.value is not None
    assert later.verdict == ReadingVerdict.TOO_FEW


def test_items_without_a_score_are_failures(limited: Workflow, now: datetime) -> None:
    open_cases(limited, 25, now=now)  # there is no champion

    reading = found(limited, "failures", now=now + OFTEN)

    assert (reading.verdict, reading.value, reading.n) == ("alarm", 1.0, 25)


def test_workers_sign_of_life(limited: Workflow, now: datetime) -> None:
    cache.clear()
    none = found(limited, "workers", now=now)
    leave_sign(now=now + OFTEN)
    alive = found(limited, "workers", now=now + OFTEN)
    quiet = found(limited, "workers", now=now + 2 * OFTEN)

    assert [one.verdict for one in (none, alive, quiet)] == ["too_few", "fine", "alarm"]
    assert quiet.value == 300.0


def test_watch_that_was_away_says_so(limited: Workflow, now: datetime) -> None:
    first = found(limited, "looks", now=now)
    in_time = found(limited, "looks", now=now + OFTEN)
    late = found(limited, "looks", now=now + timedelta(hours=3))

    assert [one.verdict for one in (first, in_time, late)] == ["fine", "fine", "alarm"]
    assert late.value == 175.0


def test_cost_of_a_decision_is_time(
    limited: Workflow, alice: User, now: datetime
) -> None:
    make_champion(limited, now=now)
    open_cases(limited, 12, now=now)
    for _ in range(12):
        case = claim(limited, alice, now=now)
        decide(case, alice, now=now + timedelta(minutes=2))

    reading = found(limited, "cost", now=now + DAY)

    assert (reading.verdict, reading.n) == ("alarm", 12)
    assert reading.value == pytest.approx(2.0)


@pytest.mark.parametrize("measure", ["review_share", "cost_per_item", "precision"])
def test_business_metric_by_week_and_around_promotions(
    db: None, now: datetime, measure: str
) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    workflow = declare(measure, now=start - DAY)
    set_policy(workflow, now=start - DAY, mode="above", low=0.1, audit_share=0.5)
    make_champion(workflow, now=start - timedelta(hours=1))
    for day in range(6):
        arrive(workflow, start + day * DAY, 100, with_truth=True)

    reading = found(workflow, "business", now=start + 6 * DAY)

    assert reading.verdict == ReadingVerdict.FINE
    assert reading.value is not None
    weeks = reading.data["weeks"]
    assert len(weeks) == 12
    assert [one["n"] > 0 for one in weeks] == [False] * 11 + [True]
    assert weeks[-1]["low"] <= weeks[-1]["value"] <= weeks[-1]["high"]
    [promotion] = reading.data["promotions"]
    assert promotion["version"] == 1
    assert promotion["before"]["value"] is None
    assert promotion["after"]["n"] > 0
    if measure == "review_share":
        routes = Route.objects.filter(workflow=workflow)
        n_seen = routes.filter(kind="review").count()
        assert reading.value == n_seen / routes.count()


def test_accuracy_and_calibration_weigh_by_chance(db: None) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    workflow = make_workflow(now=start - DAY)
    set_policy(workflow, now=start - DAY, mode="above", low=0.1, audit_share=0.5)
    make_champion(workflow, now=start - timedelta(hours=1))
    for day in range(3):
        arrive(workflow, start + day * DAY, 100, with_truth=True)

    accuracy = found(workflow, "accuracy", now=start + 3 * DAY)
    calibration = found(workflow, "calibration", now=start + 3 * DAY)

    assert accuracy.verdict == ReadingVerdict.FINE
    assert accuracy.value is not None
    assert accuracy.value > 0.8
    assert accuracy.data["by_people"]["n"] == 0
    assert accuracy.data["by_outcomes"]["n"] == accuracy.n
    assert calibration.value is not None
    assert calibration.data["bins"]


def test_every_look_is_due_once_a_moment(workflow: Workflow, now: datetime) -> None:
    assert len(due_monitors(workflow, now=now)) == len(MONITORS)

    readings = watch(workflow=workflow, now=now)

    assert {one.monitor for one in readings} == {one.key for one in MONITORS}
    assert due_monitors(workflow, now=now + timedelta(minutes=4)) == []
    often = {one.key for one in due_monitors(workflow, now=now + OFTEN)}
    assert often == {one.key for one in MONITORS if one.every == OFTEN}
    assert not Reading.objects.filter(verdict=ReadingVerdict.ALARM).exists()


def test_beat_wakes_each_look_by_itself(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "lifecycle.tasks_monitors.wake",
        lambda task, **kwargs: woken.append((task, kwargs["monitor"])),
    )

    watch_task()

    assert woken == [("lifecycle.look", one.key) for one in MONITORS]
    assert look_task(workflow_id=str(workflow.pk), monitor="queue_age") == "fine"


def test_looks_of_a_day_are_woken_a_few_a_minute(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_workflow(now=now, slug="loans")
    woken: list[str] = []
    monkeypatch.setattr(
        "lifecycle.tasks_monitors.wake",
        lambda task, **kwargs: woken.append(kwargs["monitor"]),
    )

    watch_task()

    n_long = sum(BY_KEY[key].every == DAY for key in woken)
    n_short = sum(one.every < DAY for one in MONITORS)
    assert (n_long, len(woken) - n_long) == (8, 2 * n_short)


def test_old_readings_are_thinned(workflow: Workflow, now: datetime) -> None:
    for minutes in (0, 5, 10):
        look_fine(workflow, now=now - 8 * DAY + timedelta(minutes=minutes))
        look_fine(workflow, now=now - DAY + timedelta(minutes=minutes))
    look_alarmed(workflow, now=now - 8 * DAY + timedelta(minutes=15))
    look_alarmed(workflow, now=now - 91 * DAY)

    assert thin_readings(now=now) == 3

    left = Reading.objects.filter(at__lt=now - 7 * DAY).order_by("at")
    assert [(one.at.minute, one.verdict) for one in left] == [
        (0, "fine"),
        (15, "alarm"),
    ]
    assert Reading.objects.count() == 5


def test_what_is_no_number_is_null() -> None:
    data = {"a": float("nan"), "b": [1.5, float("inf")], "c": {"d": (1, "x")}}

    assert finite(data) == {"a": None, "b": [1.5, None], "c": {"d": [1, "x"]}}


def test_command_looks_at_a_moment(workflow: Workflow) -> None:
    out = StringIO()

    call_command("watch", "cards", "--at", "2026-03-03T10:02:00Z", stdout=out)

    assert f"{len(REPLAYED)} looks were due." in out.getvalue()
    assert "queue_age: fine. No case waits." in out.getvalue()
    moments = set(
        Reading.objects.filter(monitor="queue_age").values_list("at", flat=True)
    )
    assert moments == {datetime(2026, 3, 3, 10, 0, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("slug", "at"), [("nowhere", ""), ("cards", "tomorrow"), ("cards", "2026-03-03")]
)
def test_command_says_what_is_wrong(workflow: Workflow, slug: str, at: str) -> None:
    with pytest.raises(CommandError):
        call_command("watch", slug, "--at", at)


def test_no_champion_is_too_few(workflow: Workflow, now: datetime) -> None:
    assert not ModelVersion.objects.exists()

    reading = found(workflow, "accuracy", now=now)

    assert (reading.verdict, reading.says) == ("too_few", "There is no champion.")
