"""What a holder does with a lease, and what its end does."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case
from reviewqueue.services.claims import (
    expire_leases,
    open_case,
    release_case,
    renew_lease,
)
from reviewqueue.services.leases import AlreadyDecided, LeaseLost
from tests.reviewqueue.services.steps import (
    LEASE,
    claim,
    decide,
    events_of,
    token,
)

pytestmark = pytest.mark.django_db


def test_renew_extends_from_now_and_notes_nothing(
    workflow: Workflow, queue: list[Case], alice: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    later = now + timedelta(seconds=200)

    renew_lease(case_id=case.pk, holder=alice, lease_token=token(case), now=later)

    assert Case.objects.get(pk=case.pk).lease_expires_at == later + LEASE
    assert len(events_of(case)) == 2


def test_renew_revives_an_expired_lease_that_nobody_took(
    workflow: Workflow, queue: list[Case], alice: User, bob: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    late = now + timedelta(seconds=900)

    renew_lease(case_id=case.pk, holder=alice, lease_token=token(case), now=late)

    assert claim(workflow, bob, now=late).pk != case.pk


def test_open_counts_time_from_the_first_look(
    workflow: Workflow, queue: list[Case], alice: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    seen = now + timedelta(seconds=30)
    for moment in (seen, seen + timedelta(seconds=9)):
        open_case(case_id=case.pk, holder=alice, lease_token=token(case), now=moment)

    stored = Case.objects.get(pk=case.pk)
    assert stored.opened_at == seen
    assert stored.lease_expires_at == seen + timedelta(seconds=9) + LEASE


def test_release_empties_the_lease(
    workflow: Workflow, queue: list[Case], alice: User, bob: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)

    release_case(case_id=case.pk, holder=alice, lease_token=token(case), now=now)

    stored = Case.objects.get(pk=case.pk)
    assert (stored.status, stored.leased_by, stored.lease_token) == (
        CaseStatus.PENDING,
        None,
        None,
    )
    assert claim(workflow, bob, now=now).pk == case.pk


@pytest.mark.parametrize("action", [renew_lease, open_case, release_case])
def test_a_holders_action_needs_the_token_the_person_and_the_lease(
    workflow: Workflow,
    queue: list[Case],
    alice: User,
    bob: User,
    now: datetime,
    action: object,
) -> None:
    assert callable(action)
    case = claim(workflow, alice, now=now)
    with pytest.raises(LeaseLost):
        action(case_id=case.pk, holder=alice, lease_token=uuid4(), now=now)
    with pytest.raises(LeaseLost):
        action(case_id=case.pk, holder=bob, lease_token=token(case), now=now)
    with pytest.raises(Case.DoesNotExist):
        action(case_id=uuid4(), holder=alice, lease_token=token(case), now=now)

    decide(case, alice, now=now)
    with pytest.raises(AlreadyDecided):
        action(case_id=case.pk, holder=alice, lease_token=token(case), now=now)


def test_expire_returns_only_what_has_expired(
    workflow: Workflow, queue: list[Case], alice: User, bob: User, now: datetime
) -> None:
    old = claim(workflow, alice, now=now)
    young = claim(workflow, bob, now=now + timedelta(seconds=1))

    assert expire_leases(now=now + LEASE) == 1

    assert Case.objects.get(pk=old.pk).status == CaseStatus.PENDING
    assert Case.objects.get(pk=young.pk).status == CaseStatus.LEASED
    assert events_of(old)[-1] == ("expired", "leased", "pending")
    assert expire_leases(now=now + LEASE) == 0


def test_expire_takes_the_oldest_up_to_its_limit(
    workflow: Workflow, queue: list[Case], alice: User, now: datetime
) -> None:
    held = [
        claim(workflow, alice, now=now + timedelta(seconds=second))
        for second in range(3)
    ]

    assert expire_leases(now=now + 2 * LEASE, limit=2) == 2

    statuses = [Case.objects.get(pk=case.pk).status for case in held]
    assert statuses == ["pending", "pending", "leased"]
