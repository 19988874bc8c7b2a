"""The item's path over the API, as an integration walks it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from predictions.models import Item, Workflow
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import make_champion, make_workflow, set_policy
from tests.reviewqueue.api.conftest import Call

pytestmark = pytest.mark.django_db


def item(number: int, **features: object) -> dict[str, object]:
    return {
        "external_id": f"tx-{number}",
        "occurred_at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        "features": {"amount": 10.0 * number, "card_present": "yes", **features},
    }


def test_items_are_stored_and_counted(call: Call, live: Workflow) -> None:
    bad = item(3, amount=-1)
    answer = call("POST", "workflows/live/items", [item(1), item(2), bad])

    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 2,
        "duplicates": 0,
        "n_quarantined": 1,
        "quarantined": [
            {
                "index": 2,
                "external_id": "tx-3",
                "errors": [
                    {
                        "field": "amount",
                        "rule": "range",
                        "value": -1,
                        "detail": "amount: -1 is below the least allowed, 0 €",
                    }
                ],
            }
        ],
    }
    assert Item.objects.filter(workflow=live).count() == 2


def test_same_item_again_is_a_duplicate_and_other_content_a_conflict(
    call: Call,
) -> None:
    first = item(1)
    call("POST", "workflows/live/items", first)

    again = call("POST", "workflows/live/items", first).json()
    other = {**first, "features": {"amount": 99.0}}
    conflict = call("POST", "workflows/live/items", other).json()

    assert (again["accepted"], again["duplicates"]) == (0, 1)
    assert conflict["quarantined"][0]["errors"][0]["rule"] == "conflict"


def test_item_is_scored_in_the_request(call: Call, live: Workflow) -> None:
    make_champion(live, now=datetime.now(UTC))

    answer = call("POST", "workflows/live/items?wait=score", item(1))

    assert answer.status_code == 200, answer.content
    (result,) = answer.json()["results"]
    assert result["external_id"] == "tx-1"
    assert result["status"] == "accepted"
    assert result["prediction"]["label"] in {"legitimate", "fraud"}
    assert result["route"]["kind"] == "review"


def test_case_is_claimed_decided_once_and_undone(call: Call, live: Workflow) -> None:
    now = datetime.now(UTC)
    make_champion(live, now=now)
    call("POST", "workflows/live/items?wait=score", item(1))

    case = call("POST", "workflows/live/cases/claim").json()
    body = {"lease_token": case["lease_token"], "verdict": "confirm"}
    path = f"cases/{case['id']}/decision"
    first = call("POST", path, body, **{"Idempotency-Key": "k-1"})
    second = call("POST", path, body, **{"Idempotency-Key": "k-1"})
    third = call("POST", path, body)

    assert case["recommendation"]["explanation"]
    assert first.status_code == 201, first.content
    assert second.json() == first.json()
    assert third.status_code == 409
    assert third.json()["type"] == "urn:countersign:problem:already-decided"
    empty = call("POST", "workflows/live/cases/claim")
    assert empty.status_code == 204
    assert empty["X-Queue-State"].startswith("done")
    undone = call("POST", f"decisions/{first.json()['id']}/undo")
    assert undone.status_code == 200
    assert undone.json()["status"] == "leased"


def test_blind_case_shows_nothing_until_it_is_judged(
    call: Call, live: Workflow
) -> None:
    now = datetime.now(UTC)
    version = make_champion(live, now=now)
    set_policy(live, now=now, blind_share=1.0)

    sent = call("POST", "workflows/live/items?wait=score", item(1))
    claimed = call("POST", "workflows/live/cases/claim")
    seen = call("GET", "workflows/live/items/tx-1")
    listed = call("GET", "workflows/live/cases")

    assert sent.json()["results"][0]["prediction"] is None
    case = claimed.json()
    assert case["blind"] is True
    assert "recommendation" not in case
    assert "route" not in case
    assert case["priority"] is None
    assert seen.json()["predictions"] == []
    assert seen.json()["route"] is None
    assert listed.json()["results"][0]["priority"] is None
    for answer in (claimed, seen, listed):
        assert b"probability" not in answer.content
        assert str(version.pk).encode() not in answer.content

    decided = call(
        "POST",
        f"cases/{case['id']}/decision",
        {"lease_token": case["lease_token"], "label": "fraud"},
    )

    assert decided.status_code == 201, decided.content
    reveal = decided.json()["reveal"]
    assert reveal["recommended_label"] == "legitimate"
    assert reveal["agreed"] is False
    after = call("GET", "workflows/live/items/tx-1").json()
    assert after["predictions"][0]["label"] == "legitimate"


def test_unknown_workflow_and_foreign_case_are_not_found(call: Call) -> None:
    make_workflow(now=datetime.now(UTC), slug="other")

    assert call("GET", "workflows/other").status_code == 404
    assert call("GET", "workflows/nowhere").status_code == 404
    assert (
        call("POST", f"cases/{'0' * 8}-0000-0000-0000-000000000000/renew").status_code
        == 404
    )


def test_without_a_key_nothing_is_told(client: Client, live: Workflow) -> None:
    answer = client.get("/api/v1/workflows/live")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"


def test_body_that_is_not_json_is_refused(call: Call, client: Client, key: str) -> None:
    answer = client.generic(
        "POST",
        "/api/v1/workflows/live/items",
        data=b"{no json",
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:countersign:problem:malformed"


def test_outcome_makes_the_label(call: Call, live: Workflow) -> None:
    call("POST", "workflows/live/items", item(1))
    process_batch(workflow=live, limit=10, now=datetime.now(UTC))

    answer = call(
        "POST",
        "workflows/live/outcomes",
        [
            {
                "external_id": "tx-1",
                "label": "fraud",
                "observed_at": "2026-01-01T00:00Z",
            },
            {"external_id": "gone", "label": "fraud", "observed_at": "2026-01-01"},
        ],
    )

    assert answer.status_code == 202, answer.content
    assert answer.json()["accepted"] == 1
    assert answer.json()["refused"][0]["errors"][0]["rule"] == "unknown_item"
    assert call("GET", "workflows/live/items/tx-1").json()["label"]["label"] == "fraud"
    figures = call("GET", "workflows/live/metrics")
    assert figures.status_code == 200, figures.content
    assert figures.json()["operations"]["backlog"]["n_waiting"] == 1
