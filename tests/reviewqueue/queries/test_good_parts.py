"""Which item is shown as a good one beside another: none that gives anything away."""

from datetime import datetime

import pytest

from accounts.models import User
from accounts.permissions import Actor
from predictions.models import Item, Workflow
from reviewqueue.models import Case
from reviewqueue.queries.good_parts import good_examples
from reviewqueue.services.gold import add_settled
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.parts import make_parts_workflow, part, store_part

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_parts_workflow(now=now)


@pytest.fixture
def known(workflow: Workflow, alice: User, now: datetime) -> list[Item]:
    """Return three parts: one looked at, one that is good, one with a scratch."""
    parts = [
        store_part(
            workflow, part("good", n).jpeg(), external_id=f"p-{n}", by=alice, now=now
        )
        for n in range(3)
    ]
    process_batch(workflow=workflow, limit=9, now=now)
    rows = [OutcomeRow("p-1", "good", now), OutcomeRow("p-2", "scratch", now)]
    record_outcomes(workflow=workflow, rows=rows, by=None, now=now)
    return parts


def shown(item: Item, workflow: Workflow, who: User) -> list[str]:
    found = good_examples(item, workflow, Actor(who))
    return [one.item.external_id for one in found.values()]


def test_the_newest_item_that_is_known_to_be_good_is_shown(
    workflow: Workflow, alice: User, known: list[Item]
) -> None:
    assert shown(known[0], workflow, alice) == ["p-1"]
    assert shown(known[1], workflow, alice) == []


def test_what_turned_out_otherwise_is_not_shown(
    workflow: Workflow, alice: User, known: list[Item], now: datetime
) -> None:
    rows = [OutcomeRow("p-1", "pit", now)]
    record_outcomes(workflow=workflow, rows=rows, by=None, now=now)

    assert shown(known[0], workflow, alice) == []


def test_a_gold_item_is_not_shown(
    workflow: Workflow, alice: User, known: list[Item], now: datetime
) -> None:
    add_settled(item=known[1], by=alice, note="", now=now)

    assert shown(known[0], workflow, alice) == []


def test_what_is_to_be_judged_blind_is_not_shown(
    workflow: Workflow, alice: User, known: list[Item]
) -> None:
    Case.objects.filter(item=known[1]).update(blind=True)

    assert shown(known[0], workflow, alice) == []
