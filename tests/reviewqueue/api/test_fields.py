"""Fields over the API: declared, recommended, decided, told again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from predictions.models import Workflow
from predictions.services import model_health
from reviewqueue.api import decisions
from tests.factories.predictions import raw_item, set_policy
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.services.field_steps import (
    SAID,
    VALUES,
    champion_elsewhere,
    with_fields,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries(live: Workflow, settings: Any) -> Iterator[Workflow]:  # noqa: ANN401 -- a fixture
    model_health.forget_all()
    now = datetime.now(UTC)
    declared = with_fields(live, now=now)
    with champion_elsewhere(declared, settings, now=now):
        yield declared
    model_health.forget_all()


def send(call: Call, n: int = 1) -> Any:  # noqa: ANN401 -- a test response
    items = [raw_item(number, now=datetime.now(UTC)) for number in range(n)]
    return call("POST", "workflows/live/items?wait=score", items)


def decide(call: Call, case: dict[str, Any], **said: object) -> Any:  # noqa: ANN401 -- a test response
    body = {"lease_token": case["lease_token"], **said}
    return call("POST", f"cases/{case['id']}/decision", body)


def claimed(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = call("POST", "workflows/live/cases/claim").json()
    return found


def test_workflow_tells_its_fields(entries: Workflow, call: Call) -> None:
    fields = call("GET", "workflows/live").json()["fields"]

    assert [one["name"] for one in fields] == [
        "torque",
        "batch",
        "tool",
        "checked",
        "why",
        "defects",
    ]
    assert (fields[0]["unit"], fields[0]["tolerance"]) == ("N m", 0.05)


def test_recommendation_and_decision_hold_fields(entries: Workflow, call: Call) -> None:
    scored = send(call).json()["results"][0]
    case = claimed(call)
    answer = decide(call, case, label="legitimate", fields={"batch": 48})
    item = call("GET", "workflows/live/items/tx-0").json()

    assert scored["prediction"]["fields"]["values"] == VALUES
    assert case["recommendation"]["fields"]["confidences"]["batch"] == 0.6
    assert case["recommendation"]["fields"]["evidence"] == {
        "batch": SAID["batch"]["evidence"]
    }
    expected = {**VALUES, "batch": 48}
    assert answer.status_code == 201
    assert (answer.json()["verdict"], answer.json()["corrected"]) == (
        "override",
        ["batch"],
    )
    assert answer.json()["fields"] == expected
    assert item["label"]["fields"] == item["decisions"][0]["fields"] == expected
    assert item["predictions"][0]["fields"]["values"] == VALUES


def test_feed_tells_the_fields(
    entries: Workflow, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "FEED_LAG", timedelta(0))
    send(call)
    decide(call, claimed(call), verdict="confirm")
    [row] = call("GET", "workflows/live/decisions").json()["results"]

    assert row["fields"] == VALUES


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"torque": 500}, {"field": "fields.torque", "rule": "range", "value": 500}),
        (["torque"], {"field": "fields", "rule": "type", "value": "list"}),
    ],
)
def test_error_names_field_rule_and_value(
    entries: Workflow, call: Call, fields: object, error: dict[str, object]
) -> None:
    send(call)
    answer = decide(call, claimed(call), label="legitimate", fields=fields)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [error]


def test_blind_case_holds_no_fields_until_it_is_revealed(
    entries: Workflow, call: Call
) -> None:
    set_policy(entries, now=datetime.now(UTC), blind_share=1.0)
    hidden = send(call).json()["results"][0]
    case = claimed(call)
    answer = decide(
        call, case, label="legitimate", fields={**VALUES, "torque": 12.8}
    ).json()

    assert hidden["prediction"] is None
    assert "recommendation" not in case
    assert answer["reveal"]["recommended_fields"]["values"] == VALUES
    assert answer["reveal"]["agreed"] is True
    assert answer["corrected"] == ["torque"]


def test_late_truth_brings_fields(entries: Workflow, call: Call) -> None:
    send(call)
    decide(call, claimed(call), verdict="confirm")
    news = {
        "external_id": "tx-0",
        "label": "legitimate",
        "observed_at": datetime.now(UTC).isoformat(),
        "fields": {"batch": 50},
    }
    stored = call("POST", "workflows/live/outcomes", news).json()
    other = {**news, "fields": {"batch": 51}}
    refused = call("POST", "workflows/live/outcomes", other).json()
    item = call("GET", "workflows/live/items/tx-0").json()

    assert stored["accepted"] == 1
    assert refused["refused"][0]["errors"] == [
        {"field": "fields", "rule": "said_otherwise_before", "value": None}
    ]
    assert item["label"]["fields"] == {**VALUES, "batch": 50}
    assert item["outcomes"][0]["fields"] == {"batch": 50}


def test_workflow_without_fields_tells_none(live: Workflow, call: Call) -> None:
    scored = send(call).json()["results"][0]
    answer = decide(call, claimed(call), label="fraud")

    assert scored["prediction"] is None
    assert (answer.json()["fields"], answer.json()["corrected"]) == (None, [])
