"""What pages read of readings and alerts."""

from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from lifecycle.models import Alert
from lifecycle.queries.monitoring import alerts_of, newest_readings, open_first
from lifecycle.services.alerts import acknowledge_alert, resolve_alert
from lifecycle.services.monitors.overview import overview_of
from lifecycle.services.monitors.registry import MONITORS
from predictions.models import Workflow
from tests.factories.predictions import make_workflow
from tests.lifecycle.alarms import look_fine, raised

pytestmark = pytest.mark.django_db
OFTEN = timedelta(minutes=5)


def test_newest_readings_are_read_at_once(
    workflow: Workflow, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        look_fine(workflow, now=now + number * OFTEN)
        look_fine(workflow, now=now + number * OFTEN, monitor="latency")

    with django_assert_num_queries(1):
        found = newest_readings(workflow, [one.key for one in MONITORS], most=2)
        moments = [(one.at, one.value, one.says) for one in found["latency"]]

    assert [at for at, _, _ in moments] == [now + OFTEN, now + 2 * OFTEN]
    assert set(found) == {"latency", "queue_age"}


def test_overview_takes_two_queries(
    workflow: Workflow, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for key in ("latency", "queue_age", "cost"):
        raised(workflow, now=now, monitor=key)

    with django_assert_num_queries(2):
        watched = overview_of(workflow, now=now)
        found = {one.monitor.key: (one.verdict, one.alert) for one in watched}

    assert found["latency"][0] == "alarm"
    assert found["latency"][1] is not None
    assert found["arrivals"] == ("silent", None)


def test_raised_come_first_then_taken_then_over(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    keys = ("latency", "queue_age", "cost")
    over, taken, fresh = (raised(workflow, now=now, monitor=key) for key in keys)
    resolve_alert(alert_id=over.pk, by=sam, note="Over.", now=now)
    acknowledge_alert(alert_id=taken.pk, by=sam, now=now)

    assert list(open_first(alerts_of(workflow))) == [fresh, taken, over]


def test_alerts_of_another_workflow_are_not_there(
    workflow: Workflow, now: datetime
) -> None:
    loans = make_workflow(now=now, slug="loans")
    raised(workflow, now=now)

    assert not alerts_of(loans).exists()
    assert Alert.objects.count() == 1
