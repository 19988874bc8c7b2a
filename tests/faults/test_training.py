"""A training run by real workers and the real beat, from labels to a version."""

import pytest

from tests.faults.stack import Json, Stack, eventually
from tests.faults.traffic import new_items, routes_of

pytestmark = pytest.mark.slow
N_ITEMS = 600


def labelled_items(stack: Stack) -> None:
    items = [
        one
        for n in range(N_ITEMS)
        for one in new_items(1, amount=float(n % 100), customer=f"c-{n}")
    ]
    assert stack.send(items).status == 202
    assert eventually(lambda: len(routes_of(stack, items)) == N_ITEMS)
    truth = [
        {
            "external_id": one["external_id"],
            "label": "fraud" if n % 100 > 50 else "legitimate",
            "observed_at": one["occurred_at"],
        }
        for n, one in enumerate(items)
    ]
    path = f"/workflows/{stack.workflow}/outcomes"
    assert stack.call("POST", path, truth, key=stack.keys[0]).status == 202


def run_of(stack: Stack, run: object) -> Json:
    return stack.call("GET", f"/training-runs/{run}", key=stack.keys[0]).body


def test_run_goes_from_a_fresh_snapshot_to_versions(stack: Stack) -> None:
    labelled_items(stack)
    path = f"/workflows/{stack.workflow}/training-runs"
    asked = stack.call("POST", path, {}, key=stack.keys[0])
    assert (asked.status, asked.body["status"]) == (202, "waiting")

    run = asked.body["id"]
    assert eventually(lambda: run_of(stack, run)["status"] == "done", seconds=240)

    report = run_of(stack, run)["report"]
    assert isinstance(report, dict)
    assert [one["title"] for one in report["candidates"]] == [
        "gradient boosting",
        "baseline",
    ]
    assert all(one["version"] for one in report["candidates"])
    assert report["n_rows"] >= N_ITEMS
