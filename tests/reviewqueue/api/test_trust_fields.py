"""Trust of fields over the API."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Route
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.services.parts_steps import (
    needed_in,
    review_fields,
    segment_of,
    trusted,
)
from tests.reviewqueue.services.trust_steps import route


@pytest.fixture
def fields(
    live: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    alice: User,
) -> Iterator[Workflow]:
    clock = datetime.now(UTC) - timedelta(minutes=2)
    with trusted(live, settings, now=clock, tolerated_fields={"torque": 0.25}) as one:
        n = needed_in(segment_of(one, "torque"))
        route(one, n - 1, start=300, now=clock)
        review_fields(one, alice, n, now=clock)
        yield one


def test_field_is_granted_and_withdrawn_like_a_label(
    call: Call, fields: Workflow
) -> None:
    torque = segment_of(fields, "torque")
    found = call("GET", "workflows/live/trust").json()

    assert [(one["field"], one["without_confidence"]) for one in found["segments"]] == [
        ("", False),
        ("", False),
        ("torque", False),
        ("torque", True),
        ("tool", False),
        ("tool", True),
    ]
    own = next(one for one in found["segments"] if one["id"] == str(torque.pk))
    assert (own["verdict"], own["tolerated"], own["errors"]) == (
        "may_step_down",
        0.25,
        0,
    )
    n = Route.objects.exclude(parts=None).count()
    assert own["next"]["reviews_saved_a_week"] == 0
    assert own["next"]["held_by_other_parts_a_week"] == n / 2
    assert {one["verdict"] for one in found["segments"][4:]} == {
        "no_rate",
        "no_confidence",
    }
    assert {one["tolerated"] for one in found["segments"][4:]} == {None}

    path = f"workflows/live/trust/segments/{torque.pk}"
    granted = call("POST", f"{path}/grant", {"level": 0, "reason": "clean"})
    tool = segment_of(fields, "tool")
    refused = call(
        "POST",
        f"workflows/live/trust/segments/{tool.pk}/grant",
        {"level": 0, "reason": "clean"},
    )
    taken = call("POST", f"{path}/withdraw", {"level": 1, "reason": "a complaint"})

    assert (granted.status_code, taken.status_code) == (201, 201)
    assert (refused.status_code, refused.json()["gate"]) == (409, "no_rate")


def test_route_of_an_item_lists_its_parts(call: Call, fields: Workflow) -> None:
    item = Route.objects.exclude(parts=None)[0].item

    shown = call("GET", f"workflows/live/items/{item.external_id}").json()["route"]

    parts = [segment_of(fields, name) for name in ("", "torque", "tool")]
    assert shown["parts"] == [
        {"segment": str(one.pk), "review_probability": 1.0} for one in parts
    ]


def test_plan_over_the_api_takes_rates_of_fields(call: Call, fields: Workflow) -> None:
    path = "workflows/live/trust/plan"
    body: dict[str, Any] = {"reason": "as agreed"}

    bad = [
        call("PUT", path, body | {"tolerated_fields": one})
        for one in ({"torque": 0.7}, {"other": 0.1}, {"tool": 0})
    ]
    good = call("PUT", path, body | {"tolerated_fields": {"torque": 0.1, "tool": 1}})

    assert [(one.status_code, one.json()["errors"][0]["rule"]) for one in bad] == [
        (422, "range"),
        (422, "field"),
        (422, "range"),
    ]
    assert good.json()["tolerated_fields"] == {"torque": 0.1, "tool": 1}
