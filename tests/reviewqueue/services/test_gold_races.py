"""Gold in real threads: one person in two tabs, two people on the same item."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseKind
from reviewqueue.models import Case, GoldPlacement
from reviewqueue.services.gold import (
    GoldAdded,
    GoldRow,
    add_gold_rows,
    retire_gold,
)
from tests.reviewqueue.services.gold_steps import (
    every_claim_drawn,
    gold_items,
    put_gold_plan,
)
from tests.reviewqueue.services.steps import maybe_claim, open_cases
from tests.reviewqueue.services.test_races import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Threads that end leave their connection to the pool, which may warn of it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def ready(
    workflow: Workflow, champion: ModelVersion, sam: User, now: datetime
) -> Workflow:
    """Eight cases wait, one gold item is to be met."""
    open_cases(workflow, 8, now=now - timedelta(hours=1))
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now)
    return workflow


def test_one_person_in_three_tabs_meets_an_item_once(
    ready: Workflow, alice: User, now: datetime
) -> None:
    with every_claim_drawn():
        found = at_once(*[lambda: maybe_claim(ready, alice, now=now)] * 3)

    cases = [one for one in found if isinstance(one, Case)]
    assert len({one.pk for one in cases}) == 3
    assert {one.lease_slot for one in cases} == {1, 2, 3}
    assert sum(one.kind == CaseKind.GOLD for one in cases) == 1
    assert GoldPlacement.objects.count() == 1


def test_two_people_meet_the_same_item_each_in_a_case_of_their_own(
    ready: Workflow, alice: User, bob: User, now: datetime
) -> None:
    with every_claim_drawn():
        found = at_once(
            lambda: maybe_claim(ready, alice, now=now),
            lambda: maybe_claim(ready, bob, now=now),
        )

    cases = [one for one in found if isinstance(one, Case)]
    assert [one.kind for one in cases] == [CaseKind.GOLD, CaseKind.GOLD]
    assert len({one.pk for one in cases}) == 2
    assert len({one.item_id for one in cases}) == 1


def test_item_that_two_supervisors_add_is_gold_once(
    ready: Workflow, sam: User, now: datetime
) -> None:
    names = [
        case.item.external_id for case in Case.objects.filter(kind=CaseKind.REVIEW)[:4]
    ]

    def adder(names: list[str]) -> Callable[[], GoldAdded]:
        rows = [GoldRow(i, name, "fraud") for i, name in enumerate(names)]
        return lambda: add_gold_rows(workflow=ready, rows=rows, by=sam, now=now)

    found = at_once(adder(names), adder(names[::-1]))

    added = [one for one in found if isinstance(one, GoldAdded)]
    assert sorted(len(one.added) for one in added) == [0, len(set(names))]


def test_item_is_not_placed_once_it_is_retired(
    ready: Workflow, alice: User, sam: User, now: datetime
) -> None:
    gold = ready.gold_items.get()
    with every_claim_drawn():
        found, _ = at_once(
            lambda: maybe_claim(ready, alice, now=now),
            lambda: retire_gold(gold=gold, by=sam, reason="", now=now),
        )
        after = maybe_claim(ready, alice, now=now)

    assert isinstance(found, Case)
    assert after is not None
    assert after.kind == CaseKind.REVIEW
    held = found.kind == CaseKind.GOLD
    assert GoldPlacement.objects.count() == int(held)
