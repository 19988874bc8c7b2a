"""Monitors and alerts as programs meet them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from lifecycle.services.monitors.registry import MONITORS
from predictions.models import Workflow
from tests.lifecycle.alarms import SAYS, look_alarmed, raised
from tests.reviewqueue.api.conftest import Call

pytestmark = pytest.mark.django_db


def test_monitors_are_listed_with_what_they_found(call: Call, live: Workflow) -> None:
    reading = look_alarmed(live, now=datetime.now(UTC))

    rows = call("GET", "workflows/live/monitors").json()["results"]

    assert [one["monitor"] for one in rows] == [one.key for one in MONITORS]
    by_key = {one["monitor"]: one for one in rows}
    assert by_key["latency"]["last"] is None
    assert by_key["latency"]["verdict"] == "silent"
    found = by_key["queue_age"]
    assert (found["verdict"], found["last"]["says"]) == ("alarm", SAYS)
    assert found["last"]["value"] == 180.0
    assert found["alert"] is not None
    assert reading is not None


def test_alert_is_taken_and_resolved(call: Call, live: Workflow) -> None:
    alert = raised(live, now=datetime.now(UTC))
    [listed] = call("GET", "workflows/live/alerts?status=raised").json()["results"]
    assert listed["id"] == str(alert.pk)

    taken = call("POST", f"alerts/{alert.pk}/acknowledge", {"note": "Looking."}).json()
    over = call("POST", f"alerts/{alert.pk}/resolve", {"note": "A full disk."}).json()
    again = call("POST", f"alerts/{alert.pk}/resolve", {"note": "Once more."}).json()

    assert taken["status"] == "acknowledged"
    assert over["status"] == "resolved"
    assert again == over
    assert [(one["status"], one["by"], one["note"]) for one in over["steps"]] == [
        ("raised", None, ""),
        ("acknowledged", "robot", "Looking."),
        ("resolved", "robot", "A full disk."),
    ]
    assert call("GET", "workflows/live/alerts?status=raised").json()["results"] == []


def test_notice_of_an_alert_is_as_documented(call: Call, live: Workflow) -> None:
    alert = raised(live, now=datetime.now(UTC))

    [notice] = call("GET", "workflows/live/notices").json()["results"]

    assert notice["kind"] == "alert.raised"
    assert notice["data"]["alert"] == str(alert.pk)


def test_what_is_asked_wrongly_is_named(call: Call, live: Workflow) -> None:
    alert = raised(live, now=datetime.now(UTC))

    blank = call("POST", f"alerts/{alert.pk}/resolve", {"note": "  "})
    unknown = call("GET", "workflows/live/alerts?status=loud")

    assert (blank.status_code, blank.json()["errors"][0]["field"]) == (422, "note")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (
        422,
        "status",
    )
    assert call("POST", f"alerts/{uuid4()}/acknowledge").status_code == 404
