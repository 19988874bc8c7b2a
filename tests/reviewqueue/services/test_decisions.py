from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseStatus, Queue, Verdict
from reviewqueue.models import Case, CaseEvent, CaseNote, Decision, Label, Retraction
from reviewqueue.services.claims import expire_leases
from reviewqueue.services.decisions import (
    AmendRefused,
    InvalidDecision,
    Judgement,
    UndoRefused,
    add_note,
    amend_decision,
    escalate_case,
    record_decision,
    undo_decision,
)
from reviewqueue.services.leases import AlreadyDecided, LeaseLost
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import (
    OTHER,
    claim,
    decide,
    decide_unsure,
    events_of,
    labels_of,
    maybe_claim,
    open_cases,
    token,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Case:
    open_cases(workflow, 2, now=now)
    return claim(workflow, alice, now=now)


def test_decision_keeps_what_was_shown_and_when(
    held: Case, champion: ModelVersion, alice: User, now: datetime
) -> None:
    later = now + timedelta(seconds=20)

    recorded = decide(held, alice, now=later)

    route = held.route
    stored = Decision.objects.get(pk=recorded.decision.pk)
    assert stored.verdict == Verdict.CONFIRM
    assert (stored.label, stored.recommended_label) == (route.label, route.label)
    assert stored.probability == route.probability
    assert stored.model_version == champion
    assert (stored.round, stored.case_kind, stored.blind) == (1, "review", False)
    assert (stored.claimed_at, stored.opened_at, stored.decided_at) == (
        now,
        now,
        later,
    )
    case = Case.objects.get(pk=held.pk)
    assert (case.status, case.closed_at, case.lease_token) == (
        CaseStatus.DECIDED,
        later,
        None,
    )
    assert events_of(held)[-1] == ("decided", "leased", "decided")
    assert labels_of(route) == [(1, route.label, "decision")]


def test_override_names_the_other_label(held: Case, alice: User, now: datetime) -> None:
    recorded = decide(held, alice, now=now, label=OTHER[held.route.label])

    assert recorded.decision.verdict == Verdict.OVERRIDE
    assert labels_of(held.route) == [(1, OTHER[held.route.label], "decision")]


def test_stale_token_never_decides(
    workflow: Workflow, held: Case, alice: User, bob: User, now: datetime
) -> None:
    later = now + timedelta(seconds=300)
    taken = claim(workflow, bob, now=later)
    assert taken.pk == held.pk

    with pytest.raises(LeaseLost, match="no longer yours"):
        decide(held, alice, now=later)

    assert not Decision.objects.exists()
    decide(taken, bob, now=later)
    assert Decision.objects.get().reviewer == bob


def test_old_token_of_the_same_person_never_decides(
    workflow: Workflow, held: Case, alice: User, now: datetime
) -> None:
    later = now + timedelta(seconds=300)
    assert claim(workflow, alice, now=later).pk == held.pk

    with pytest.raises(LeaseLost):
        decide(held, alice, now=later)


def test_anothers_token_never_decides(
    held: Case, alice: User, bob: User, now: datetime
) -> None:
    with pytest.raises(LeaseLost):
        decide(held, bob, now=now)


def test_decision_on_an_expired_lease_that_nobody_took_stands(
    held: Case, alice: User, now: datetime
) -> None:
    decide(held, alice, now=now + timedelta(hours=2))

    assert Decision.objects.get().decided_at == now + timedelta(hours=2)


def test_decision_after_the_sweep_took_the_lease_is_refused(
    held: Case, alice: User, now: datetime
) -> None:
    expire_leases(now=now + timedelta(hours=2))

    with pytest.raises(LeaseLost):
        decide(held, alice, now=now + timedelta(hours=2))


def test_double_submit_decides_once(held: Case, alice: User, now: datetime) -> None:
    decide(held, alice, now=now)

    with pytest.raises(AlreadyDecided):
        decide(held, alice, now=now)

    assert Decision.objects.count() == 1
    assert labels_of(held.route) == [(1, held.route.label, "decision")]


@pytest.mark.parametrize(
    ("judgement", "field", "rule"),
    [
        (Judgement(verdict="maybe", label="fraud"), "verdict", "value"),
        (Judgement(label="stolen"), "label", "value"),
        (Judgement(label="fraud", reason_code="mood"), "reason_code", "value"),
        (Judgement(label="fraud", note="x" * 4001), "note", "too_long"),
        (Judgement(), "label", "missing"),
        (Judgement(verdict="override"), "label", "missing"),
        (Judgement(verdict="override", label="legitimate"), "label", "override"),
        (Judgement(verdict="confirm", label="fraud"), "label", "confirm"),
        (Judgement(verdict="unsure", label="fraud"), "label", "not_allowed"),
    ],
)
def test_invalid_judgement_names_field_and_rule_and_writes_nothing(
    held: Case,
    alice: User,
    now: datetime,
    judgement: Judgement,
    field: str,
    rule: str,
) -> None:
    assert held.route.label == "legitimate"
    with pytest.raises(InvalidDecision) as refused:
        record_decision(
            case_id=held.pk,
            reviewer=alice,
            lease_token=token(held),
            judgement=judgement,
            now=now,
        )

    assert [(e.field, e.rule) for e in refused.value.errors] == [(field, rule)]
    assert not Decision.objects.exists()
    decide(held, alice, now=now)


def test_confirm_without_a_recommendation_asks_for_the_label(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    with pytest.raises(InvalidDecision, match="label: missing"):
        record_decision(
            case_id=case.pk,
            reviewer=alice,
            lease_token=token(case),
            judgement=Judgement(verdict="confirm"),
            now=now,
        )

    recorded = decide(case, alice, now=now, label="fraud")
    assert (recorded.decision.verdict, recorded.decision.recommended_label) == (
        "override",
        "",
    )


@pytest.mark.parametrize("verdict", ["", "confirm", "override"])
def test_blind_verdict_follows_from_the_label_alone(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    now: datetime,
    verdict: str,
) -> None:
    set_policy(workflow, now=now, blind_share=1.0)
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    assert case.blind
    with pytest.raises(InvalidDecision, match="label: missing"):
        record_decision(
            case_id=case.pk,
            reviewer=alice,
            lease_token=token(case),
            judgement=Judgement(verdict="confirm"),
            now=now,
        )

    recorded = record_decision(
        case_id=case.pk,
        reviewer=alice,
        lease_token=token(case),
        judgement=Judgement(verdict=verdict, label=case.route.label),
        now=now,
    )

    assert recorded.decision.verdict == Verdict.CONFIRM
    assert recorded.decision.blind


def test_unsure_makes_no_label_and_asks_an_adjudicator(
    workflow: Workflow, held: Case, alice: User, carol: User, now: datetime
) -> None:
    recorded = decide_unsure(held, alice, now=now)

    assert recorded.resolution.needs_adjudication
    assert labels_of(held.route) == []
    case = claim(workflow, carol, now=now, queues=[Queue.ADJUDICATION])
    assert (case.item_id, case.kind, case.blind) == (
        held.item_id,
        "adjudication",
        False,
    )


def test_escalation_asks_an_adjudicator_without_a_judgement(
    workflow: Workflow, held: Case, alice: User, carol: User, now: datetime
) -> None:
    escalate_case(
        case_id=held.pk,
        holder=alice,
        lease_token=token(held),
        reason="a minister's card",
        now=now,
    )

    assert not Decision.objects.exists()
    assert Case.objects.get(pk=held.pk).status == CaseStatus.ESCALATED
    event = CaseEvent.objects.get(kind="escalated")
    assert (event.reason, event.to_status) == ("a minister's card", "escalated")
    with pytest.raises(LeaseLost):
        decide(held, alice, now=now)
    final = claim(workflow, carol, now=now, queues=[Queue.ADJUDICATION])
    decide(final, carol, now=now, label="fraud")
    assert labels_of(held.route) == [(1, "fraud", "adjudication")]


def test_adjudicator_cannot_escalate(
    workflow: Workflow, held: Case, alice: User, carol: User, now: datetime
) -> None:
    decide_unsure(held, alice, now=now)
    case = claim(workflow, carol, now=now, queues=[Queue.ADJUDICATION])

    with pytest.raises(InvalidDecision, match="case: nobody_above"):
        escalate_case(
            case_id=case.pk, holder=carol, lease_token=token(case), reason="", now=now
        )

    assert Case.objects.get(pk=case.pk).status == CaseStatus.LEASED


def test_adjudicators_cant_tell_ends_without_a_label(
    workflow: Workflow, held: Case, alice: User, carol: User, now: datetime
) -> None:
    decide_unsure(held, alice, now=now)
    case = claim(workflow, carol, now=now, queues=[Queue.ADJUDICATION])

    decide_unsure(case, carol, now=now)

    assert labels_of(held.route) == []
    assert maybe_claim(workflow, carol, now=now, queues=[Queue.ADJUDICATION]) is None


# --- undo -------------------------------------------------------------------------


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


# --- amend ------------------------------------------------------------------------


def test_amend_replaces_with_a_reason_and_keeps_the_old_row(
    held: Case, alice: User, now: datetime
) -> None:
    first = decide(held, alice, now=now).decision
    later = now + timedelta(days=3)

    amended = amend_decision(
        decision_id=first.pk,
        by=alice,
        may_amend_others=False,
        judgement=Judgement(label=OTHER[held.route.label]),
        reason="the customer called",
        now=later,
    ).decision

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

    def amend(reason: str) -> None:
        amend_decision(
            decision_id=first.pk,
            by=alice,
            may_amend_others=False,
            judgement=Judgement(label="fraud"),
            reason=reason,
            now=now,
        )

    with pytest.raises(InvalidDecision, match="reason: missing"):
        amend("  ")
    amend("right")
    with pytest.raises(AmendRefused, match="already"):
        amend("again")


def test_amend_of_anothers_decision_needs_the_right_to(
    held: Case, alice: User, sam: User, now: datetime
) -> None:
    first = decide(held, alice, now=now).decision

    def amend(*, may_amend_others: bool) -> Decision:
        return amend_decision(
            decision_id=first.pk,
            by=sam,
            may_amend_others=may_amend_others,
            judgement=Judgement(label="fraud"),
            reason="checked with the bank",
            now=now,
        ).decision

    with pytest.raises(Decision.DoesNotExist):
        amend(may_amend_others=False)
    assert amend(may_amend_others=True).reviewer == sam


def test_amended_blind_decision_is_no_blind_evidence(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    set_policy(workflow, now=now, blind_share=1.0)
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    first = decide(case, alice, now=now).decision

    amended = amend_decision(
        decision_id=first.pk,
        by=alice,
        may_amend_others=False,
        judgement=Judgement(label=OTHER[case.route.label]),
        reason="misread",
        now=now,
    ).decision

    assert (first.blind, amended.blind) == (True, False)


def test_notes_are_kept_and_checked(held: Case, alice: User, now: datetime) -> None:
    add_note(case=held, author=alice, text="called them", now=now)

    for text in ("   ", "x" * 4001):
        with pytest.raises(InvalidDecision):
            add_note(case=held, author=alice, text=text, now=now)
    assert CaseNote.objects.get().text == "called them"


def test_decision_costs_a_fixed_number_of_queries(
    held: Case,
    alice: User,
    now: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(11):
        decide(held, alice, now=now)
    assert Label.objects.count() == 1
