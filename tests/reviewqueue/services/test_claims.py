from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseStatus, Queue
from reviewqueue.models import Case, CaseEvent, CaseSkip
from reviewqueue.services import claims
from reviewqueue.services.assignments import assign_case
from reviewqueue.services.claim_statements import CLAIM_FREE
from reviewqueue.services.claims import (
    TooManyLeases,
    release_case,
    skip_case,
    snooze_case,
)
from tests.reviewqueue.services.steps import (
    LEASE,
    claim,
    events_of,
    maybe_claim,
    open_cases,
    token,
)

pytestmark = pytest.mark.django_db


def test_claim_leases_for_the_declared_time(
    workflow: Workflow, queue: list[Case], alice: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)

    stored = Case.objects.get(pk=case.pk)
    assert stored.status == CaseStatus.LEASED
    assert stored.leased_by == alice
    assert stored.lease_token == case.lease_token
    assert (stored.lease_slot, stored.leased_at) == (1, now)
    assert stored.lease_expires_at == now + LEASE
    assert stored.opened_at is None
    assert events_of(case) == [
        ("opened", "", "pending"),
        ("claimed", "pending", "leased"),
    ]


def test_claim_takes_priority_then_due_then_id(
    workflow: Workflow, queue: list[Case], alice: User, bob: User, now: datetime
) -> None:
    a, b, c, d = queue
    for case, priority, due in ((a, 1, 9), (b, 2, 8), (c, 2, 7), (d, 2, 7)):
        Case.objects.filter(pk=case.pk).update(
            priority=priority, due_at=now + timedelta(hours=due)
        )
    tied = sorted((c, d), key=lambda case: case.pk)

    taken = [claim(workflow, alice, now=now) for _ in range(3)]
    taken.append(claim(workflow, bob, now=now))

    assert [case.pk for case in taken] == [tied[0].pk, tied[1].pk, b.pk, a.pk]


