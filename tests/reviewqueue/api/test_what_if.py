"""Other terms on the recorded history, over the API."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Segment, TrustPlan
from tests.factories.predictions import make_champion
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.services.trust_steps import cut, needed, review, route

PATH = "workflows/live/trust/what-if"


@pytest.fixture
def earned(live: Workflow, alice: User) -> Segment:
    """A segment with enough clean reviews for a step, and four items after them."""
    clock = datetime.now(UTC) - timedelta(minutes=3)
    make_champion(live, now=clock)
    segment = cut(live, now=clock)
    enough = needed(segment)
    route(live, enough - 1, start=300, now=clock)
    review(live, alice, enough, now=clock + timedelta(seconds=1))
    route(live, 4, start=900, now=clock + timedelta(seconds=2))
    return segment


def test_terms_in_force_answer_what_auto_grants_would_have_done(
    call: Call, earned: Segment
) -> None:
    answer = call("GET", PATH)

    assert answer.status_code == 200
    found = answer.json()
    own = next(one for one in found["segments"] if one["id"] == str(earned.pk))
    move = own["what_if"]["moves"][0]
    assert (move["from_level"], move["to_level"], move["cause"]) == (0, 1, "evidence")
    assert (move["reviews"], move["errors"]) == (needed(earned), 0)
    assert own["what_if"]["review_probability"] == 0.5
    assert own["as_it_was"]["review_probability"] == 1
    assert own["as_it_was"]["n_reviews"] == needed(earned) + 4
    assert found["terms"]["ladder"] == [1.0, 0.5, 0.25, 0.1, 0.05]
    assert found["tolerated"] == {"legitimate": 0.25, "fraud": 0.25}
    assert (found["is_capped"], found["n_unknown"]) == (False, 0)
    assert sum(one["n_routed"] for one in found["days"]) == needed(earned) + 4
    assert any("stored draw" in one for one in found["assumptions"])


def test_what_is_asked_is_tried_and_nothing_is_applied(
    call: Call, earned: Segment
) -> None:
    before = TrustPlan.objects.count()

    found = call(
        "GET",
        f"{PATH}?tolerated=legitimate:0.001&tolerated=fraud:&false_positive=50"
        "&ladder=1+0.5&delta=0.01&evidence=blind&min_reviews=7",
    ).json()

    # without a rate by hand: a minute of review against a false positive
    assert found["tolerated"] == {"legitimate": 0.001, "fraud": 0.02}
    assert found["terms"] == {
        "delta": 0.01,
        "alpha": 0.001,
        "evidence": "blind",
        "ladder": [1.0, 0.5],
        "min_reviews": 7,
        "review_minutes": 1.0,
    }
    assert found["what_if"]["grants"] == 0
    assert TrustPlan.objects.count() == before
    earned.refresh_from_db()
    assert earned.level == 0


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("delta=x", {"field": "delta", "rule": "type", "value": "x"}),
        ("delta=", {"field": "delta", "rule": "missing", "value": ""}),
        ("delta=0.9", {"field": "delta", "rule": "range", "value": 0.9}),
        ("evidence=hope", {"field": "evidence", "rule": "value", "value": "hope"}),
        ("ladder=1+half", {"field": "ladder", "rule": "type", "value": "1 half"}),
        (
            "ladder=0.5+1",
            {"field": "ladder", "rule": "falling_from_1", "value": "[0.5, 1.0]"},
        ),
        ("min_reviews=0", {"field": "min_reviews", "rule": "range", "value": 0}),
        (
            "false_positive=-1",
            {"field": "false_positive", "rule": "range", "value": "-1"},
        ),
        (
            "review_minute=inf",
            {"field": "review_minute", "rule": "type", "value": "inf"},
        ),
        (
            "tolerated=fraud:0.9",
            {"field": "tolerated", "rule": "range", "value": "0.9"},
        ),
        ("tolerated=fraud:0", {"field": "tolerated", "rule": "range", "value": 0.0}),
        ("tolerated=odd:0.1", {"field": "tolerated", "rule": "label", "value": "odd"}),
        ("tolerated=0.1", {"field": "tolerated", "rule": "type", "value": "0.1"}),
        ("edges=0.5", {"field": "edges", "rule": "unknown_field"}),
    ],
)
def test_what_breaks_a_rule_is_named(
    call: Call, live: Workflow, query: str, error: dict[str, object]
) -> None:
    answer = call("GET", f"{PATH}?{query}")

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:countersign:problem:invalid-fields"
    told = answer.json()["errors"][0]
    assert {name: told.get(name) for name in error} == error


def test_workflow_without_segments_answers_nothing(call: Call, live: Workflow) -> None:
    found = call("GET", PATH).json()

    assert (found["segments"], found["days"], found["since"]) == ([], [], None)
    assert found["what_if"]["review_rate"] is None
