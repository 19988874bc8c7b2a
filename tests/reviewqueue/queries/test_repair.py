"""What was decided alone: ranked by its risk, counted, chosen."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from predictions.queries.pages import InvalidCursor
from reviewqueue.models import Route
from reviewqueue.queries import repair as repair_queries
from reviewqueue.queries.repair import (
    Rank,
    RepairScope,
    choose_riskiest,
    count_alone,
    item_ids_to,
    looked_at,
    read_rank,
    riskiest_page,
    write_rank,
)
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, store
from tests.reviewqueue.services.repair_steps import N, cost_of, repaired
from tests.reviewqueue.services.repair_steps import alone as alone
from tests.reviewqueue.services.repair_steps import scope as scope


def test_list_is_in_the_order_of_the_pure_function(
    alone: list[Route], scope: RepairScope
) -> None:
    page = riskiest_page(scope, cursor="", limit=50)

    assert [one.pk for one in page.rows] == [one.pk for one in alone]
    shown: list[Any] = list(page.rows)
    assert [one.cost for one in shown] == [cost_of(one) for one in alone]
    assert {one.label for one in page.rows} == {"fraud", "legitimate"}
    assert page.next == ""


def test_pages_fit_together(alone: list[Route], scope: RepairScope) -> None:
    found: list[UUID] = []
    cursor, n_pages = "", 0
    while cursor or not n_pages:
        page = riskiest_page(scope, cursor=cursor, limit=5)
        found += [one.pk for one in page.rows]
        cursor, n_pages = page.next, n_pages + 1

    assert found == [one.pk for one in alone]
    assert n_pages == 3


def test_counts_add_up(
    workflow: Workflow, alone: list[Route], scope: RepairScope, sam: User, now: datetime
) -> None:
    repaired(workflow, alone[:2], sam, now=now)
    rows = [OutcomeRow(_external_id(alone[2]), "fraud", now)]
    record_outcomes(workflow=workflow, rows=rows, by=sam, now=now)

    counts = count_alone(scope)

    assert (counts.n, counts.n_labelled, counts.n_open) == (N, 1, 2)
    assert counts.n_left == N - 3
    left = sum(cost_of(one) for one in alone[3:])
    assert counts.expected_cost == pytest.approx(left)
    page = riskiest_page(scope, cursor="", limit=50)
    assert [one.pk for one in page.rows] == [one.pk for one in alone[3:]]


def _external_id(route: Route) -> str:
    return route.item.external_id


def test_scope_is_cut_by_moment_and_model(
    workflow: Workflow, alone: list[Route], champion: ModelVersion, now: datetime
) -> None:
    second = timedelta(seconds=1)
    before = RepairScope(workflow, since=now - second, until=now)
    after = RepairScope(workflow, since=now + second, until=now + 2 * second)
    known, other = (
        RepairScope(workflow, now, now + second, model_number=number)
        for number in (champion.number, champion.number + 1)
    )
    segment = RepairScope(workflow, now, now + second, segment_id=uuid4())

    found = [count_alone(one).n for one in (before, after, known, other, segment)]

    assert found == [0, 0, N, 0, 0]


def test_of_too_many_the_newest_are_looked_at(
    workflow: Workflow,
    alone: list[Route],
    scope: RepairScope,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = now + timedelta(hours=1)
    rows = [
        raw_item(number, now=later, amount=400.0, card_present="no")
        for number in range(100, 103)
    ]
    store(workflow, rows, now=later)
    process_batch(workflow=workflow, limit=3, now=later)
    wide = replace(scope, until=later + timedelta(seconds=1))

    found = []
    for most in (N + 4, N + 3, N + 2, 4, 3, 1):
        monkeypatch.setattr(repair_queries, "MAX_LOOKED_AT", most)
        seen = looked_at(wide)
        found.append((seen.since, count_alone(seen).n))

    whole, newest = (now, N + 3), (later, 3)
    assert found == [whole, whole, whole, whole, newest, newest]


def test_nothing_to_choose(workflow: Workflow, scope: RepairScope) -> None:
    chosen = choose_riskiest(scope, 10)

    assert (chosen.n, chosen.expected_cost, chosen.last) == (0, 0, None)
    assert count_alone(scope).expected_cost == 0


def test_riskiest_reach_to_a_place_that_survives_being_written(
    alone: list[Route], scope: RepairScope
) -> None:
    chosen = choose_riskiest(scope, 5)

    assert chosen.last is not None
    assert chosen.n == 5
    assert chosen.expected_cost == pytest.approx(sum(cost_of(r) for r in alone[:5]))
    last = read_rank(write_rank(chosen.last))
    assert item_ids_to(scope, last, limit=100) == [one.pk for one in alone[:5]]


@pytest.mark.parametrize("text", ["x", "AAAA", "é", "A" * 33, "="])
def test_place_that_is_none(text: str) -> None:
    with pytest.raises(InvalidCursor):
        read_rank(text)


def test_place_is_exact() -> None:
    rank = Rank(0.1 + 0.2, uuid4())

    assert read_rank(write_rank(rank)) == rank
