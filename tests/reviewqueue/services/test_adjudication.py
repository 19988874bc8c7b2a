from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseKind, CaseStatus, Queue, Verdict
from reviewqueue.models import Case, Decision
from reviewqueue.services.adjudication import FollowUpTaken, Resolution, resolve
from reviewqueue.services.claims import release_case, snooze_case
from reviewqueue.services.decisions import (
    escalate_case,
    undo_decision,
)
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import (
    OTHER,
    amend,
    claim,
    decide,
    decide_unsure,
    labels_of,
    maybe_claim,
    open_cases,
    token,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Decision:
    """Alice's decision on the only item, where a second opinion was drawn."""
    set_policy(workflow, now=now, second_opinion_share=1.0)
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    return decide(case, alice, now=now).decision


def test_first_reader_makes_no_label_yet(first: Decision, workflow: Workflow) -> None:
    second = Case.objects.get(kind=CaseKind.SECOND)

    assert labels_of(first.case.route) == []
    assert (second.queue, second.status) == ("review", "pending")
    assert second.excluded_reviewer == first.reviewer
    assert second.priority == first.case.priority
    assert second.due_at == first.decided_at + timedelta(minutes=240)


def test_second_opinion_is_blind_and_never_the_first_readers(
    first: Decision, workflow: Workflow, alice: User, bob: User, now: datetime
) -> None:
    assert maybe_claim(workflow, alice, now=now) is None
    case = claim(workflow, bob, now=now)
    assert (case.kind, case.blind) == (CaseKind.SECOND, True)


def test_two_readers_who_agree_make_the_label(
    first: Decision, workflow: Workflow, bob: User, now: datetime
) -> None:
    recorded = decide(claim(workflow, bob, now=now), bob, now=now)

    assert recorded.decision.blind
    assert recorded.resolution == Resolution(decision=first)
    assert labels_of(first.case.route) == [(1, first.label, "decision")]
    assert not Case.objects.filter(kind=CaseKind.ADJUDICATION).exists()


def test_two_readers_who_differ_need_an_adjudicator_whose_word_is_final(
    first: Decision,
    workflow: Workflow,
    bob: User,
    carol: User,
    alice: User,
    now: datetime,
) -> None:
    decide(claim(workflow, bob, now=now), bob, now=now, label=OTHER[first.label])
    assert labels_of(first.case.route) == []
    assert maybe_claim(workflow, alice, now=now) is None

    final = claim(workflow, carol, now=now, queues=[Queue.ADJUDICATION])
    decide(final, carol, now=now, label=OTHER[first.label])
    assert labels_of(first.case.route) == [(1, OTHER[first.label], "adjudication")]

    amend(first, alice, now=now)
    assert labels_of(first.case.route) == [(1, OTHER[first.label], "adjudication")]


def test_second_reader_who_cant_tell_needs_an_adjudicator(
    first: Decision, workflow: Workflow, bob: User, now: datetime
) -> None:
    decide_unsure(claim(workflow, bob, now=now), bob, now=now)

    assert Case.objects.get(kind=CaseKind.ADJUDICATION).status == CaseStatus.PENDING


def test_second_reader_who_escalates_needs_an_adjudicator(
    first: Decision, workflow: Workflow, bob: User, now: datetime
) -> None:
    case = claim(workflow, bob, now=now)
    escalate_case(
        case_id=case.pk, holder=bob, lease_token=token(case), reason="", now=now
    )

    assert Case.objects.get(kind=CaseKind.ADJUDICATION).status == CaseStatus.PENDING
    assert labels_of(first.case.route) == []


def test_undo_withdraws_the_second_opinion_and_it_comes_back(
    first: Decision, workflow: Workflow, alice: User, bob: User, now: datetime
) -> None:
    case = undo_decision(decision_id=first.pk, by=alice, now=now)
    assert Case.objects.get(kind=CaseKind.SECOND).status == CaseStatus.WITHDRAWN
    assert maybe_claim(workflow, bob, now=now) is None

    decide(case, alice, now=now)

    again = claim(workflow, bob, now=now)
    assert again.kind == CaseKind.SECOND
    assert again.excluded_reviewer == alice


def test_undo_is_refused_once_the_second_reader_has_begun(
    first: Decision, workflow: Workflow, alice: User, bob: User, now: datetime
) -> None:
    claim(workflow, bob, now=now)

    with pytest.raises(FollowUpTaken):
        undo_decision(decision_id=first.pk, by=alice, now=now)

    assert Case.objects.get(pk=first.case_id).status == CaseStatus.DECIDED
    assert Decision.objects.filter(retraction=None).get() == first


def test_undo_withdraws_a_snoozed_follow_up(
    first: Decision, workflow: Workflow, alice: User, bob: User, now: datetime
) -> None:
    case = claim(workflow, bob, now=now)
    snooze_case(
        case_id=case.pk,
        holder=bob,
        lease_token=token(case),
        until=now + timedelta(hours=1),
        reason="",
        now=now,
    )

    undo_decision(decision_id=first.pk, by=alice, now=now)

    case.refresh_from_db()
    assert (case.status, case.snoozed_until) == (CaseStatus.WITHDRAWN, None)


def test_second_reader_never_becomes_the_first_as_well(
    first: Decision, workflow: Workflow, alice: User, bob: User, now: datetime
) -> None:
    decide(claim(workflow, bob, now=now), bob, now=now)
    case = undo_decision(decision_id=first.pk, by=alice, now=now)
    release_case(case_id=case.pk, holder=alice, lease_token=token(case), now=now)

    assert maybe_claim(workflow, bob, now=now) is None
    assert claim(workflow, alice, now=now).pk == case.pk


def test_undo_by_the_second_reader_takes_the_label_back(
    first: Decision, workflow: Workflow, bob: User, now: datetime
) -> None:
    second = decide(claim(workflow, bob, now=now), bob, now=now).decision

    case = undo_decision(decision_id=second.pk, by=bob, now=now)

    assert labels_of(first.case.route) == [
        (1, first.label, "decision"),
        (2, "", "retracted"),
    ]
    assert Case.objects.filter(kind=CaseKind.SECOND).count() == 1
    decide(case, bob, now=now)
    assert labels_of(first.case.route)[2:] == [(3, first.label, "decision")]


def test_undo_by_the_adjudicator_takes_the_final_label_back(
    first: Decision, workflow: Workflow, bob: User, carol: User, now: datetime
) -> None:
    decide(claim(workflow, bob, now=now), bob, now=now, label=OTHER[first.label])
    final = claim(workflow, carol, now=now, queues=[Queue.ADJUDICATION])
    decision = decide(final, carol, now=now, label=first.label).decision

    case = undo_decision(decision_id=decision.pk, by=carol, now=now)

    assert labels_of(first.case.route) == [
        (1, first.label, "adjudication"),
        (2, "", "retracted"),
    ]
    assert (case.status, case.leased_by) == (CaseStatus.LEASED, carol)
    assert Case.objects.filter(kind=CaseKind.ADJUDICATION).count() == 1


def test_amend_into_agreement_withdraws_the_adjudication(
    first: Decision, workflow: Workflow, alice: User, bob: User, now: datetime
) -> None:
    decide(claim(workflow, bob, now=now), bob, now=now, label=OTHER[first.label])

    amend(first, alice, now=now)

    adjudication = Case.objects.get(kind=CaseKind.ADJUDICATION)
    assert adjudication.status == CaseStatus.WITHDRAWN
    assert labels_of(first.case.route) == [(1, OTHER[first.label], "decision")]


def _said(kind: CaseKind, label: str) -> Decision:
    verdict = Verdict.OVERRIDE if label else Verdict.UNSURE
    return Decision(case_kind=kind, verdict=verdict, label=label)


REVIEW, SECOND, FINAL = CaseKind.REVIEW, CaseKind.SECOND, CaseKind.ADJUDICATION


@pytest.mark.parametrize(
    ("said", "second_opinion", "is_escalated", "expected"),
    [
        ([], False, False, "nothing"),
        ([], True, False, "nothing"),
        ([], False, True, "adjudicate"),
        ([(REVIEW, "a")], False, False, "a"),
        ([(REVIEW, "")], False, False, "adjudicate"),
        ([(REVIEW, "a")], True, False, "second"),
        ([(REVIEW, "")], True, False, "adjudicate"),
        ([(REVIEW, "a"), (SECOND, "a")], True, False, "a"),
        ([(REVIEW, "a"), (SECOND, "b")], True, False, "adjudicate"),
        ([(REVIEW, "a"), (SECOND, "")], True, False, "adjudicate"),
        ([(SECOND, "a")], True, False, "nothing"),
        ([(REVIEW, "a")], True, True, "adjudicate"),
        ([(REVIEW, "a"), (SECOND, "b"), (FINAL, "b")], True, False, "b"),
        ([(REVIEW, ""), (FINAL, "b")], False, False, "b"),
        ([(FINAL, "b")], False, True, "b"),
        ([(REVIEW, ""), (FINAL, "")], False, False, "nothing"),
    ],
)
def test_resolve_applies_the_rule(
    said: list[tuple[CaseKind, str]],
    second_opinion: bool,
    is_escalated: bool,
    expected: str,
) -> None:
    decisions = [_said(kind, label) for kind, label in said]

    found = resolve(decisions, second_opinion=second_opinion, is_escalated=is_escalated)

    if found.decision:
        answer = found.decision.label
    elif found.needs_second:
        answer = "second"
    else:
        answer = "adjudicate" if found.needs_adjudication else "nothing"
    assert answer == expected
