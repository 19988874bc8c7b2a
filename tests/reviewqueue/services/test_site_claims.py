"""Whoever is limited to sites gets the cases of these, and only as long as they are."""

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest

from accounts.enums import Role
from accounts.models import Site, User
from accounts.services_sites import limit_to_sites
from accounts.sites import Sites
from predictions.models import Workflow
from reviewqueue.enums import CaseStatus, Queue
from reviewqueue.models import Case, CaseSkip
from reviewqueue.queries.queue_state import count_waiting, queue_state
from reviewqueue.services.assignments import AssignmentRefused, assign_case
from reviewqueue.services.claims import claim_next_case, expire_leases, renew_lease
from reviewqueue.services.leases import LeaseLost
from tests.reviewqueue.services.site_steps import cases_at, limited, make_sites
from tests.reviewqueue.services.steps import LEASE, decide, token

pytestmark = pytest.mark.django_db


@pytest.fixture
def sites(workflow: Workflow, now: datetime) -> list[Site]:
    return make_sites(workflow, "a", "b", "c", now=now)


def claim_at(
    workflow: Workflow, person: User, sites: Sites, *, now: datetime
) -> Case | None:
    return claim_next_case(
        workflow=workflow,
        reviewer=person,
        queues=[Queue.REVIEW],
        now=now,
        sites=sites,
    )


def of(sites: Collection[Site]) -> Sites:
    return frozenset(one.pk for one in sites)


def prioritise(*cases: Case) -> None:
    for priority, case in enumerate(reversed(cases), start=1):
        Case.objects.filter(pk=case.pk).update(priority=priority)


def test_claims_only_of_the_own_sites_in_the_order_of_the_whole(
    workflow: Workflow, sites: list[Site], bob: User, now: datetime
) -> None:
    a, b, c = sites
    cases = cases_at(workflow, [c, a, b, None, a, b], now=now)
    prioritise(*cases)
    alice = limited(workflow, "alice", a, b, roles=[Role.REVIEWER])

    got = []
    while case := claim_at(workflow, alice, of([a, b]), now=now):
        got.append(case.pk)
        decide(case, alice, now=now, label="fraud")

    assert got == [cases[i].pk for i in (1, 2, 4, 5)]
    assert claim_at(workflow, alice, frozenset(), now=now) is None
    left = claim_at(workflow, bob, None, now=now)
    assert left is not None
    assert left.pk == cases[0].pk


def test_expired_lease_is_taken_in_its_place_of_the_order(
    workflow: Workflow, sites: list[Site], bob: User, now: datetime
) -> None:
    a, b, _ = sites
    cases = cases_at(workflow, [a, b], now=now)
    prioritise(*cases)
    alice = limited(workflow, "alice", a, b, roles=[Role.REVIEWER])
    claim_at(workflow, alice, of([a, b]), now=now)

    second = claim_at(workflow, bob, of([a, b]), now=now)
    later = now + LEASE + timedelta(seconds=1)
    first = claim_at(workflow, bob, of([a, b]), now=later)

    assert second is not None
    assert first is not None
    assert (second.pk, first.pk) == (cases[1].pk, cases[0].pk)


def test_skipped_excluded_and_reserved_cases_stay_what_they_are(
    workflow: Workflow, sites: list[Site], bob: User, now: datetime
) -> None:
    a = sites[0]
    cases = cases_at(workflow, [a, a, a, a], now=now)
    prioritise(*cases)
    alice = limited(workflow, "alice", a, roles=[Role.REVIEWER])
    CaseSkip.objects.create(case=cases[0], reviewer=alice, at=now)
    Case.objects.filter(pk=cases[1].pk).update(excluded_reviewer=alice)
    Case.objects.filter(pk=cases[2].pk).update(assigned_to=bob)
    assert (got := claim_at(workflow, alice, of([a]), now=now)) is not None
    assert got.pk == cases[3].pk
    assert claim_at(workflow, alice, of([a]), now=now) is None

    # What is reserved for her comes first, at her sites alone.
    Case.objects.filter(pk=cases[2].pk).update(assigned_to=alice)
    assert claim_at(workflow, alice, of(sites[1:]), now=now) is None
    assert (own := claim_at(workflow, alice, of([a]), now=now)) is not None
    assert own.pk == cases[2].pk


def test_empty_queue_counts_nothing_of_other_sites(
    workflow: Workflow, sites: list[Site], bob: User, now: datetime
) -> None:
    a, b, _ = sites
    cases_at(workflow, [a, a, None], now=now)
    claim_at(workflow, bob, None, now=now)
    alice = limited(workflow, "alice", b, roles=[Role.REVIEWER])

    state = queue_state(
        workflow=workflow,
        reviewer=alice,
        queues=[Queue.REVIEW],
        now=now,
        sites=of([b]),
    )

    assert (state.reason, state.n_held, state.n_scoring) == ("no-items", 0, 0)
    assert count_waiting(workflow, [Queue.REVIEW], of([b])) == 0
    assert count_waiting(workflow, [Queue.REVIEW]) == 2


def test_site_taken_away_between_claim_and_decision_loses_the_lease(
    workflow: Workflow, sites: list[Site], bob: User, now: datetime
) -> None:
    a, b, _ = sites
    cases_at(workflow, [a], now=now)
    alice = limited(workflow, "alice", a, b, roles=[Role.REVIEWER])
    case = claim_at(workflow, alice, of([a, b]), now=now)
    assert case is not None

    limit_to_sites(user=alice, scope=workflow.scope, sites=[b], actor=None, now=now)

    for act in (
        lambda: decide(case, alice, now=now, label="fraud"),
        lambda: renew_lease(
            case_id=case.pk, holder=alice, lease_token=token(case), now=now
        ),
    ):
        with pytest.raises(LeaseLost, match="site"):
            act()
    case.refresh_from_db()
    assert case.status == CaseStatus.LEASED
    # It comes back when the lease ends, and others go on with it.
    expire_leases(now=now + LEASE + timedelta(seconds=1))
    assert claim_at(workflow, bob, None, now=now) == case


def test_case_is_reserved_only_for_who_may_see_its_site(
    workflow: Workflow, sites: list[Site], bob: User, sam: User, now: datetime
) -> None:
    a, b, _ = sites
    [case] = cases_at(workflow, [a], now=now)
    alice = limited(workflow, "alice", b, roles=[Role.REVIEWER])

    with pytest.raises(AssignmentRefused, match="other sites"):
        assign_case(case=case, to=alice, supervisor=sam, reason="", now=now)

    assert (
        assign_case(case=case, to=bob, supervisor=sam, reason="", now=now).assigned_to
        == bob
    )


def test_follow_ups_and_decisions_carry_the_site(
    workflow: Workflow, sites: list[Site], bob: User, now: datetime
) -> None:
    [case] = cases_at(workflow, [sites[0]], now=now)
    held = claim_at(workflow, bob, None, now=now)
    assert held is not None
    decide(held, bob, now=now, label="fraud")

    case.refresh_from_db()
    assert case.site == case.route.site == case.item.site == sites[0]
    assert case.decisions.get().site == sites[0]
