"""Add and retire gold items; who errs on them."""

from datetime import datetime, timedelta

import pytest

from accounts.enums import Role
from accounts.models import User
from predictions.declaration import FieldError
from predictions.models import Item, ModelVersion, Workflow
from reviewqueue.models import Case, GoldItem
from reviewqueue.queries import gold as gold_queries
from reviewqueue.queries.gold import (
    gold_answers,
    judged_gold,
    met_counts,
    reviewers_below_floor,
)
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.gold import (
    GoldRefused,
    GoldRow,
    add_gold_rows,
    add_settled,
    retire_gold,
)
from tests.factories.accounts import member
from tests.factories.predictions import make_items, make_workflow
from tests.reviewqueue.services.gold_steps import (
    answer_gold,
    claim_gold,
    gold_items,
    put_gold_plan,
    write_answers,
)
from tests.reviewqueue.services.steps import (
    amend,
    claim,
    decide,
    decide_unsure,
    open_cases,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(workflow: Workflow, champion: ModelVersion, now: datetime) -> list[Case]:
    return open_cases(workflow, 3, now=now - timedelta(hours=1))


def test_settled_item_becomes_gold_with_its_label_in_force(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    decide(case, alice, now=now, label="fraud")

    gold = add_settled(item=case.item, by=sam, note="plain", now=now)

    stored = GoldItem.objects.get(pk=gold.pk)
    assert (stored.label, stored.source, stored.note) == ("fraud", "settled", "plain")
    assert (stored.added_by, stored.added_at, stored.retired_at) == (sam, now, None)
    assert stored.workflow == workflow


def test_item_without_a_label_in_force_is_refused(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    with pytest.raises(GoldRefused, match="label: not_settled"):
        add_settled(item=case.item, by=sam, note="", now=now)
    decision = decide(case, alice, now=now, label="fraud").decision
    undo_decision(decision_id=decision.pk, by=alice, now=now)

    with pytest.raises(GoldRefused, match="label: not_settled"):
        add_settled(item=case.item, by=sam, note="", now=now)


def test_upload_names_what_is_wrong_with_each_row_and_keeps_the_others(
    workflow: Workflow, waiting: list[Case], sam: User, now: datetime
) -> None:
    gold_items(workflow, sam, now=now)
    known = waiting[0].item.external_id
    rows = [
        GoldRow(2, known, "fraud", "from the register"),
        GoldRow(3, "nowhere", "fraud"),
        GoldRow(4, waiting[1].item.external_id, "lies"),
        GoldRow(5, "", ""),
        GoldRow(6, "gold-0", "fraud"),
        GoldRow(7, waiting[2].item.external_id, "fraud", "x" * 1001),
        GoldRow(8, known, "fraud"),
    ]

    made = add_gold_rows(workflow=workflow, rows=rows, by=sam, now=now)

    assert [(one.item.external_id, one.source) for one in made.added] == [
        (known, "upload")
    ]
    found = {one.number: one.errors for one in made.refused}
    assert found == {
        3: [FieldError("external_id", "unknown", "nowhere")],
        4: [FieldError("label", "value", "lies")],
        5: [FieldError("external_id", "missing"), FieldError("label", "missing")],
        6: [FieldError("external_id", "gold_already", "gold-0")],
        7: [FieldError("note", "too_long", 1001)],
        8: [FieldError("external_id", "gold_already", known)],
    }


def test_item_that_is_not_routed_cannot_be_gold(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    [item] = make_items(workflow, 1, now=now)
    rows = [GoldRow(1, item.external_id, "fraud")]

    made = add_gold_rows(workflow=workflow, rows=rows, by=sam, now=now)

    assert made.refused[0].errors == [
        FieldError("external_id", "not_routed", item.external_id)
    ]


def test_item_of_another_workflow_is_unknown(
    workflow: Workflow, waiting: list[Case], sam: User, now: datetime
) -> None:
    other = make_workflow(now=now, slug="loans", name="Loans")
    rows = [GoldRow(1, waiting[0].item.external_id, "fraud")]

    made = add_gold_rows(workflow=other, rows=rows, by=sam, now=now)

    assert made.refused[0].errors[0].rule == "unknown"
    assert not GoldItem.objects.exists()


def test_retired_item_keeps_who_and_why_and_comes_back_with_the_same_label(
    workflow: Workflow, waiting: list[Case], sam: User, now: datetime
) -> None:
    [gold] = gold_items(workflow, sam, now=now)
    retired = retire_gold(gold=gold, by=sam, reason="in doubt", now=now)
    with pytest.raises(GoldRefused, match="retired_already"):
        retire_gold(gold=gold, by=sam, reason="again", now=now)

    def add(label: str) -> list[str]:
        rows = [GoldRow(1, gold.item.external_id, label)]
        made = add_gold_rows(workflow=workflow, rows=rows, by=sam, now=now)
        return [error.rule for one in made.refused for error in one.errors]

    assert (retired.retired_at, retired.note) == (now, "retired by sam: in doubt")
    assert GoldItem.objects.get().retired_by == sam
    assert add("legitimate") == ["differs_from_before"]
    assert add("fraud") == []
    back = GoldItem.objects.get()
    assert (back.retired_at, back.note) == (
        None,
        "retired by sam: in doubt\nback by sam",
    )


def test_answer_is_the_first_judgement_that_was_not_taken_back(
    workflow: Workflow,
    waiting: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    put_gold_plan(workflow, now=now)
    gold = gold_items(workflow, sam, now=now, n=3)
    amended = answer_gold(workflow, alice, label="legitimate", now=now).decision
    amend(amended, alice, now=now, label="fraud")
    undone = answer_gold(workflow, alice, label="legitimate", now=now).decision
    again = undo_decision(decision_id=undone.pk, by=alice, now=now)
    decide(again, alice, now=now, label="fraud")
    decide_unsure(claim_gold(workflow, alice, now=now), alice, now=now)

    answers = sorted(gold_answers(workflow).values_list("label", "known_label"))
    judged = judged_gold(workflow, since=now, until=now + timedelta(seconds=1))

    assert answers == [("", "fraud"), ("fraud", "fraud"), ("legitimate", "fraud")]
    assert sorted(one.is_right for one in judged) == [False, True]
    assert sum(n for n, _, _ in met_counts(gold).values()) == 3
    assert sum(n for _, n, _ in met_counts(gold).values()) == 2
    assert sum(n for _, _, n in met_counts(gold).values()) == 1


@pytest.mark.parametrize(
    ("n", "n_wrong", "is_below"),
    [
        (19, 19, False),  # too few answers, whatever they are
        (20, 11, False),  # 9 of 20: the bound is above 0.75
        (20, 12, True),  # 8 of 20: it is below
        (20, 0, False),
    ],
)
def test_reviewer_is_below_the_floor_when_surely_so(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    sam: User,
    now: datetime,
    n: int,
    n_wrong: int,
    is_below: bool,
) -> None:
    plan = put_gold_plan(workflow, now=now, floor=0.75)
    write_answers(
        gold_items(workflow, sam, now=now, n=n), alice, n_wrong=n_wrong, now=now
    )

    assert reviewers_below_floor(workflow, plan) == ({alice.pk} if is_below else set())


def test_floor_is_each_reviewers_own_and_each_workflows_own(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    plan = put_gold_plan(workflow, now=now, floor=0.75)
    gold = gold_items(workflow, sam, now=now, n=20)
    write_answers(gold, alice, n_wrong=15, now=now)
    write_answers(gold, bob, n_wrong=1, now=now)
    other = make_workflow(now=now, slug="loans", name="Loans")

    assert reviewers_below_floor(workflow, plan) == {alice.pk}
    assert reviewers_below_floor(other, plan) == set()


def test_newest_run_counts_so_that_people_can_recover(
    workflow: Workflow,
    champion: ModelVersion,
    sam: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dora = member(workflow.scope, Role.REVIEWER, username="dora")
    plan = put_gold_plan(workflow, now=now, floor=0.75)
    gold = gold_items(workflow, sam, now=now, n=60)
    monkeypatch.setattr(gold_queries, "N_OF_RUN", 40)
    write_answers(gold[:40], dora, n_wrong=24, now=now)
    write_answers(gold[40:59], dora, n_wrong=0, now=now + timedelta(hours=1))

    # 19 answers of a run say nothing yet: the run before stands.
    assert reviewers_below_floor(workflow, plan) == {dora.pk}
    write_answers(gold[59:], dora, n_wrong=0, now=now + timedelta(hours=2))
    assert reviewers_below_floor(workflow, plan) == set()


def test_file_with_too_many_rows_is_refused_as_a_whole(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    rows = [GoldRow(i, f"none-{i}", "fraud") for i in range(10_001)]

    with pytest.raises(GoldRefused, match="too_many"):
        add_gold_rows(workflow=workflow, rows=rows, by=sam, now=now)

    assert (GoldItem.objects.count(), Item.objects.count()) == (0, 0)
