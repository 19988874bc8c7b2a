"""The consensus of items that several people judged: `call` holds it to the schema."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Case
from tests.factories.predictions import make_champion, set_policy
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.services.steps import OTHER, claim, decide, open_cases

pytestmark = pytest.mark.django_db
PATH = "workflows/live/consensus"


def judged_twice(live: Workflow, alice: User, bob: User, *, n: int) -> list[Case]:
    """Let bob contradict alice on the last of `n` items."""
    now = datetime.now(UTC) - timedelta(minutes=5)
    make_champion(live, now=now)
    set_policy(live, now=now, second_opinion_share=1.0)
    cases = open_cases(live, n, now=now)
    for one in cases:
        decide(claim(live, alice, now=now), alice, now=now, label=one.route.label)
    for i in range(n):
        case = claim(live, bob, now=now)
        said = case.route.label
        decide(case, bob, now=now, label=OTHER[said] if i == n - 1 else said)
    return cases


def test_items_that_two_people_judged_come_with_their_consensus(
    call: Call, live: Workflow, alice: User, bob: User
) -> None:
    cases = judged_twice(live, alice, bob, n=30)

    answer = call("GET", f"{PATH}?limit=20").json()
    rest = call("GET", f"{PATH}?limit=20&cursor={answer['next']}").json()

    assert (answer["n_items"], answer["n_judgements"]) == (30, 60)
    assert (answer["minimum"], answer["is_capped"]) == (30, False)
    assert answer["has_converged"]
    rows = answer["results"] + rest["results"]
    assert {one["external_id"] for one in rows} == {
        case.item.external_id for case in cases
    }
    assert [one["item_id"] for one in rows] == sorted(
        (one["item_id"] for one in rows), reverse=True
    )
    assert (len(answer["results"]), rest["next"]) == (20, None)
    for one in rows:
        assert one["n_judgements"] == 2
        assert one["labels"].keys() == {"fraud", "legitimate"}
        assert sum(one["labels"].values()) == pytest.approx(1)
        assert one["label"] == max(one["labels"], key=one["labels"].__getitem__)
    said = {case.item.external_id: case.route.label for case in cases}
    n_as_said = sum(said[one["external_id"]] == one["label"] for one in rows)
    assert n_as_said >= 29


def test_too_few_items_have_no_consensus(
    call: Call, live: Workflow, alice: User, bob: User
) -> None:
    judged_twice(live, alice, bob, n=3)

    answer = call("GET", PATH).json()

    assert (answer["n_items"], answer["results"], answer["next"]) == (3, [], None)


@pytest.mark.parametrize(
    ("query", "field"),
    [("days=0", "days"), ("limit=501", "limit"), ("cursor=x", "cursor")],
)
def test_what_makes_no_sense_is_named(
    call: Call, live: Workflow, query: str, field: str
) -> None:
    answer = call("GET", f"{PATH}?{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
