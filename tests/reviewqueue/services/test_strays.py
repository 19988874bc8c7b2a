"""What people hold or have reserved when they are moved to other sites."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from django.test import Client

from accounts.enums import Role
from accounts.models import Scope, User
from accounts.services_sites import limit_to_sites
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case, CaseEvent, Decision
from reviewqueue.services.assignments import assign_case
from reviewqueue.services.strays import REASON, return_strays
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.reviewqueue.services.site_steps import cases_at, limited, make_sites
from tests.reviewqueue.services.steps import claim, maybe_claim

FAR = datetime(2099, 1, 1, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("champion")]


def test_who_is_limited_to_a_site_decides_nothing_of_no_site(
    workflow: Workflow, bob: User, now: datetime
) -> None:
    [north] = make_sites(workflow, "north", now=now)
    cases_at(workflow, [None], now=now)
    case = claim(workflow, bob, now=now)
    limit_to_sites(user=bob, scope=workflow.scope, sites=[north], actor=None, now=now)
    key = ApiKeyFactory.create(owner=bob, scope=Scope.objects.get(pk=workflow.pk))

    answer = Client().post(
        f"/api/v1/cases/{case.pk}/decision",
        data=orjson.dumps({"lease_token": str(case.lease_token), "label": "fraud"}),
        content_type="application/json",
        headers=bearer(key),
    )

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("lease-lost")
    assert not Decision.objects.exists()


def test_who_is_moved_works_at_the_new_site_at_once(
    workflow: Workflow, now: datetime
) -> None:
    n_leases = workflow.declaration.queue.max_leases
    a, b = make_sites(workflow, "a", "b", now=now)
    *_, elsewhere = cases_at(workflow, [*[a] * (n_leases + 1), b], now=now)
    Case.objects.filter(pk=elsewhere.pk).update(priority=-1)
    person = limited(workflow, "lim", a, roles=[Role.REVIEWER])
    for _ in range(n_leases):
        assert maybe_claim(workflow, person, now=now) is not None
    # the page's clock is the real one
    Case.objects.filter(leased_by=person).update(lease_expires_at=FAR)
    limit_to_sites(user=person, scope=workflow.scope, sites=[b], actor=None, now=now)
    client = Client()
    client.force_login(person)

    page = client.get(f"/w/{workflow.slug}/review/")

    assert page.status_code == 200
    held = Case.objects.filter(leased_by=person, status=CaseStatus.LEASED)
    assert list(held) == [elsewhere]


def test_what_was_held_or_reserved_goes_on_to_others(
    workflow: Workflow, champion: ModelVersion, alice: User, sam: User, now: datetime
) -> None:
    a, b = make_sites(workflow, "a", "b", now=now)
    person = limited(workflow, "lim", a, b, roles=[Role.REVIEWER])
    held, reserved, own = cases_at(workflow, [a, a, b], now=now)
    for case in (held, reserved, own):
        assign_case(case=case, to=person, supervisor=sam, reason="r", now=now)
    Case.objects.filter(pk=held.pk).update(priority=1)
    assert maybe_claim(workflow, person, now=now) == held
    limit_to_sites(user=person, scope=workflow.scope, sites=[b], actor=None, now=now)

    assert return_strays(now=now) == 2
    assert return_strays(now=now) == 0

    told = CaseEvent.objects.filter(reason=REASON).order_by("id")
    assert [(one.kind, one.actor) for one in told] == [
        ("released", None),
        ("reassigned", None),
        ("reassigned", None),
    ]
    later = now + timedelta(minutes=1)
    found = {claim(workflow, alice, now=later).pk for _ in range(2)}
    assert found == {held.pk, reserved.pk}
    assert maybe_claim(workflow, person, now=later) == own


def test_people_without_a_limit_and_site_admins_keep_what_they_have(
    workflow: Workflow, alice: User, sam: User, now: datetime
) -> None:
    [north] = make_sites(workflow, "north", now=now)
    first, second, third = cases_at(workflow, [north, None, north], now=now)
    admin = limited(workflow, "admin", roles=[Role.REVIEWER])
    admin.is_superuser = True
    admin.save()
    kept = limited(workflow, "lim", north, roles=[Role.REVIEWER])
    for case, person in ((first, alice), (second, admin), (third, kept)):
        assign_case(case=case, to=person, supervisor=sam, reason="r", now=now)

    assert return_strays(now=now) == 0
