from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseStatus, Queue, Verdict
from reviewqueue.models import Case, CaseEvent, CaseNote, Decision, Label
from reviewqueue.services.claims import expire_leases
from reviewqueue.services.decisions import add_note, escalate_case
from reviewqueue.services.judging import InvalidDecision, Judgement
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
    record,
    token,
)

pytestmark = pytest.mark.django_db


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
        record(held, alice, judgement, now=now)

    assert [(e.field, e.rule) for e in refused.value.errors] == [(field, rule)]
    assert not Decision.objects.exists()
    decide(held, alice, now=now)


def test_confirm_without_a_recommendation_asks_for_the_label(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    with pytest.raises(InvalidDecision, match="label: missing"):
        record(case, alice, Judgement(verdict="confirm"), now=now)

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
        record(case, alice, Judgement(verdict="confirm"), now=now)

    recorded = record(
        case, alice, Judgement(verdict=verdict, label=case.route.label), now=now
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
