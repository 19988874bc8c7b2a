"""Training runs over the API."""

from datetime import UTC, datetime

import pytest

from lifecycle.models import TrainingRun
from predictions.models import Workflow
from tests.lifecycle.training_steps import BASELINE, ask, labelled_snapshot, worked
from tests.reviewqueue.api.conftest import Call, call, key, live

__all__ = ["call", "key", "live"]
pytestmark = pytest.mark.django_db


def test_run_is_asked_for_once_and_called_off(live: Workflow, call: Call) -> None:
    snapshot = labelled_snapshot(live, 600, now=datetime.now(UTC))
    body = {
        "snapshot_id": str(snapshot.pk),
        "candidates": [
            {"algorithm": "logistic", "features": ["amount"]},
            {"algorithm": "baseline"},
        ],
        "seed": 7,
    }

    first = call("POST", "workflows/live/training-runs", body)
    second = call("POST", "workflows/live/training-runs", body)

    assert (first.status_code, second.status_code) == (202, 202)
    run = first.json()
    assert second.json()["id"] == run["id"]
    assert first["Location"] == f"/api/v1/training-runs/{run['id']}"
    assert run["status"] == "waiting"
    assert run["candidates"][0]["features"] == ["amount"]
    listed = call("GET", "workflows/live/training-runs").json()["results"]
    assert [one["id"] for one in listed] == [run["id"]]
    path = f"training-runs/{run['id']}/cancel"
    assert call("POST", path).json()["status"] == "cancelled"
    assert call("POST", path).status_code == 200


def test_without_a_snapshot_a_fresh_one_is_taken_once(
    live: Workflow, call: Call
) -> None:
    first = call("POST", "workflows/live/training-runs", {}).json()
    second = call("POST", "workflows/live/training-runs", {}).json()

    assert first["id"] == second["id"]
    assert [one["algorithm"] for one in first["candidates"]] == [
        "gradient_boosting",
        "baseline",
    ]
    assert TrainingRun.objects.get().snapshot.status == "queued"


def test_report_of_a_run_that_is_done_is_what_the_schema_says(
    live: Workflow, call: Call
) -> None:
    snapshot = labelled_snapshot(live, 600, now=datetime.now(UTC), leak=True)
    run = worked(ask(live, snapshot, BASELINE, now=datetime.now(UTC)))

    answer = call("GET", f"training-runs/{run.pk}").json()

    assert answer["status"] == "done", answer["said"]
    assert answer["report"]["candidates"][0]["version"]["number"] == 1
    assert "leak" in {one["kind"] for one in answer["problems"]["found"]}
    cancelled = call("POST", f"training-runs/{run.pk}/cancel")
    assert cancelled.status_code == 409
    assert cancelled.json()["type"].endswith(":run-ended")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"snapshot_id": "x"}, "snapshot_id"),
        ({"snapshot_id": "00000000-0000-0000-0000-000000000001"}, "snapshot_id"),
        ({"seed": "1"}, "seed"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"candidates": {}}, "candidates"),
        ({"candidates": [5]}, "candidates.0"),
        ({"candidates": [{"algorithm": "magic"}]}, "candidates.0.algorithm"),
        ({"candidates": [{"algorithm": "entry_point"}]}, "candidates.0"),
        (
            {"candidates": [{"algorithm": "entry_point", "entry_point": "os:system"}]},
            "candidates.0.entry_point",
        ),
        ({"candidates": [{"features": ["customer"]}]}, "candidates.0.features"),
        ({"candidates": [{}, {}]}, "candidates"),
        ({"candidates": [{"name": str(i)} for i in range(11)]}, "candidates"),
        ({"speed": 1}, "speed"),
    ],
)
def test_what_cannot_be_trained_is_named(
    live: Workflow, call: Call, body: dict[str, object], field: str
) -> None:
    answer = call("POST", "workflows/live/training-runs", body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert not TrainingRun.objects.exists()
