"""What a new champion may start at, over the API."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Segment, TrustMove
from reviewqueue.services.trust_watch import watch_trust
from tests.factories.predictions import make_champion
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.services.shadow_steps import (
    DAY,
    cut_new,
    main_segment,
    review_all,
    run_beside,
)


@pytest.fixture
def offered(live: Workflow, alice: User) -> Segment:
    clock = datetime.now(UTC) - timedelta(minutes=2)
    make_champion(live, now=clock - 2 * DAY)
    beside = run_beside(live, now=clock - DAY)
    review_all(live, alice, now=clock - DAY)
    cut_new(live, beside, now=clock)
    watch_trust(workflow=live, now=clock)
    return main_segment(live)


def test_start_is_offered_and_granted_by_its_cause(
    call: Call, offered: Segment
) -> None:
    seen = next(
        one
        for one in call("GET", "workflows/live/trust").json()["segments"]
        if one["id"] == str(offered.pk)
    )
    assert (seen["level"], seen["shadow"]["level"]) == (0, 3)
    assert (seen["next"]["cause"], seen["next"]["review_probability"]) == (
        "shadow",
        0.1,
    )
    assert seen["shadow"]["reviews"] == offered.shadow["reviews"]

    path = f"workflows/live/trust/segments/{offered.pk}/grant"
    body = {"level": 0, "reason": "as good as the last"}
    unknown = call("POST", path, {**body, "cause": "alarm"})
    own = call("POST", path, body)
    granted, again = (call("POST", path, {**body, "cause": "shadow"}) for _ in range(2))

    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "cause")
    assert (own.status_code, own.json()["gate"]) == (409, "too_few")
    assert granted.status_code == 201
    made = granted.json()
    assert (made["cause"], made["from_level"], made["to_level"]) == ("shadow", 0, 3)
    assert made["evidence"]["shares"] == [[0.25, offered.shadow["reviews"], 0]]
    assert (again.status_code, again.json()["gate"]) == (409, "stale")
    assert TrustMove.objects.count() == 1
