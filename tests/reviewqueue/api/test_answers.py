"""Answers of a workflow in use: `call` holds each against the schema."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from predictions.enums import IntakeSource
from predictions.models import Workflow
from predictions.services.intake import store_items
from reviewqueue.enums import Queue
from reviewqueue.models import Snapshot
from reviewqueue.services.snapshots import build_snapshot
from tests.factories.predictions import make_champion
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.models.trust_rows import make_segment
from tests.reviewqueue.services.steps import claim, decide, decide_unsure, open_cases

pytestmark = pytest.mark.django_db


@pytest.fixture
def used(live: Workflow, alice: User) -> Workflow:
    """A workflow with a champion, a segment, three cases, one decided, one refused."""
    now = datetime.now(UTC) - timedelta(minutes=5)
    model = make_champion(live, now=now)
    make_segment(live, model, now=now)
    open_cases(live, 3, now=now)
    decide(claim(live, alice, now=now), alice, now=now)
    claim(live, alice, now=now)
    bad = [{"external_id": "bad", "features": {"amount": "much"}}]
    store_items(workflow=live, chunks=[bad], source=IntakeSource.API, now=now)
    return live


@pytest.mark.parametrize(
    "path",
    [
        "workflows",
        "workflows/live/items",
        "workflows/live/cases",
        "workflows/live/quarantine",
        "workflows/live/decisions",
        "workflows/live/models",
    ],
)
def test_rows_of_a_list_are_as_described(call: Call, used: Workflow, path: str) -> None:
    answer = call("GET", path)

    assert answer.status_code == 200
    assert answer.json()["results"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/policy",
        "/metrics",
        "/reliance",
        "/consensus",
        "/trust",
        "/trust/plan",
        "/items/tx-1",
    ],
)
def test_answers_about_a_workflow_are_as_described(
    call: Call, used: Workflow, path: str
) -> None:
    assert call("GET", f"workflows/live{path}").status_code == 200


def test_figures_hold_the_judgements(call: Call, used: Workflow) -> None:
    metrics = call("GET", "workflows/live/metrics").json()
    reliance = call("GET", "workflows/live/reliance").json()
    trust = call("GET", "workflows/live/trust").json()

    assert metrics["confirmation"]["total"]["shown"]["k"] == 1
    assert reliance["people"][0]["username"] == "alice"
    assert reliance["everybody"]["blind"]["over"]["value"] is None
    assert trust["segments"]


def test_ready_snapshot_is_told_with_its_datasheet(call: Call, used: Workflow) -> None:
    asked = call("POST", "workflows/live/snapshots", {"sources": ["decision"]})
    pk = asked.json()["id"]
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert build_snapshot(
        snapshot_id=Snapshot.objects.get(pk=pk).pk, clock=lambda: later
    )

    found = call("GET", f"snapshots/{pk}").json()

    assert asked.json()["datasheet"] is None
    assert found["status"] == "ready"
    assert found["datasheet"]["n_rows"] == 1
    assert found["filters"]["sources"] == ["decision"]
    assert call("GET", "workflows/live/snapshots").json()["results"] == [found]


def test_adjudicator_is_told_the_decisions_before(
    call: Call, live: Workflow, alice: User
) -> None:
    now = datetime.now(UTC) - timedelta(minutes=1)
    make_champion(live, now=now)
    open_cases(live, 1, now=now)
    decide_unsure(claim(live, alice, now=now), alice, now=now)

    case = call(
        "POST", "workflows/live/cases/claim", {"queue": Queue.ADJUDICATION.value}
    ).json()

    assert [one["verdict"] for one in case["decisions"]] == ["unsure"]
    assert call("GET", f"cases/{case['id']}").json() == case


def test_holder_moves_a_case(call: Call, used: Workflow) -> None:
    case = call("POST", "workflows/live/cases/claim").json()
    held = {"lease_token": case["lease_token"]}
    path = f"cases/{case['id']}"
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    noted = call("POST", f"{path}/notes", {"text": "Called the shop."})
    renewed = call("POST", f"{path}/renew", held)
    snoozed = call("POST", f"{path}/snooze", {**held, "until": until})

    assert (noted.status_code, noted.json()["text"]) == (201, "Called the shop.")
    assert renewed.json()["lease_expires_at"] > case["lease_expires_at"]
    assert snoozed.json()["status"] == "snoozed"


def test_supervisor_keeps_a_case_for_somebody(call: Call, used: Workflow) -> None:
    waiting = call("GET", "workflows/live/cases?status=pending").json()["results"][0]
    path = f"cases/{waiting['id']}"

    kept = call("POST", f"{path}/assign", {"username": "robot"})

    assert kept.json() == {
        "id": waiting["id"],
        "status": "pending",
        "assigned_to": "robot",
    }


def test_gold_is_made_told_and_retired(call: Call, used: Workflow) -> None:
    items = [{"external_id": "tx-1", "label": "fraud"}, {"external_id": "gone"}]

    made = call("POST", "workflows/live/gold", {"items": items}).json()
    [met] = call("GET", "workflows/live/gold").json()["results"]
    retired = call("POST", f"gold/{met['id']}/retire", {"reason": "known by now"})

    assert made["refused"][0]["errors"][0]["rule"] == "unknown"
    assert (met["label"], met["n_met"]) == ("fraud", 0)
    assert retired.json()["retired_at"] is not None
