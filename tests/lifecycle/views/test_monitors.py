"""Pages of monitors and alerts."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from lifecycle.enums import AlertStatus
from lifecycle.judging.found import fine
from lifecycle.models import Alert
from lifecycle.services.monitors.registry import MONITORS
from lifecycle.services.monitors.watch import watch
from predictions.models import Workflow
from tests.lifecycle.alarms import SAYS, look, look_alarmed, raised

pytestmark = pytest.mark.django_db
MONITORS_PAGE, ALERTS_PAGE = "/w/cards/monitors/", "/w/cards/alerts/"
ONE = "/w/cards/monitors/one/"


@pytest.fixture
def web(client: Client, workflow: Workflow, sam: User) -> Client:
    client.force_login(sam)
    return client


def page(web: Client, path: str) -> str:
    answer = web.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_page_before_the_first_look_says_silent(web: Client) -> None:
    shown = page(web, MONITORS_PAGE)

    assert f"{len(MONITORS)} silent" in shown
    assert "It has not looked yet." in shown


def test_page_shows_three_kinds_and_what_was_found(
    web: Client, workflow: Workflow
) -> None:
    now = datetime.now(UTC)
    watch(workflow=workflow, now=now)

    shown = page(web, MONITORS_PAGE)

    for words in ("Infrastructure", "Model", "Business", "No case waits."):
        assert words in shown
    for one in MONITORS:
        assert one.title.replace("'", "&#x27;") in shown


def test_reading_that_is_late_is_silent(web: Client, workflow: Workflow) -> None:
    look(workflow, fine("All well.", 1.0), now=datetime.now(UTC) - timedelta(hours=1))

    assert f"{len(MONITORS)} silent" in page(web, MONITORS_PAGE)


@pytest.mark.parametrize("key", [one.key for one in MONITORS])
def test_every_monitor_has_its_page(web: Client, workflow: Workflow, key: str) -> None:
    now = datetime.now(UTC)
    look(workflow, fine("All well.", 0.5, 40), now=now - timedelta(days=1), monitor=key)
    look(workflow, fine("All well.", 0.6, 40), now=now, monitor=key)

    shown = page(web, f"{ONE}?monitor={key}")

    assert "All well." in shown
    assert "<svg" in shown


def test_unknown_monitor_is_not_there(web: Client) -> None:
    assert web.get(f"{ONE}?monitor=weather").status_code == 404


def test_drift_page_shows_the_values_of_the_chosen_feature(
    web: Client, workflow: Workflow
) -> None:
    changes = [{"what": "quantile", "of": "0.5", "before": 20.0, "after": 2000.0}]
    feature = {"name": "amount", "verdict": "moved", "distance": 0.8, "p_value": 0.001}
    still = {"name": "night", "verdict": "still", "distance": 0.01, "p_value": 0.9}
    data = {
        "features": [still | {"changes": []}, feature | {"changes": changes}],
        "reference": "500 rows that v1 learnt from",
        "n_before": 500,
        "n_after": 700,
        "budget": 0.001,
        "decisions": {"value": 0.1, "low": 0.05, "high": 0.15},
    }
    found = fine("Moved.", 0.8, 700, **data)
    look(workflow, found, now=datetime.now(UTC), monitor="drift_features")

    first = page(web, ONE)
    other = page(web, f"{ONE}?monitor=drift_features&feature=night")

    assert "Amount: the values that moved" in first
    assert "2,000" in first
    assert "+10.0" in first
    assert "500 rows that v1 learnt from" in first
    assert "At night: the values that moved" in other


def test_alert_is_taken_and_resolved(web: Client, workflow: Workflow) -> None:
    alert = raised(workflow, now=datetime.now(UTC))
    shown = page(web, ALERTS_PAGE)
    assert SAYS in shown
    assert "I am at it" in shown

    for _ in range(2):
        assert web.post(f"{ALERTS_PAGE}{alert.pk}/acknowledge/").status_code == 302
    assert "I am at it" not in page(web, ALERTS_PAGE)
    for _ in range(2):
        answer = web.post(f"{ALERTS_PAGE}{alert.pk}/resolve/", {"note": "A full disk."})
        assert answer.status_code == 302

    alert.refresh_from_db()
    assert alert.status == AlertStatus.RESOLVED
    assert alert.events.count() == 3
    shown = page(web, ALERTS_PAGE)
    assert "Nothing is open" in shown
    assert "A full disk." in shown


def test_resolving_needs_a_note(web: Client, workflow: Workflow) -> None:
    alert = raised(workflow, now=datetime.now(UTC))

    answer = web.post(f"{ALERTS_PAGE}{alert.pk}/resolve/", {"note": " "})

    assert answer.status_code == 422
    assert "This field is required." in answer.content.decode()
    assert Alert.objects.get().status == AlertStatus.RAISED


def test_auditor_reads_and_cannot_act(
    client: Client, workflow: Workflow, audrey: User
) -> None:
    alert = raised(workflow, now=datetime.now(UTC))
    client.force_login(audrey)

    assert "I am at it" not in page(client, ALERTS_PAGE)
    answer = client.post(f"{ALERTS_PAGE}{alert.pk}/resolve/", {"note": "Mine."})
    assert answer.status_code == 403


def test_open_alert_is_on_the_page_of_monitors(web: Client, workflow: Workflow) -> None:
    look_alarmed(workflow, now=datetime.now(UTC))

    assert "Alerts (1 open)" in page(web, MONITORS_PAGE)
    assert "Alert: raised" in page(web, f"{ONE}?monitor=queue_age")
