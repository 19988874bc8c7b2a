"""What the reviewer's page tells of the same subject's earlier items."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import Item, ModelVersion, Workflow
from reviewqueue.models import Case, Route
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.gold import add_settled
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, set_policy, store
from tests.reviewqueue.services.gold_steps import (
    claim_gold,
    every_claim_drawn,
    put_gold_plan,
)
from tests.reviewqueue.services.steps import claim, decide

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC) - timedelta(minutes=1)


def send(workflow: Workflow, name: str, *, now: datetime, hours_ago: float) -> Item:
    """Store and route a payment of the customer c-1."""
    at = (now - timedelta(hours=hours_ago)).isoformat()
    row = raw_item(1, now=now, customer="c-1")
    store(workflow, [{**row, "external_id": name, "occurred_at": at}], now=now)
    process_batch(workflow=workflow, limit=1, now=now)
    return Item.objects.get(external_id=name)


def rows_of(client: Client) -> dict[str, list[str]]:
    """Return the cells of each earlier item by its external id."""
    page = client.get("/w/cards/review/").content.decode()
    table = page.partition('aria-label="Earlier items, table"')[2].partition("</table")
    rows = {}
    for row in table[0].split("<tr>")[2:]:
        cells = [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        rows[cells[1]] = cells[2:]
    return rows


@pytest.fixture
def said(workflow: Workflow, champion: ModelVersion) -> str:
    """What the model says of such a payment."""
    return "Legitimate"


def test_history_tells_what_model_and_people_said_and_the_label_in_force(
    client: Client,
    workflow: Workflow,
    said: str,
    alice: User,
    bob: User,
    now: datetime,
) -> None:
    for name in ("overridden", "confirmed", "open"):
        send(workflow, name, now=now, hours_ago=5)
    first = claim(workflow, bob, now=now)
    decide(first, bob, now=now, label="fraud")
    second = claim(workflow, bob, now=now)
    decide(second, bob, now=now)
    send(workflow, "later", now=now, hours_ago=1)
    own = Case.objects.get(item__external_id="later")
    Case.objects.filter(pk=own.pk).update(assigned_to=alice)
    Case.objects.exclude(pk=own.pk).filter(status="pending").update(assigned_to=bob)
    client.force_login(alice)

    rows = rows_of(client)

    probability = Route.objects.get(item=first.item).probability
    assert probability is not None
    names = {case.item.external_id for case in (first, second)}
    (still_open,) = {"overridden", "confirmed", "open"} - names
    assert [cell.split()[0] for cell in rows[first.item.external_id]] == [
        said,
        "Override",
        "Fraud",
    ]
    assert rows[first.item.external_id][1:] == ["Override Fraud", "Fraud by decision"]
    assert rows[second.item.external_id][1:] == [
        "Confirm Legitimate",
        "Legitimate by decision",
    ]
    assert rows[still_open][1:] == ["nothing yet", "none"]


def test_late_truth_is_the_label_in_force_beside_what_people_said(
    client: Client, workflow: Workflow, said: str, alice: User, bob: User, now: datetime
) -> None:
    item = send(workflow, "before", now=now, hours_ago=5)
    decide(claim(workflow, bob, now=now), bob, now=now)
    record_outcomes(
        workflow=workflow,
        rows=[OutcomeRow("before", "fraud", now)],
        by=bob,
        now=now + timedelta(seconds=1),
    )
    send(workflow, "later", now=now, hours_ago=1)
    client.force_login(alice)

    rows = rows_of(client)

    assert rows[item.external_id][1:] == ["Confirm Legitimate", "Fraud by outcome"]


def test_a_call_that_was_taken_back_is_not_told(
    client: Client, workflow: Workflow, said: str, alice: User, bob: User, now: datetime
) -> None:
    send(workflow, "before", now=now, hours_ago=5)
    recorded = decide(claim(workflow, bob, now=now), bob, now=now, label="fraud")
    undo_decision(decision_id=recorded.decision.pk, by=bob, now=now)
    send(workflow, "later", now=now, hours_ago=1)
    Case.objects.filter(item__external_id="before").update(assigned_to=bob)
    client.force_login(alice)

    assert rows_of(client)["before"][1:] == ["nothing yet", "none"]


def test_what_passed_without_a_person_says_so(
    client: Client, workflow: Workflow, said: str, alice: User, now: datetime
) -> None:
    set_policy(workflow, now=now, mode="above", low=0.99, audit_share=0.000001)
    send(workflow, "before", now=now, hours_ago=5)
    set_policy(workflow, now=now, mode="all")
    send(workflow, "later", now=now, hours_ago=1)
    client.force_login(alice)

    assert rows_of(client)["before"][1:] == ["not asked, passed", "none"]


def test_an_earlier_item_whose_blind_case_is_open_tells_nothing(
    client: Client,
    workflow: Workflow,
    said: str,
    alice: User,
    bob: User,
    carol: User,
    now: datetime,
) -> None:
    set_policy(workflow, now=now, blind_share=1.0, second_opinion_share=1.0)
    send(workflow, "before", now=now, hours_ago=5)
    recorded = decide(claim(workflow, bob, now=now), bob, now=now, label="fraud")
    assert recorded.resolution.needs_second
    Case.objects.filter(kind="second").update(assigned_to=carol)
    set_policy(workflow, now=now)
    send(workflow, "later", now=now, hours_ago=1)
    client.force_login(alice)

    assert rows_of(client)["before"] == ["hidden", "hidden", "hidden"]


def test_history_of_a_blind_case_is_told_and_its_own_recommendation_is_not(
    client: Client, workflow: Workflow, said: str, alice: User, bob: User, now: datetime
) -> None:
    send(workflow, "before", now=now, hours_ago=5)
    decide(claim(workflow, bob, now=now), bob, now=now)
    set_policy(workflow, now=now, blind_share=1.0)
    send(workflow, "later", now=now, hours_ago=1)
    client.force_login(alice)

    page = client.get("/w/cards/review/").content.decode()
    rows = rows_of(client)

    assert list(rows) == ["before"]
    assert "The recommendation is withheld" in page
    assert "The model recommends" not in page


def test_item_met_as_gold_shows_ones_own_call_and_not_the_known_label(
    client: Client,
    workflow: Workflow,
    said: str,
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    item = send(workflow, "before", now=now, hours_ago=5)
    decide(claim(workflow, bob, now=now), bob, now=now, label="fraud")
    add_settled(item=item, by=sam, note="plain", now=now)
    put_gold_plan(workflow, now=now)
    send(workflow, "later", now=now, hours_ago=1)
    decide(claim_gold(workflow, alice, now=now), alice, now=now, label="legitimate")
    client.force_login(alice)

    with every_claim_drawn(False):
        rows = rows_of(client)

    assert rows["before"][1:] == ["Confirm Legitimate", "Legitimate by decision"]
