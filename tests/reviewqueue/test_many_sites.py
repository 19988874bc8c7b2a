"""200 sites and 1,000 people: nobody meets anything of another's."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.enums import Role
from accounts.models import Membership, Scope, Site, User
from accounts.permissions import Actor
from accounts.services_sites import declare_sites
from accounts.sites import within_sites
from predictions.models import Item
from reviewqueue.enums import Queue, RouteKind
from reviewqueue.models import Case, Decision
from reviewqueue.queries.lists import filtered_cases, filtered_decisions, filtered_items
from reviewqueue.queries.metrics import workflow_metrics
from reviewqueue.queries.queue_state import count_waiting
from reviewqueue.queries.tallies import Days, Narrowing
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.tallies import merge_tallies, recount
from tests.access_world import undone
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.factories.predictions import make_workflow, raw_item, store
from tests.reviewqueue.services.steps import decide

N_SITES, N_PEOPLE, N_ITEMS = 200, 1_000, 600
ROLES = (Role.REVIEWER, Role.SUPERVISOR)

pytestmark = pytest.mark.django_db


class World:
    """Three items a site, five people a site, of whom one has a second site.

    Every tenth person is a supervisor as well.
    """

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.workflow = make_workflow(now=self.now)
        names = {f"s{n:03}": f"Site {n:03}" for n in range(N_SITES)}
        scope = Scope.objects.get(pk=self.workflow.pk)
        self.sites = declare_sites(scope=scope, names=names, actor=None, now=self.now)
        self._items()
        self._people()

    def _items(self) -> None:
        rows = [
            raw_item(n, now=self.now)
            | {"external_id": f"{self.sites[n % N_SITES].key}-{n}"}
            | {"site": self.sites[n % N_SITES].key}
            for n in range(N_ITEMS)
        ]
        store(self.workflow, rows, now=self.now)
        process_batch(workflow=self.workflow, limit=N_ITEMS, now=self.now)

    def _people(self) -> None:
        self.people = User.objects.bulk_create(
            User(username=f"person-{n}", password="!") for n in range(N_PEOPLE)
        )
        self.limits: dict[User, list[Site]] = {}
        rows = []
        for n, person in enumerate(self.people):
            own = [self.sites[n % N_SITES]]
            if n < N_SITES:
                own.append(self.sites[(n + 1) % N_SITES])
            self.limits[person] = own
            roles = ROLES if n % 10 == 0 else ROLES[:1]
            rows += [
                Membership(
                    user=person,
                    scope_id=self.workflow.pk,
                    role=role,
                    site_ids=[site.pk for site in own],
                )
                for role in roles
            ]
        Membership.objects.bulk_create(rows)

    def days(self) -> Days:
        return Days(self.now.date(), timezone.now().date())


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield World()


def keys(rows: object) -> set[str]:
    """Return the sites that the items of a list are of, by their names."""
    return {str(name).split("-")[0] for name in rows}  # type: ignore[attr-defined]


def test_lists_and_counts_are_of_the_own_sites_for_each_of_a_thousand(
    world: World,
) -> None:
    workflow = world.workflow
    counted = Counter[int]()

    for person, own in world.limits.items():
        actor = Actor(person)
        sites = actor.sites(workflow.pk)
        assert sites == frozenset(site.pk for site in own)
        items = filtered_items(workflow, {}, actor=actor, sites=sites)
        names = list(items.values_list("external_id", flat=True))
        assert keys(names) == {site.key for site in own}
        counted[len(names)] += 1
    assert counted == {6: N_SITES, 3: N_PEOPLE - N_SITES}


def test_everybody_claims_at_home_and_nothing_is_left_or_shared(world: World) -> None:
    workflow, now = world.workflow, world.now
    got: dict[str, User] = {}
    with undone():
        for person, own in world.limits.items():
            sites = frozenset(site.pk for site in own)
            case = claim_next_case(
                workflow=workflow,
                reviewer=person,
                queues=[Queue.REVIEW],
                now=now,
                sites=sites,
            )
            if case is None:
                assert count_waiting(workflow, [Queue.REVIEW], sites) == 0
                continue
            assert case.site_id in sites
            assert case.item.external_id not in got
            got[case.item.external_id] = person

        # Each got one as long as there was one: five people a site, three items.
        assert len(got) == N_ITEMS
        assert count_waiting(workflow, [Queue.REVIEW]) == 0


def test_figures_of_sites_add_up_and_are_nobody_elses(world: World) -> None:
    workflow, now = world.workflow, world.now
    with undone():
        for site in world.sites[:4]:
            reviewer = next(p for p, own in world.limits.items() if own == [site])
            held = claim_next_case(
                workflow=workflow,
                reviewer=reviewer,
                queues=[Queue.REVIEW],
                now=now,
                sites=frozenset({site.pk}),
            )
            assert held is not None
            decide(held, reviewer, now=now, label="fraud")
        for merged in (False, True):
            if merged:
                merge_tallies()
            of_all = workflow_metrics(workflow, days=world.days(), now=now)
            each = [
                workflow_metrics(
                    workflow,
                    days=world.days(),
                    now=now,
                    narrowing=Narrowing(sites=frozenset({site.pk})),
                )
                for site in world.sites[:5]
            ]
            assert of_all.operations.review_rate.n == N_ITEMS
            assert of_all.operations.n_decided == 4
            assert of_all.operations.backlog.n_waiting == N_ITEMS - 4
            assert [one.operations.review_rate.n for one in each] == [3] * 5
            assert [one.operations.n_decided for one in each] == [1, 1, 1, 1, 0]
            assert [one.operations.backlog.n_waiting for one in each] == [2] * 4 + [3]
        some = frozenset(site.pk for site in world.sites[:5])
        together = workflow_metrics(
            workflow, days=world.days(), now=now, narrowing=Narrowing(sites=some)
        )
        assert (together.operations.review_rate.n, together.operations.n_decided) == (
            15,
            4,
        )
        assert recount()


def test_lists_behind_the_figures_are_cut_alike(world: World) -> None:
    workflow, now = world.workflow, world.now
    person, own = next(iter(world.limits.items()))
    sites = frozenset(site.pk for site in own)

    cases = filtered_cases(workflow, {}, viewer=person, now=now, sites=sites)
    decisions = filtered_decisions(workflow, {}, sites)
    sent = within_sites(
        Item.objects.filter(route__kind=RouteKind.REVIEW), sites
    ).count()

    assert (cases.count(), decisions.count(), sent) == (6, 0, 6)
    assert Case.objects.count() == N_ITEMS
    assert Decision.objects.count() == 0


def test_pages_and_answers_tell_of_the_own_site_alone(world: World) -> None:
    # A supervisor with one site, behind the browser and behind a key.
    person = world.people[N_SITES]
    [own] = world.limits[person]
    scope = Scope.objects.get(pk=world.workflow.pk)
    client = Client()
    client.force_login(person)
    headers = bearer(ApiKeyFactory.create(owner=person, scope=scope))
    slug = world.workflow.slug
    others = [f"s{n:03}-{n}" for n in range(N_SITES) if f"s{n:03}" != own.key]

    with undone():
        pages = [
            client.get(f"/w/{slug}/{page}/").content.decode()
            for page in ("items", "cases", "decisions", "dashboard", "review")
        ]
        answers = [
            client.get(f"/api/v1/workflows/{slug}/{part}?limit=100", headers=headers)
            for part in ("items", "cases", "metrics")
        ]
        elsewhere = client.get(
            f"/api/v1/workflows/{slug}/items/{others[0]}", headers=headers
        )
        asked = client.get(f"/api/v1/workflows/{slug}/items?site=s007", headers=headers)

    assert all(f">{own.key}-" in page for page in pages[:2])
    for text in [*pages, *(answer.content.decode() for answer in answers)]:
        assert not [name for name in others if name in text]
    items, cases, metrics = (answer.json() for answer in answers)
    assert {one["site"] for one in items["results"]} == {own.key}
    assert (len(items["results"]), len(cases["results"])) == (3, 3)
    assert metrics["operations"]["review_rate"]["n"] == 3
    assert (elsewhere.status_code, asked.status_code) == (404, 422)
