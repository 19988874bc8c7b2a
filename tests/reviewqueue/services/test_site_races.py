"""Real threads of people who are limited to sites: nothing is shared, lost or kept."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import pytest

from accounts.enums import Role
from accounts.models import User
from accounts.services_sites import limit_to_sites
from predictions.models import Workflow
from reviewqueue.enums import CaseStatus, Queue
from reviewqueue.models import Case, Decision
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.leases import LeaseLost
from tests.reviewqueue.services.site_steps import cases_at, limited, make_sites
from tests.reviewqueue.services.steps import decide
from tests.reviewqueue.services.test_races import at_once, count

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_people_of_overlapping_sites_empty_their_queues_once(
    workflow: Workflow, now: datetime
) -> None:
    sites = make_sites(workflow, "a", "b", "c", now=now)
    cases_at(workflow, [sites[n % 3] for n in range(36)], now=now)
    # Two sites each, in a ring: every site is shared by four of the six.
    limits = [(sites[n % 3], sites[(n + 1) % 3]) for n in range(6)]
    people = [
        limited(workflow, f"person-{n}", *own, roles=[Role.REVIEWER])
        for n, own in enumerate(limits)
    ]

    def worker(person: User, own: frozenset[UUID]) -> Callable[[], list[UUID]]:
        def work() -> list[UUID]:
            done: list[UUID] = []
            while case := claim_next_case(
                workflow=workflow,
                reviewer=person,
                queues=[Queue.REVIEW],
                now=now,
                sites=own,
            ):
                assert case.site_id in own
                decide(case, person, now=now, label="fraud")
                done.append(case.pk)
            return done

        return work

    results = at_once(
        *(
            worker(person, frozenset(site.pk for site in own))
            for person, own in zip(people, limits, strict=True)
        )
    )

    decided = [pk for one in results if isinstance(one, list) for pk in one]
    assert len(decided) == len(set(decided)) == 36
    assert not Case.objects.exclude(status=CaseStatus.DECIDED).exists()


def test_decision_and_the_loss_of_the_site_come_one_after_the_other(
    workflow: Workflow, now: datetime
) -> None:
    a, b = make_sites(workflow, "a", "b", now=now)
    cases_at(workflow, [a], now=now)
    alice = limited(workflow, "alice", a, roles=[Role.REVIEWER])
    case = claim_next_case(
        workflow=workflow,
        reviewer=alice,
        queues=[Queue.REVIEW],
        now=now,
        sites=frozenset({a.pk}),
    )
    assert case is not None

    results = at_once(
        lambda: decide(case, alice, now=now, label="fraud"),
        lambda: limit_to_sites(
            user=alice, scope=workflow.scope, sites=[b], actor=None, now=now
        ),
    )

    # Either it stands, or it was refused: never half of it.
    n_lost = count(results, LeaseLost)
    assert Decision.objects.count() == 1 - n_lost
    case.refresh_from_db()
    assert (case.status == CaseStatus.DECIDED) == (n_lost == 0)