def test_claim_of_an_empty_queue_is_none(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    assert maybe_claim(workflow, alice, now=now) is None
    assert not CaseEvent.objects.exists()


def test_claim_refuses_one_more_than_the_slots(
    workflow: Workflow, queue: list[Case], alice: User, now: datetime
) -> None:
    held = [claim(workflow, alice, now=now) for _ in range(3)]
    assert [case.lease_slot for case in held] == [1, 2, 3]

    with pytest.raises(TooManyLeases, match="You hold 3 cases") as refused:
        maybe_claim(workflow, alice, now=now)

    assert refused.value.limit == 3
    assert Case.objects.filter(status=CaseStatus.PENDING).count() == 1


def test_claim_fills_the_lowest_free_slot(
    workflow: Workflow, queue: list[Case], alice: User, now: datetime
) -> None:
    first, _ = claim(workflow, alice, now=now), claim(workflow, alice, now=now)
    release_case(case_id=first.pk, holder=alice, lease_token=token(first), now=now)

    assert claim(workflow, alice, now=now).lease_slot == 1


def test_claim_frees_ones_own_expired_leases(
    workflow: Workflow, queue: list[Case], alice: User, now: datetime
) -> None:
    for _ in range(3):
        claim(workflow, alice, now=now)
    later = now + LEASE

    case = claim(workflow, alice, now=later)

    assert case.lease_slot == 1
    assert Case.objects.filter(status=CaseStatus.LEASED).count() == 1
    assert CaseEvent.objects.filter(kind="expired", actor=None).count() == 3


def test_claim_takes_an_expired_lease_in_its_place_of_the_order(
    workflow: Workflow, queue: list[Case], alice: User, bob: User, now: datetime
) -> None:
    first = claim(workflow, alice, now=now)

    just_before = maybe_claim(workflow, bob, now=now + LEASE - timedelta(seconds=1))
    at_expiry = claim(workflow, bob, now=now + LEASE)

    assert just_before is not None
    assert just_before.pk == queue[1].pk
    assert at_expiry.pk == first.pk
    assert at_expiry.leased_by == bob
    assert at_expiry.lease_token != first.lease_token
    assert events_of(first)[-1] == ("claimed", "leased", "leased")


def test_claim_never_offers_a_skipped_case_again(
    workflow: Workflow, queue: list[Case], alice: User, bob: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    skip_case(
        case_id=case.pk,
        holder=alice,
        lease_token=token(case),
        reason="my neighbour",
        now=now,
    )

    assert claim(workflow, alice, now=now).pk != case.pk
    assert claim(workflow, bob, now=now).pk == case.pk
    assert CaseSkip.objects.get().reason == "my neighbour"
    assert events_of(case)[2] == ("skipped", "leased", "pending")


def test_claim_prefers_what_is_assigned_to_the_person(
    workflow: Workflow,
    queue: list[Case],
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    last = queue[-1]
    assign_case(case=last, to=bob, supervisor=sam, reason="knows it", now=now)

    assert [claim(workflow, alice, now=now).pk for _ in range(3)] == [
        case.pk for case in queue[:3]
    ]
    assert claim(workflow, bob, now=now).pk == last.pk
    assert maybe_claim(workflow, bob, now=now) is None


def test_claim_tries_the_queues_in_order(
    workflow: Workflow, queue: list[Case], carol: User, now: datetime
) -> None:
    Case.objects.filter(pk=queue[-1].pk).update(
        queue=Queue.ADJUDICATION, kind="adjudication"
    )

    both = (Queue.ADJUDICATION, Queue.REVIEW)
    assert claim(workflow, carol, now=now, queues=both).pk == queue[-1].pk
    assert claim(workflow, carol, now=now, queues=both).pk == queue[0].pk


def test_claim_stays_within_the_workflow(
    workflow: Workflow, queue: list[Case], alice: User, now: datetime
) -> None:
    from tests.factories.predictions import make_workflow  # noqa: PLC0415 -- one test

    other = make_workflow(now=now, slug="other", name="Other")

    assert maybe_claim(other, alice, now=now) is None


def test_claim_wakes_what_was_snoozed(
    workflow: Workflow, queue: list[Case], alice: User, bob: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    until = now + timedelta(hours=1)
    snooze_case(
        case_id=case.pk,
        holder=alice,
        lease_token=token(case),
        until=until,
        reason="waiting for a call",
        now=now,
    )
    assert Case.objects.get(pk=case.pk).snoozed_until == until
    assert claim(workflow, bob, now=until - timedelta(seconds=1)).pk != case.pk

    assert claim(workflow, bob, now=until).pk == case.pk
    assert events_of(case)[2:] == [
        ("snoozed", "leased", "snoozed"),
        ("woken", "snoozed", "pending"),
        ("claimed", "pending", "leased"),
    ]


def test_waking_a_hundred_costs_a_bounded_number_of_queries(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    now: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    open_cases(workflow, 60, now=now)
    until = now + timedelta(hours=1)
    Case.objects.update(status=CaseStatus.SNOOZED, snoozed_until=until)

    with django_assert_max_num_queries(20):
        claim(workflow, alice, now=until)

    assert CaseEvent.objects.filter(kind="woken").count() == 60


def test_snooze_refuses_the_past(
    workflow: Workflow, queue: list[Case], alice: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    with pytest.raises(ValueError, match="in the future"):
        snooze_case(
            case_id=case.pk,
            holder=alice,
            lease_token=token(case),
            until=now,
            reason="",
            now=now,
        )


def test_claim_gives_up_when_the_slots_stay_taken(
    workflow: Workflow,
    queue: list[Case],
    alice: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim(workflow, alice, now=now)
    always_first = tuple(one.replace("min(slot)", "min(1)") for one in CLAIM_FREE)
    monkeypatch.setattr(claims, "CLAIM_FREE", always_first)

    with pytest.raises(TooManyLeases):
        maybe_claim(workflow, alice, now=now)
