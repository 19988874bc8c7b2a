"""What was decided alone is put before people after all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.db import connection

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import CaseStatus, RouteKind
from reviewqueue.models import Case, CaseEvent, Decision, Label, Route
from reviewqueue.queries.lists import filtered_decisions
from reviewqueue.queries.metrics import workflow_metrics
from reviewqueue.queries.repair import (
    RepairScope,
    choose_riskiest,
    count_alone,
    item_ids_to,
)
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.queries.tallies import Days
from reviewqueue.services import repair, snapshots
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.gold import GoldRow, add_gold_rows, retire_gold
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.repair import InvalidRepair, PutBack, put_back
from reviewqueue.services.tallies import recount
from tests.factories.predictions import make_workflow, raw_item, set_policy, store
from tests.reviewqueue.services.gold_steps import write_answers
from tests.reviewqueue.services.repair_steps import N, cost_of, repaired
from tests.reviewqueue.services.repair_steps import alone as alone
from tests.reviewqueue.services.repair_steps import scope as scope
from tests.reviewqueue.services.steps import claim, decide


def test_items_are_put_back_as_ordinary_cases(
    workflow: Workflow, alone: list[Route], sam: User, now: datetime
) -> None:
    later = now + timedelta(hours=1)

    done = repaired(workflow, alone[:3], sam, now=later)

    assert done == PutBack(n_opened=3, n_skipped=0)
    cases = Case.objects.order_by("-priority", "id")
    assert [case.item_id for case in cases] == [one.pk for one in alone[:3]]
    for case, route in zip(cases, alone, strict=False):
        assert (case.kind, case.queue, case.status) == ("review", "review", "pending")
        assert (case.priority, case.blind) == (cost_of(route), False)
        assert case.due_at == later + timedelta(minutes=240)
        [event] = CaseEvent.objects.filter(case=case)
        assert (event.kind, event.actor, event.to_status) == ("opened", sam, "pending")
        assert event.reason == "repair: the model was withdrawn"
    assert Route.objects.filter(kind=RouteKind.AUTO).count() == N


def test_case_of_a_repair_is_claimed_and_decided_like_any(
    workflow: Workflow, alone: list[Route], sam: User, alice: User, now: datetime
) -> None:
    repaired(workflow, alone[:1], sam, now=now)

    decide(claim(workflow, alice, now=now), alice, now=now, label="fraud")

    assert Label.objects.get(item_id=alone[0].pk).label == "fraud"
    assert repaired(workflow, alone[:1], sam, now=now) == PutBack(0, 1)


@pytest.mark.parametrize("blind_share", [0.0, 1.0])
def test_what_was_put_back_is_work_but_no_reading_of_the_dashboard(
    workflow: Workflow,
    alone: list[Route],
    sam: User,
    alice: User,
    bob: User,
    now: datetime,
    blind_share: float,
) -> None:
    set_policy(workflow, now=now, blind_share=blind_share, second_opinion_share=1.0)
    repaired(workflow, alone[:2], sam, now=now)
    for person in (alice, bob):
        decide(claim(workflow, person, now=now), person, now=now)
    undone = Decision.objects.latest("id")
    undo_decision(decision_id=undone.pk, by=bob, now=now)

    days = Days(now.date(), now.date())
    found = workflow_metrics(workflow, days=days, now=now)

    total = found.confirmation.total
    assert (total.shown.n, total.blind.n, total.n_unsure) == (0, 0, 0)
    assert (found.confirmation.by_reviewer, found.confirmation.by_label) == ([], [])
    assert (found.operations.n_decided, found.operations.n_undone) == (1, 1)
    assert found.operations.sla_kept.n == 1
    assert not filtered_decisions(workflow, {"readings": "1"}).exists()
    assert filtered_decisions(workflow, {}).count() == 1
    assert recount()


def test_asked_twice_it_is_done_once(
    workflow: Workflow, alone: list[Route], scope: RepairScope, sam: User, now: datetime
) -> None:
    chosen = choose_riskiest(scope, 4)
    assert chosen.last is not None

    for expected in (4, 0):
        wanted = item_ids_to(scope, chosen.last, limit=100)
        done = put_back(
            workflow=workflow, item_ids=wanted, by=sam, reason="again", now=now
        )
        assert done.n_opened == expected

    assert Case.objects.count() == 4


def test_share_of_cases_is_blind_as_the_policy_says(
    workflow: Workflow, alone: list[Route], sam: User, now: datetime
) -> None:
    set_policy(workflow, now=now, blind_share=1.0)

    repaired(workflow, alone, sam, now=now)

    assert Case.objects.filter(blind=True).count() == N


def test_foreign_reviewed_and_unknown_items_are_skipped(
    workflow: Workflow, alone: list[Route], sam: User, now: datetime
) -> None:
    set_policy(workflow, now=now)
    store(workflow, [raw_item(1000, now=now)], now=now)
    process_batch(workflow=workflow, limit=1, now=now)
    reviewed = Route.objects.get(kind=RouteKind.REVIEW)
    other = make_workflow(now=now, slug="loans")

    wanted = [reviewed.pk, uuid4(), alone[0].pk]
    done = put_back(workflow=workflow, item_ids=wanted, by=sam, reason="a", now=now)
    foreign = repaired(other, alone, sam, now=now)

    assert (done, foreign) == (PutBack(1, 2), PutBack(0, N))


@pytest.mark.parametrize("is_met", [False, True])
def test_retired_gold_is_put_back_only_where_nobody_met_it(
    alone: list[Route],
    scope: RepairScope,
    alice: User,
    sam: User,
    now: datetime,
    is_met: bool,
) -> None:
    workflow, item = scope.workflow, alone[0].item
    [gold] = add_gold_rows(
        workflow=workflow, rows=[GoldRow(0, item.external_id, "fraud")], by=sam, now=now
    ).added
    if is_met:
        write_answers([gold], alice, n_wrong=0, now=now)
    assert choose_riskiest(scope, N).n == N - 1

    retire_gold(gold=gold, by=sam, reason="worn out", now=now)

    assert choose_riskiest(scope, N).n == (N - 1 if is_met else N)
    assert count_alone(scope).n_labelled == int(is_met)
    assert repaired(workflow, alone[:1], sam, now=now).n_opened == int(not is_met)


def test_many_items_are_put_back_in_chunks(
    workflow: Workflow,
    alone: list[Route],
    sam: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repair, "CHUNK", 5)

    assert repaired(workflow, alone, sam, now=now) == PutBack(N, 0)
    assert Case.objects.filter(status=CaseStatus.PENDING).count() == N


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"reason": " "}, ("reason", "missing")),
        ({"reason": "a" * 501}, ("reason", "too_long")),
        (
            {"item_ids": [UUID(int=n) for n in range(10_001)]},
            ("item_ids", "too_many"),
        ),
    ],
)
def test_what_is_asked_has_bounds(
    workflow: Workflow,
    sam: User,
    now: datetime,
    change: dict[str, object],
    error: tuple[str, str],
) -> None:
    asked = {"item_ids": [], "reason": "because", **change}

    with pytest.raises(InvalidRepair) as refused:
        put_back(workflow=workflow, by=sam, now=now, **asked)

    assert [(one.field, one.rule) for one in refused.value.errors] == [error]


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_two_supervisors_at_once_open_each_case_once(
    workflow: Workflow, alone: list[Route], sam: User, now: datetime
) -> None:
    barrier = Barrier(4)

    def worker(routes: list[Route]) -> Callable[[], int]:
        def work() -> int:
            barrier.wait(timeout=30)
            try:
                return repaired(workflow, routes, sam, now=now).n_opened
            finally:
                connection.close()

        return work

    works = [worker(alone), worker(alone[::-1]), worker(alone), worker(alone[:6])]
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda work: work(), works))

    assert sum(opened) == N
    assert Case.objects.count() == N


def test_what_was_put_back_weighs_one_in_training(
    workflow: Workflow,
    alone: list[Route],
    sam: User,
    alice: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots, "SETTLE_SECONDS", 0.0)
    repaired(workflow, alone[:1], sam, now=now)
    decide(claim(workflow, alice, now=now), alice, now=now, label="fraud")
    later = now + timedelta(minutes=1)
    snapshot = snapshots.request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=sam, now=later
    )
    assert snapshots.build_snapshot(snapshot_id=snapshot.pk, clock=lambda: later)
    snapshot.refresh_from_db()

    assert alone[0].review_probability == 0.000001
    assert snapshots.read_labelled_rows(snapshot).weights == [1.0]
