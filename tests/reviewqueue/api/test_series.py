"""Readings and failures over the API, and what alarms were worth."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from predictions.models import Item, Machine, Workflow
from predictions.services.workflows import declare_workflow
from reviewqueue.services.pipeline import process_batch
from tests.factories.series import (
    DECLARATION,
    SERIES,
    hour_of,
    make_series_champion,
    make_series_workflow,
    reading,
)
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.api.contract import broken_promises

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
T0 = (NOW - timedelta(days=2)).replace(hour=8, minute=0, second=0, microsecond=0)
MINUTES = timedelta(minutes=1)
WITHOUT = DECLARATION.replace(SERIES, "")


@pytest.fixture
def live(db: None) -> Workflow:
    return make_series_workflow(now=NOW)


def test_readings_become_items(call: Call, live: Workflow) -> None:
    bad = {"machine": "mill-1", "at": T0.isoformat(), "values": {"torque": 999}}
    sent = [*hour_of(T0, [40.0] * 5), bad]

    answer = call("POST", "workflows/mills/readings", sent)
    again = call("POST", "workflows/mills/readings", sent[0])

    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 5,
        "duplicates": 0,
        "n_refused": 1,
        "late": 0,
        "items": 1,
        "ignored": [],
        "refused": [
            {
                "index": 5,
                "machine": "mill-1",
                "errors": [
                    {
                        "field": "torque",
                        "rule": "range",
                        "value": 999,
                        "detail": "torque: 999 is above the most allowed, 150 Nm",
                    }
                ],
            }
        ],
    }
    assert (again.json()["accepted"], again.json()["duplicates"]) == (0, 1)
    assert Item.objects.filter(workflow=live).count() == 1


def test_lines_of_readings_compressed(client: Client, key: str, live: Workflow) -> None:
    lines = "\n".join(json.dumps(one) for one in hour_of(T0, [40.0] * 5)) + "\n{bad\n"

    answer = client.post(
        "/api/v1/workflows/mills/readings",
        gzip.compress(lines.encode()),
        content_type="application/x-ndjson",
        headers={"Authorization": f"Bearer {key}", "Content-Encoding": "gzip"},
    )

    assert broken_promises("POST", "/api/v1/workflows/mills/readings", answer) == []
    told = answer.json()
    assert (told["accepted"], told["items"], told["n_refused"]) == (5, 1, 1)
    assert told["refused"][0]["errors"][0]["rule"] == "json"


def test_machines_are_listed(call: Call, live: Workflow) -> None:
    call("POST", "workflows/mills/readings", reading(T0))

    (row,) = call("GET", "workflows/mills/machines").json()["results"]

    assert row["machine"] == "mill-1"
    assert datetime.fromisoformat(row["last_at"]) == T0


def test_failures_and_what_alarms_were_worth(call: Call, live: Workflow) -> None:
    make_series_champion(live, now=NOW)
    # Torque too high from 10:00 on; it fails at 11:30, and once more unforeseen.
    torques = [40.0] * 24 + [80.0] * 18 + [40.0] * 60
    call("POST", "workflows/mills/readings", hour_of(T0, torques))
    process_batch(workflow=live, limit=100, now=datetime.now(UTC))
    failures = [
        {"machine": "mill-1", "at": (T0 + 210 * MINUTES).isoformat(), "kind": "load"},
        {"machine": "mill-1", "at": (T0 + 430 * MINUTES).isoformat()},
        {"machine": "mill-7", "at": T0.isoformat()},
        {"machine": "", "at": "soon"},
        5,
    ]
    until = (T0 + 505 * MINUTES).isoformat()

    sent = {"failures": failures, "complete_until": until}
    answer = call("POST", "workflows/mills/failures", sent)
    told = call("GET", "workflows/mills/alarms").json()

    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["labelled"]) == (2, 28)
    assert [(one["index"], one["errors"][0]["rule"]) for one in body["refused"]] == [
        (2, "unknown_machine"),
        (3, "length"),
        (4, "type"),
    ]
    assert told["terms"] == {
        "lead_minutes": 10,
        "horizon_minutes": 120,
        "stop_cost": 900,
        "visit_cost": 60,
        "currency": "EUR",
    }
    model = told["model"]
    assert model["failures"] == {
        "kind": "",
        "n": 2,
        "caught": 1,
        "too_late": 0,
        "missed": 1,
        "caught_low": pytest.approx(0.0945, abs=1e-4),
        "caught_high": pytest.approx(0.9055, abs=1e-4),
        "median_lead_minutes": pytest.approx(73, abs=2),
    }
    assert [(one["kind"], one["caught"]) for one in model["by_kind"]] == [
        ("", 0),
        ("load", 1),
    ]
    assert (model["visits"], model["false_alarms"]) == (1, 0)
    assert (model["cost"], model["cost_without_alarms"]) == (960, 1800)
    assert told["people"]["failures"]["n"] == 0
    assert (told["n_items"], told["n_waiting"]) == (25, 8)


def test_a_failure_is_taken_back(call: Call, live: Workflow) -> None:
    call("POST", "workflows/mills/readings", hour_of(T0, [40.0] * 60))
    failure = {"machine": "mill-1", "at": (T0 + 200 * MINUTES).isoformat()}
    until = (T0 + 300 * MINUTES).isoformat()
    sent = {"failures": [failure], "complete_until": until}
    call("POST", "workflows/mills/failures", sent)
    (told,) = call("GET", "workflows/mills/failures").json()["results"]
    path = f"failures/{told['id']}/withdraw"

    unsaid = call("POST", path, {})
    answer = call("POST", path, {"reason": "The mill beside it."})
    again = call("POST", path, {"reason": "The mill beside it."})
    resent = call("POST", "workflows/mills/failures", sent)

    assert (told["machine"], told["withdrawn_at"]) == ("mill-1", None)
    assert unsaid.status_code == 422
    assert answer.status_code == 200
    body = answer.json()
    assert (body["corrected"], body["waiting"]) == (7, 1)
    assert body["failure"]["withdrawn_why"] == "The mill beside it."
    assert body["failure"]["withdrawn_by"]
    assert again.status_code == 409
    assert again.json()["type"] == "urn:countersign:problem:already-withdrawn"
    assert resent.json()["refused"][0]["errors"][0]["rule"] == "withdrawn"
    (listed,) = call("GET", "workflows/mills/failures").json()["results"]
    assert listed == body["failure"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "readings", {"machine": "m"}),
        ("POST", "failures", {"failures": []}),
        ("GET", "alarms", None),
    ],
)
def test_a_workflow_without_a_series_says_so(
    call: Call, method: str, path: str, body: object, live: Workflow
) -> None:
    declare_workflow(source_toml=WITHOUT, by=None, now=NOW, slug="mills")

    answer = call(method, f"workflows/mills/{path}", body)

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:countersign:problem:no-series"


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({"complete_until": "soon"}, "complete_until", "type"),
        ({"complete_until": "2999-01-01"}, "complete_until", "future"),
        ({"failures": "many"}, "failures", "type"),
        ({"failures": [{}] * 10_001}, "failures", "too_many"),
        ({"other": 1}, "other", "unknown_field"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused(
    call: Call, live: Workflow, body: object, field: str, rule: str
) -> None:
    answer = call("POST", "workflows/mills/failures", body)

    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [(one["field"], one["rule"]) for one in errors] == [(field, rule)]
    assert not Machine.objects.exists()
