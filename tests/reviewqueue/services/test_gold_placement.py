"""Gold before reviewers: never twice, in the place of a case, settling nothing."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseKind, CaseStatus, Queue
from reviewqueue.models import (
    Case,
    CaseEvent,
    Decision,
    GoldPlacement,
    Label,
    Tally,
)
from reviewqueue.services.assignments import AssignmentRefused, assign_case
from reviewqueue.services.claims import (
    TooManyLeases,
    expire_leases,
    release_case,
    skip_case,
)
from reviewqueue.services.decisions import (
    UndoRefused,
    amend_decision,
    escalate_case,
    undo_decision,
)
from reviewqueue.services.gold import add_settled, retire_gold
from reviewqueue.services.judging import Judgement
from reviewqueue.trust.sampling import draw
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.gold_steps import (
    answer_gold,
    claim_gold,
    every_claim_drawn,
    gold_items,
    put_gold_plan,
)
from tests.reviewqueue.services.steps import (
    LEASE,
    claim,
    decide,
    decide_unsure,
    events_of,
    maybe_claim,
    open_cases,
    token,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(workflow: Workflow, champion: ModelVersion, now: datetime) -> list[Case]:
    """Four cases that wait, opened an hour ago."""
    return open_cases(workflow, 4, now=now - timedelta(hours=1))


def test_gold_takes_the_place_of_the_next_case(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now)
    [gold] = gold_items(workflow, sam, now=now)

    case = claim_gold(workflow, alice, now=now)

    stored = Case.objects.get(pk=case.pk)
    displaced = waiting[0]
    assert (stored.kind, stored.queue, stored.item) == ("gold", "review", gold.item)
    assert (stored.leased_by, stored.lease_slot) == (alice, 1)
    assert stored.lease_expires_at == now + LEASE
    assert (stored.due_at, stored.created_at, stored.priority) == (
        displaced.due_at,
        displaced.created_at,
        displaced.priority,
    )
    assert stored.pk.int >> 80 == int(displaced.created_at.timestamp() * 1000)
    placement = GoldPlacement.objects.get(case=stored)
    assert (placement.gold, placement.reviewer, placement.placed_at) == (
        gold,
        alice,
        now,
    )
    assert events_of(case) == [
        ("opened", "", "pending"),
        ("claimed", "pending", "leased"),
    ]
    assert Case.objects.get(pk=displaced.pk).status == CaseStatus.PENDING


def test_draw_is_noted_and_can_be_checked(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now, share=0.5)
    gold_items(workflow, sam, now=now, n=20)
    for _ in range(20):
        case = claim(workflow, alice, now=now)
        if case.kind == CaseKind.GOLD:
            break
        release_case(case_id=case.pk, holder=alice, lease_token=token(case), now=now)

    opened = CaseEvent.objects.get(case=case, kind="opened")
    value = draw(opened.pk, seed=0, purpose="gold")
    assert value < 0.5
    assert opened.reason == f"gold: drawn {value:.6f} below 0.5, plan 1"


def test_nobody_meets_the_same_item_twice(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now, n=2)

    with every_claim_drawn():
        met = [claim(workflow, alice, now=now) for _ in range(3)]

    assert [case.kind for case in met] == ["gold", "gold", "review"]
    assert len({case.item_id for case in met}) == 3


def test_two_reviewers_meet_the_same_item_each_in_their_own_case(
    workflow: Workflow,
    waiting: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now)

    hers, his = (claim_gold(workflow, one, now=now) for one in (alice, bob))

    assert hers.item_id == his.item_id
    assert hers.pk != his.pk


def test_gold_is_not_placed_where_it_would_show_or_measure_nothing(
    workflow: Workflow,
    waiting: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    with every_claim_drawn():
        no_plan = claim(workflow, alice, now=now)
        put_gold_plan(workflow, now=now, share=0)
        no_share = claim(workflow, alice, now=now)
        put_gold_plan(workflow, now=now)
        no_gold = claim(workflow, alice, now=now)
        gold_items(workflow, sam, now=now)
        by_supervisor = claim(workflow, sam, now=now)
        # All four are held now: an empty queue stays empty.
        nothing = maybe_claim(workflow, bob, now=now)

    found = (no_plan, no_share, no_gold, by_supervisor)
    assert {case.kind for case in found} == {"review"}
    assert nothing is None


def test_item_that_a_person_had_before_is_not_placed_before_them(
    workflow: Workflow,
    waiting: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    put_gold_plan(workflow, now=now)
    case = claim(workflow, alice, now=now)
    decide(case, alice, now=now, label="fraud")
    add_settled(item=case.item, by=sam, note="", now=now)

    with every_claim_drawn():
        hers, his = claim(workflow, alice, now=now), claim(workflow, bob, now=now)

    assert hers.kind == CaseKind.REVIEW
    assert (his.kind, his.item_id) == (CaseKind.GOLD, case.item_id)


def test_gold_keeps_to_the_limit_of_leases(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now, n=5)

    with every_claim_drawn():
        slots = [claim(workflow, alice, now=now).lease_slot for _ in range(3)]
        with pytest.raises(TooManyLeases):
            maybe_claim(workflow, alice, now=now)

    assert slots == [1, 2, 3]


def test_blind_share_of_the_policy_holds_for_gold(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now)
    set_policy(workflow, now=now, blind_share=1.0)

    assert claim_gold(workflow, alice, now=now).blind


def test_claim_without_gold_costs_one_statement_more_at_most(
    workflow: Workflow, waiting: list[Case], alice: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now, share=0)

    def statements(*, is_drawn: bool) -> list[str]:
        with every_claim_drawn(is_drawn), CaptureQueriesContext(connection) as seen:
            claim(workflow, alice, now=now)
        return [one["sql"] for one in seen.captured_queries]

    drawn, passed = statements(is_drawn=True), statements(is_drawn=False)

    assert len(drawn) == len(passed) + 1
    assert sum("trustplan" in one for one in drawn) == 1


def test_decision_on_gold_settles_nothing(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now)
    set_policy(workflow, now=now, second_opinion_share=1.0)
    [gold] = gold_items(workflow, sam, now=now)
    before = Case.objects.count()

    recorded = answer_gold(workflow, alice, label="legitimate", now=now)

    assert recorded.decision.case_kind == CaseKind.GOLD
    assert recorded.case.status == CaseStatus.DECIDED
    assert Label.objects.filter(item=gold.item).count() == 0
    assert Case.objects.count() == before + 1
    assert not Tally.objects.filter(
        workflow=workflow, figure__in=("total", "kind", "sla", "reviewer")
    ).exists()
    # A second case would have to show: its reviewer is told what a single reader is.
    assert recorded.resolution.decision == recorded.decision
    assert not recorded.resolution.needs_second


def test_cannot_tell_and_escalation_only_close_the_case(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now, n=2)
    unsure, escalated = (claim_gold(workflow, alice, now=now) for _ in range(2))

    said = decide_unsure(unsure, alice, now=now)
    escalate_case(
        case_id=escalated.pk,
        holder=alice,
        lease_token=token(escalated),
        reason="",
        now=now,
    )

    assert said.resolution.needs_adjudication
    assert not Case.objects.filter(kind=CaseKind.ADJUDICATION).exists()


def test_gold_does_not_disturb_what_is_settled_about_its_item(
    workflow: Workflow,
    waiting: list[Case],
    alice: User,
    bob: User,
    carol: User,
    sam: User,
    now: datetime,
) -> None:
    put_gold_plan(workflow, now=now)
    case = claim(workflow, bob, now=now)
    first = decide(case, bob, now=now, label="fraud").decision
    add_settled(item=case.item, by=sam, note="", now=now)
    decide_unsure(claim_gold(workflow, alice, now=now), alice, now=now)

    amend_decision(
        decision_id=first.pk,
        by=bob,
        may_amend_others=False,
        judgement=Judgement(label="legitimate"),
        reason="looked again",
        now=now,
    )

    newest = Label.objects.filter(item=case.item).latest("version")
    assert (newest.label, newest.source) == ("legitimate", "decision")
    assert not Case.objects.filter(kind=CaseKind.ADJUDICATION).exists()
    assert maybe_claim(workflow, carol, now=now, queues=[Queue.ADJUDICATION]) is None


def test_undo_gives_the_gold_case_back(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now)
    decision = answer_gold(workflow, alice, label="legitimate", now=now).decision

    case = undo_decision(decision_id=decision.pk, by=alice, now=now)
    again = decide(case, alice, now=now, label="fraud").decision

    assert (case.assigned_to, again.round, again.label) == (alice, 2, "fraud")
    assert Decision.objects.filter(case=case, retraction=None).count() == 1


def test_answer_stands_once_the_known_label_was_shown(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, now: datetime
) -> None:
    put_gold_plan(workflow, now=now, coaching=True)
    gold_items(workflow, sam, now=now)
    decision = answer_gold(workflow, alice, label="legitimate", now=now).decision

    with pytest.raises(UndoRefused, match="known label"):
        undo_decision(decision_id=decision.pk, by=alice, now=now)


def test_gold_that_was_given_back_is_nobody_elses(
    workflow: Workflow,
    waiting: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now, n=3)
    released, expired, skipped = (claim_gold(workflow, alice, now=now) for _ in "123")
    later = now + LEASE + timedelta(seconds=1)

    release_case(
        case_id=released.pk, holder=alice, lease_token=token(released), now=now
    )
    skip_case(
        case_id=skipped.pk,
        holder=alice,
        lease_token=token(skipped),
        reason="no",
        now=now,
    )
    expire_leases(now=later)
    with every_claim_drawn(False):
        his = [maybe_claim(workflow, bob, now=later) for _ in range(3)]
        hers = {claim(workflow, alice, now=later).pk for _ in range(2)}

    assert {case.kind for case in his if case} == {"review"}
    assert hers == {released.pk, expired.pk}


def test_supervisor_cannot_hand_gold_to_somebody_else(
    workflow: Workflow,
    waiting: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now)
    case = claim_gold(workflow, alice, now=now)

    with pytest.raises(AssignmentRefused, match="stays with the reviewer"):
        assign_case(case=case, to=bob, supervisor=sam, reason="", now=now)


def test_retired_item_is_not_placed_and_what_waits_of_it_is_withdrawn(
    workflow: Workflow,
    waiting: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    put_gold_plan(workflow, now=now)
    [gold] = gold_items(workflow, sam, now=now)
    hers, his = (claim_gold(workflow, one, now=now) for one in (alice, bob))
    release_case(case_id=his.pk, holder=bob, lease_token=token(his), now=now)

    retire_gold(gold=gold, by=sam, reason="its label is in doubt", now=now)
    decide(hers, alice, now=now, label="fraud")

    assert Case.objects.get(pk=his.pk).status == CaseStatus.WITHDRAWN
    assert Case.objects.get(pk=hers.pk).status == CaseStatus.DECIDED
    with every_claim_drawn():
        assert claim(workflow, bob, now=now).kind == CaseKind.REVIEW
