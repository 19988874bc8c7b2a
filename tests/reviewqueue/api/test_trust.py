"""Earned autonomy over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Segment, TrustMove, TrustPlan
from tests.factories.predictions import make_champion
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.services.trust_steps import cut, needed, review, route


@pytest.fixture
def clock() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=2)


@pytest.fixture
def earned(live: Workflow, alice: User, clock: datetime) -> Segment:
    """A segment with just enough clean reviews for one step."""
    make_champion(live, now=clock)
    segment = cut(live, now=clock)
    route(live, needed(segment) - 1, start=300, now=clock)
    review(live, alice, needed(segment), now=clock)
    return segment


def own(call: Call, segment: Segment) -> dict[str, Any]:
    answer = call("GET", "workflows/live/trust")
    assert answer.status_code == 200
    found: dict[str, Any] = next(
        one for one in answer.json()["segments"] if one["id"] == str(segment.pk)
    )
    return found


def test_segment_is_granted_once_and_withdrawn_once(
    call: Call, earned: Segment
) -> None:
    path = f"workflows/live/trust/segments/{earned.pk}"
    seen = own(call, earned)
    assert (seen["verdict"], seen["level"], seen["errors"]) == ("may_step_down", 0, 0)
    assert seen["reviews"] == needed(earned)
    body = {"level": 0, "reason": "clean"}

    granted, again = (call("POST", f"{path}/grant", body) for _ in range(2))
    taken = call("POST", f"{path}/withdraw", {"level": 1, "reason": "a complaint"})
    nothing = call("POST", f"{path}/withdraw", {"level": 1, "reason": "a complaint"})

    assert granted.status_code == 201
    assert granted.json()["to_probability"] == 0.5
    assert (again.status_code, again.json()["gate"]) == (409, "stale")
    assert again.json()["type"] == "urn:countersign:problem:move-refused"
    assert (taken.status_code, nothing.status_code) == (201, 204)
    moves = call("GET", "workflows/live/trust/moves").json()["results"]
    assert [one["kind"] for one in moves] == ["withdraw", "grant"]
    assert TrustMove.objects.count() == 2


def test_grant_without_enough_evidence_says_how_much_is_missing(
    call: Call, live: Workflow, clock: datetime
) -> None:
    make_champion(live, now=clock)
    segment = cut(live, now=clock)

    answer = call(
        "POST",
        f"workflows/live/trust/segments/{segment.pk}/grant",
        {"level": 0, "reason": "hope"},
    )

    assert (answer.status_code, answer.json()["gate"]) == (409, "too_few")
    assert f"{needed(segment)} more" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"delta": 2}, "delta", "range"),
        ({"delta": "0.1"}, "delta", "type"),
        ({"delta": True}, "delta", "type"),
        ({"ladder": [1, "x"]}, "ladder", "type"),
        ({"ladder": [1, 1]}, "ladder", "falling_from_1"),
        ({"tolerated": [0.1]}, "tolerated", "type"),
        ({"auto_grant": "yes"}, "auto_grant", "type"),
        ({"min_reviews": 2.5}, "min_reviews", "type"),
        ({"surprise": 1}, "surprise", "unknown_field"),
        ({"version": 3}, "version", "not_in_force"),
        ({"version": "1"}, "version", "type"),
    ],
)
def test_plan_names_what_is_wrong(
    call: Call, live: Workflow, change: dict[str, object], field: str, rule: str
) -> None:
    answer = call("PUT", "workflows/live/trust/plan", {"reason": "try", **change})

    assert answer.status_code == 422
    assert [(one["field"], one["rule"]) for one in answer.json()["errors"]] == [
        (field, rule)
    ]
    assert not TrustPlan.objects.exists()


def test_terms_that_are_left_out_stay(call: Call, live: Workflow) -> None:
    before = call("GET", "workflows/live/trust/plan").json()

    answer = call(
        "PUT", "workflows/live/trust/plan", {"delta": 0.01, "reason": "tighter"}
    )

    assert answer.status_code == 200
    changed = {key for key in before if before[key] != answer.json()[key]}
    assert changed == {"version", "delta", "reason", "created_at"}


def test_every_version_of_the_plan_is_listed(call: Call, live: Workflow) -> None:
    for version, delta in enumerate((0.02, 0.01)):
        asked = {"delta": delta, "reason": "tighter", "version": version}
        assert call("PUT", "workflows/live/trust/plan", asked).status_code == 200

    answer = call("GET", "workflows/live/trust/plans")

    assert answer.status_code == 200
    found = [(one["version"], one["delta"]) for one in answer.json()["results"]]
    assert found == [(2, 0.01), (1, 0.02)]
