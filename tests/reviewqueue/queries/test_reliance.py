"""Figures of reliance by hand, from a few judgements whose every column is known."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Decision, Retraction
from reviewqueue.queries import reliance as queries
from reviewqueue.queries.reliance import RelianceReport, reliance_report
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.factories.predictions import make_workflow
from tests.reviewqueue.services.gold_steps import (
    answer_gold,
    gold_items,
    put_gold_plan,
)
from tests.reviewqueue.services.steps import open_cases

pytestmark = pytest.mark.django_db
type Judge = Callable[..., Decision]


@pytest.fixture
def judge(workflow: Workflow, champion: ModelVersion, now: datetime) -> Judge:
    """Write one judgement of a new item, or of one that is given."""
    cases = iter(open_cases(workflow, 70, now=now - timedelta(days=2)))
    seconds = itertools.count()

    def write(
        person: User,
        label: str,
        *,
        recommended: str = "fraud",
        blind: bool = False,
        took: float = 20,
        like: Decision | None = None,
        round: int = 2,
    ) -> Decision:
        decided_at = now - timedelta(days=1) + timedelta(seconds=next(seconds))
        case = like.case if like else next(cases)
        return Decision.objects.create(
            workflow=workflow,
            case=case,
            round=round if like else 1,
            item=case.item,
            case_kind="second" if like else "review",
            reviewer=person,
            verdict="confirm" if label == recommended else "override",
            label=label,
            recommended_label=recommended,
            blind=blind,
            model_version=champion,
            claimed_at=decided_at,
            opened_at=decided_at - timedelta(seconds=took),
            decided_at=decided_at,
        )

    return write


def report(
    workflow: Workflow, *, now: datetime, only: User | None = None
) -> RelianceReport:
    return reliance_report(workflow, days=90, now=now, only=only)


def test_nothing_yet_is_no_error(workflow: Workflow, now: datetime) -> None:
    found = report(workflow, now=now)

    assert (found.n_read, found.people, found.is_capped) == (0, [], False)
    assert found.everybody is not None
    assert found.everybody.difference.is_too_few
    answer = found.to_json()
    assert answer["everybody"]["difference"]["value"] is None
    assert answer["together"]["kappa"]["value"] is None


def test_shown_minus_blind_is_of_first_readers(
    workflow: Workflow, judge: Judge, alice: User, bob: User, now: datetime
) -> None:
    shown = [judge(alice, label) for label in ("fraud", "fraud", "legitimate")]
    judge(alice, "legitimate", blind=True)
    judge(bob, "fraud", blind=True)
    judge(bob, "legitimate", blind=True, like=shown[0])

    found = report(workflow, now=now).everybody

    assert found is not None
    difference = found.difference
    assert (difference.first.k, difference.first.n) == (2, 3)
    assert (difference.second.k, difference.second.n) == (1, 2)
    assert difference.value == pytest.approx(2 / 3 - 1 / 2)
    assert difference.is_too_few
    assert found.n == 6


def test_over_and_under_reliance_where_late_truth_is_known(
    workflow: Workflow, judge: Judge, alice: User, now: datetime
) -> None:
    followed_wrong = judge(alice, "fraud")
    overrode_wrong = judge(alice, "legitimate")
    overrode_right = judge(alice, "legitimate")
    followed_right = judge(alice, "fraud", blind=True)
    judge(alice, "fraud")  # nobody knows
    truths = {
        followed_wrong: "legitimate",
        overrode_wrong: "legitimate",
        overrode_right: "fraud",
        followed_right: "fraud",
    }
    record_outcomes(
        workflow=workflow,
        rows=[
            OutcomeRow(one.item.external_id, label, now)
            for one, label in truths.items()
        ],
        by=None,
        now=now,
    )

    found = report(workflow, now=now).everybody

    assert found is not None
    assert (found.shown.over.k, found.shown.over.n) == (1, 2)
    assert (found.shown.under.k, found.shown.under.n) == (1, 1)
    assert (found.blind.over.n, found.blind.under.k, found.blind.under.n) == (0, 0, 1)


def test_amended_judgement_counts_as_first_given_and_undone_one_not_at_all(
    workflow: Workflow, judge: Judge, alice: User, now: datetime
) -> None:
    amended, undone = judge(alice, "fraud"), judge(alice, "fraud")
    Retraction.objects.create(decision=amended, kind="amend", by=alice, at=now)
    Retraction.objects.create(decision=undone, kind="undo", by=alice, at=now)

    found = report(workflow, now=now).everybody

    assert found is not None
    assert (found.difference.first.k, found.difference.first.n) == (1, 1)


def test_gold_is_right_or_wrong_and_in_no_confirmation(
    workflow: Workflow, judge: Judge, alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now, n=3)
    for label in ("fraud", "legitimate", "fraud"):
        answer_gold(workflow, alice, label=label, now=now - timedelta(hours=1))

    [person] = report(workflow, now=now).people

    assert (person.figures.gold.k, person.figures.gold.n) == (2, 3)
    assert person.figures.gold.is_too_few
    assert person.figures.difference.first.n == 0
    assert person.is_below_floor is False


def test_two_readers_of_the_same_items(
    workflow: Workflow, judge: Judge, alice: User, bob: User, now: datetime
) -> None:
    labels = [("fraud", "fraud")] * 3 + [("legitimate", "fraud")]
    labels += [("legitimate", "legitimate")] * 4
    for first, second in labels:
        judge(bob, second, like=judge(alice, first))

    found = report(workflow, now=now)

    assert found.together is not None
    kappa, raw = found.together.kappa, found.together.raw
    # by hand: 7 of 8 alike; by chance (4/8 · 3/8) + (4/8 · 5/8) = 1/2
    assert raw.value == pytest.approx(7 / 8)
    assert raw.n_pairs == 8
    assert kappa.value == pytest.approx((7 / 8 - 1 / 2) / (1 - 1 / 2))
    assert kappa.low < kappa.value < kappa.high
    assert {(p.username, p.with_others.k, p.with_others.n) for p in found.people} == {
        ("alice", 7, 8),
        ("bob", 7, 8),
    }


def test_agreement_of_three_or_more_takes_what_all_of_them_judged(
    workflow: Workflow, judge: Judge, alice: User, bob: User, carol: User, now: datetime
) -> None:
    for labels in (
        ("fraud", "fraud", "fraud"),
        ("legitimate", "legitimate", "legitimate"),
        ("fraud", "fraud", "legitimate"),
        ("fraud", "legitimate"),  # two people: Cohen's
    ):
        first = judge(alice, labels[0])
        for at, (person, label) in enumerate(
            zip((bob, carol), labels[1:], strict=False)
        ):
            judge(person, label, like=first, round=2 + at)

    together = report(workflow, now=now).together

    # by hand: (1 + 1 + 1/3) / 3 observed, (5/9)² + (4/9)² by chance
    assert together is not None
    assert (together.fleiss.n_items, together.fleiss.n_pairs) == (3, 9)
    assert together.fleiss.value == pytest.approx((7 / 9 - 41 / 81) / (40 / 81))
    assert together.kappa.n_items == 4


def test_nobody_agrees_with_two_others_before_three_judged(
    workflow: Workflow, judge: Judge, alice: User, bob: User, now: datetime
) -> None:
    judge(bob, "fraud", like=judge(alice, "fraud"))

    found = report(workflow, now=now)

    assert found.together is not None
    assert found.together.fleiss.n_items == 0
    assert found.to_json()["together"]["fleiss"]["value"] is None


def test_accuracy_is_estimated_from_items_that_several_people_judged(
    workflow: Workflow, judge: Judge, alice: User, bob: User, carol: User, now: datetime
) -> None:
    labels = ["fraud" if i % 3 else "legitimate" for i in range(30)]
    for i, label in enumerate(labels):
        wrong = i in (4, 11, 22)
        other = {"fraud": "legitimate", "legitimate": "fraud"}[label]
        first = judge(alice, label)
        judge(bob, other if wrong else label, like=first)
        if i < 29:
            third = Decision.objects.get(pk=first.pk)
            third.pk, third.round, third.reviewer = uuid4(), 3, carol
            third.case_kind, third.decided_at = "second", now - timedelta(hours=1)
            third.save(force_insert=True)
    judge(alice, "fraud")  # nobody else judged it

    by_name = {one.username: one for one in report(workflow, now=now).people}

    hers, his, few = (by_name[name].estimated for name in ("alice", "bob", "carol"))
    assert (hers.n, his.n, few.n) == (30, 30, 29)
    assert (hers.is_too_few, his.is_too_few, few.is_too_few) == (False, False, True)
    # two agree wherever the third does not
    assert hers.value == pytest.approx(1, abs=0.01)
    assert his.value == pytest.approx(27 / 30, abs=0.01)
    own = report(workflow, now=now + timedelta(days=1), only=bob).people
    assert own[0].estimated == his


def test_no_estimate_without_items_that_several_people_judged(
    workflow: Workflow, judge: Judge, alice: User, now: datetime
) -> None:
    judge(alice, "fraud")

    found = report(workflow, now=now)

    assert found.people[0].estimated.n == 0
    assert found.to_json()["people"][0]["estimated"] == {
        "value": None,
        "n": 0,
        "minimum": 30,
    }


def test_haste_and_streaks_are_held_against_everybody(
    workflow: Workflow, judge: Judge, alice: User, bob: User, now: datetime
) -> None:
    for i in range(30):
        judge(alice, "fraud" if i % 2 else "legitimate", took=40)
    for _ in range(30):
        judge(bob, "fraud", took=2)

    by_name = {one.username: one for one in report(workflow, now=now).people}

    hers, his = by_name["alice"], by_name["bob"]
    assert (hers.haste.share.k, his.haste.share.k) == (0, 30)
    assert his.haste.limit_seconds == pytest.approx(0.25 * 21)
    assert (hers.streak.length, his.streak.length) == (1, 30)
    # the others confirm half of what they are shown
    assert his.streak.probability == pytest.approx(0.5**30)


def test_own_view_holds_ones_own_figures_and_ends_with_yesterday(
    workflow: Workflow,
    judge: Judge,
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    judge(bob, "fraud")
    judge(alice, "fraud")
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now, n=1)
    answer_gold(workflow, alice, label="fraud", now=now - timedelta(minutes=1))

    today = report(workflow, now=now, only=alice)
    tomorrow = report(workflow, now=now + timedelta(days=1), only=alice)
    put_gold_plan(workflow, now=now, coaching=True)
    coached = report(workflow, now=now, only=alice)

    assert (today.everybody, today.together) == (None, None)
    assert [one.username for one in today.people] == ["alice"]
    assert today.until == now.replace(hour=0, minute=0)
    found = [one.people[0].figures.gold.n for one in (today, tomorrow, coached)]
    assert found == [0, 1, 1]
    assert today.people[0].is_below_floor is None


def test_window_and_cap_bound_what_is_read(
    workflow: Workflow,
    judge: Judge,
    alice: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(3):
        judge(alice, "fraud")

    later = now + timedelta(days=90)
    monkeypatch.setattr(queries, "MAX_ROWS", 3)
    assert report(workflow, now=later).n_read == 0
    assert report(workflow, now=now).is_capped


def test_judgements_of_another_workflow_are_not_counted(
    workflow: Workflow, judge: Judge, alice: User, now: datetime
) -> None:
    judge(alice, "fraud")
    other = make_workflow(now=now, slug="loans", name="Loans")

    assert report(workflow, now=now).n_read == 1
    assert report(other, now=now).people == []
