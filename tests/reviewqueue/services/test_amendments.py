"""A decision that was made: taken back within its window, or amended later."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseStatus, Verdict
from reviewqueue.models import Case, Decision, Retraction
from reviewqueue.services.decisions import AmendRefused, UndoRefused, undo_decision
from reviewqueue.services.judging import InvalidDecision
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import (
    OTHER,
    amend,
    claim,
    decide,
    decide_unsure,
    events_of,
    labels_of,
    open_cases,
)

pytestmark = pytest.mark.django_db


def test_undo_leases_the_case_to_its_author_again(
    held: Case, alice: User, now: datetime
) -> None:
    recorded = decide(held, alice, now=now)
    later = now + timedelta(seconds=60)

    case = undo_decision(decision_id=recorded.decision.pk, by=alice, now=later)

    assert (case.status, case.leased_by, case.round) == (CaseStatus.LEASED, alice, 2)
    assert case.lease_token not in {None, held.lease_token}
    assert case.lease_expires_at == later + timedelta(seconds=300)
    assert case.closed_at is None
    assert labels_of(held.route) == [
        (1, held.route.label, "decision"),
        (2, "", "retracted"),
    ]
    retraction = Retraction.objects.get()
    assert (retraction.kind, retraction.by, retraction.at) == ("undo", alice, later)
    assert events_of(held)[-1] == ("undone", "decided", "leased")

    decide(case, alice, now=later, label=OTHER[held.route.label])
    assert labels_of(held.route)[2:] == [(3, OTHER[held.route.label], "decision")]
    assert sorted(Decision.objects.values_list("round", flat=True)) == [1, 2]


def test_undo_after_the_window_is_refused(
    held: Case, alice: User, now: datetime
) -> None:
    recorded = decide(held, alice, now=now)

    with pytest.raises(UndoRefused, match="undo window of 60 s"):
        undo_decision(
            decision_id=recorded.decision.pk,
            by=alice,
            now=now + timedelta(seconds=60, microseconds=1),
        )

    assert not Retraction.objects.exists()


def test_undo_twice_is_refused(held: Case, alice: User, now: datetime) -> None:
    recorded = decide(held, alice, now=now)
    undo_decision(decision_id=recorded.decision.pk, by=alice, now=now)

    with pytest.raises(UndoRefused, match="taken back already"):
        undo_decision(decision_id=recorded.decision.pk, by=alice, now=now)


def test_undo_of_anothers_decision_is_unknown(
    held: Case, alice: User, bob: User, now: datetime
) -> None:
    recorded = decide(held, alice, now=now)

    with pytest.raises(Decision.DoesNotExist):
        undo_decision(decision_id=recorded.decision.pk, by=bob, now=now)
    with pytest.raises(Decision.DoesNotExist):
        undo_decision(decision_id=uuid4(), by=bob, now=now)


def test_undo_shows_a_case_that_was_blind(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    set_policy(workflow, now=now, blind_share=1.0)
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    recorded = decide(case, alice, now=now)
    assert recorded.decision.blind

    again = undo_decision(decision_id=recorded.decision.pk, by=alice, now=now)

    assert not Case.objects.get(pk=case.pk).blind
    assert not decide(again, alice, now=now).decision.blind


def test_undo_with_all_slots_taken_reserves_the_case(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    bob: User,
    now: datetime,
) -> None:
    open_cases(workflow, 5, now=now)
    case = claim(workflow, alice, now=now)
    recorded = decide(case, alice, now=now)
    for _ in range(3):
        claim(workflow, alice, now=now)

    again = undo_decision(decision_id=recorded.decision.pk, by=alice, now=now)

    assert (again.status, again.assigned_to) == (CaseStatus.PENDING, alice)
    assert events_of(case)[-1] == ("undone", "decided", "pending")
    assert claim(workflow, bob, now=now).pk != case.pk


def test_undo_of_cant_tell_withdraws_the_adjudication(
    held: Case, alice: User, now: datetime
) -> None:
    recorded = decide_unsure(held, alice, now=now)
    follow_up = Case.objects.get(kind="adjudication")

    undo_decision(decision_id=recorded.decision.pk, by=alice, now=now)

    follow_up.refresh_from_db()
    assert (follow_up.status, follow_up.closed_at) == (CaseStatus.WITHDRAWN, now)
    assert events_of(follow_up)[-1] == ("withdrawn", "pending", "withdrawn")


def test_amend_replaces_with_a_reason_and_keeps_the_old_row(
    held: Case, alice: User, now: datetime
) -> None:
    first = decide(held, alice, now=now).decision
    later = now + timedelta(days=3)

    amended = amend(first, alice, reason="the customer called", now=later)

    assert amended.supersedes == first
    assert (amended.round, amended.verdict, amended.decided_at) == (
        2,
        Verdict.OVERRIDE,
        later,
    )
    assert (amended.claimed_at, amended.opened_at) == (now, now)
    assert Retraction.objects.get(pk=first.pk).reason == "the customer called"
    assert labels_of(held.route) == [
        (1, held.route.label, "decision"),
        (2, OTHER[held.route.label], "decision"),
    ]
    assert events_of(held)[-1] == ("amended", "decided", "decided")


def test_amend_needs_a_reason_and_a_live_decision(
    held: Case, alice: User, now: datetime
) -> None:
    first = decide(held, alice, now=now).decision

    with pytest.raises(InvalidDecision, match="reason: missing"):
        amend(first, alice, reason="  ", now=now)
    amend(first, alice, reason="right", now=now)
    with pytest.raises(AmendRefused, match="already"):
        amend(first, alice, reason="again", now=now)


def test_amend_of_anothers_decision_needs_the_right_to(
    held: Case, alice: User, sam: User, now: datetime
) -> None:
    first = decide(held, alice, now=now).decision

    with pytest.raises(Decision.DoesNotExist):
        amend(first, sam, now=now)
    assert amend(first, sam, now=now, may_amend_others=True).reviewer == sam


def test_amended_blind_decision_is_no_blind_evidence(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    set_policy(workflow, now=now, blind_share=1.0)
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    first = decide(case, alice, now=now).decision

    amended = amend(first, alice, now=now)

    assert (first.blind, amended.blind) == (True, False)
