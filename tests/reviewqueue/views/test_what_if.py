"""The what-if page: a scenario in the address, a comparison, nothing applied."""

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlparse

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Segment, TrustMove, TrustPlan
from reviewqueue.queries import recorded
from tests.reviewqueue.services.trust_steps import cut, needed, review, route

URL = "/w/cards/trust/what-if/"


@pytest.fixture
def clock() -> datetime:
    """Pages read the clock: what they show happened just now."""
    return timezone.now() - timedelta(minutes=3)


@pytest.fixture
def earned(
    workflow: Workflow, champion: ModelVersion, alice: User, clock: datetime
) -> Segment:
    """A segment with enough clean reviews for a step, and forty items after them."""
    segment = cut(workflow, now=clock)
    enough = needed(segment)
    route(workflow, enough - 1, start=300, now=clock)
    review(workflow, alice, enough, now=clock + timedelta(seconds=1))
    route(workflow, 40, start=900, now=clock + timedelta(seconds=2))
    return segment


def page(client: Client, person: User, query: str = "", status: int = 200) -> str:
    client.force_login(person)
    answer = client.get(URL + query)
    assert answer.status_code == status
    return answer.content.decode()


def test_form_begins_with_the_terms_in_force(
    client: Client, earned: Segment, sam: User
) -> None:
    text = page(client, sam)

    for name, value in (
        ("delta", "0.05"),
        ("ladder", "1 0.5 0.25 0.1 0.05"),
        ("tolerated-fraud", "0.25"),
        ("false_negative", "80"),
    ):
        assert f'name="{name}" value="{value}"' in text
    assert "As it was" in text
    assert "without anyone&#x27;s click" in text


def test_comparison_says_what_would_have_been(
    client: Client, earned: Segment, sam: User
) -> None:
    client.force_login(sam)

    shown = client.get(URL).context
    strict = client.get(URL, {"tolerated-legitimate": "0.001"}).context

    (_, was), (_, would) = shown["sides"]
    assert was.n_seen == needed(earned) + 40 > would.n_seen
    assert shown["hours"][1] > shown["hours"][0] == 0
    assert [share for *_, share in shown["moves"]] == [0.5]
    assert strict["found"].would.n_seen == was.n_seen
    assert strict["moves"] == []
    assert TrustMove.objects.count() == 0


def test_terms_are_handed_to_the_plan_and_put_in_force_with_a_reason(
    client: Client, earned: Segment, sam: User
) -> None:
    client.force_login(sam)
    shown = client.get(URL, {"delta": "0.02", "tolerated-fraud": "", "ladder": "1 0.4"})

    address = shown.context["plan_url"]
    form = client.get(address).context["form"]

    assert parse_qs(urlparse(address).query)["delta"] == ["0.02"]
    values = {name: form[name].value() for name in form.fields}
    assert values["ladder"] == "1 0.4"
    # by hand until now, from the costs in the scenario: 1 of 20
    assert values["tolerated-fraud"] == "0.05"
    assert values["tolerated-legitimate"] == "0.25"
    absent = {name for name, one in values.items() if one is None or one is False}
    asked = {name: one for name, one in values.items() if name not in absent}
    client.post(address, asked | {"reason": "the what-if"})
    plan = TrustPlan.objects.latest("version")
    assert (plan.delta, plan.ladder, plan.reason) == (0.02, [1.0, 0.4], "the what-if")


def test_who_only_looks_is_not_offered_to_change(
    client: Client, earned: Segment, audrey: User, sam: User
) -> None:
    assert "Put these terms in force" in page(client, sam)
    assert "Put these terms in force" not in page(client, audrey)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?delta=x", "Enter a number."),
        ("?delta=0.9", "range: 0.9"),
        ("?ladder=0.5", "falling from 1: [0.5]"),
        ("?tolerated-fraud=0.9", "less than or equal to 0.5"),
        ("?tolerated-fraud=0", "range: 0.0"),
        ("?evidence=hope", "Select a valid choice."),
    ],
)
def test_terms_that_break_a_rule_are_named_and_not_tried(
    client: Client, earned: Segment, sam: User, query: str, words: str
) -> None:
    text = page(client, sam, query, status=422)

    assert words in text
    assert "As it was" not in text


def test_history_that_is_cut_says_so(
    client: Client, earned: Segment, sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "MAX_REVIEWED", 45)

    assert "There is more history than is replayed" in page(client, sam)


def test_workflow_without_segments_says_so(
    client: Client, workflow: Workflow, sam: User
) -> None:
    assert "No segments yet" in page(client, sam)
