"""Sites: who may see which, and the pages that say so."""

from datetime import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import ProgrammingError, transaction
from django.http import Http404
from django.urls import reverse

from accounts.enums import AccessEventKind, Role
from accounts.models import AccessEvent, Membership, Scope, Site, User
from accounts.permissions import (
    ABOUT_ALL_SITES,
    BY_SITE,
    ROLE_PERMISSIONS,
    Actor,
    Permission,
)
from accounts.queries import members_of, n_limited
from accounts.services import grant_role, revoke_role, set_roles
from accounts.services_keys import create_api_key
from accounts.services_sites import (
    NotAMemberError,
    UnknownSitesError,
    change_site,
    declare_sites,
    limit_to_sites,
)
from tests.accounts.test_pages import client_of
from tests.factories.accounts import ScopeFactory, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def sites(scope: Scope, now: datetime) -> list[Site]:
    names = {"north": "North", "south": "South"}
    return declare_sites(scope=scope, names=names, actor=None, now=now)


def limit(user: User, scope: Scope, *sites: Site, now: datetime) -> None:
    limit_to_sites(user=user, scope=scope, sites=sites, actor=None, now=now)


def test_without_a_limit_all_sites_are_seen(scope: Scope, sites: list[Site]) -> None:
    assert Actor(member(scope, Role.REVIEWER)).sites(scope.pk) is None


def test_limit_holds_for_every_role_and_none_is_lost_by_a_new_one(
    scope: Scope, sites: list[Site], now: datetime
) -> None:
    user = member(scope, Role.REVIEWER)
    limit(user, scope, sites[0], now=now)

    grant_role(user=user, scope=scope, role=Role.AUDITOR, actor=None, now=now)
    assert Actor(user).sites(scope.pk) == frozenset({sites[0].pk})

    # The old roles go, the new one keeps their limit.
    set_roles(user=user, scope=scope, roles=[Role.ENGINEER], actor=None, now=now)
    assert Actor(user).sites(scope.pk) == frozenset({sites[0].pk})
    assert Actor(user).roles(scope.pk) == {Role.ENGINEER}


def test_taking_the_last_site_away_opens_nothing(
    scope: Scope, sites: list[Site], now: datetime
) -> None:
    user = member(scope, Role.REVIEWER)

    limit(user, scope, now=now)

    assert Actor(user).sites(scope.pk) == frozenset()


def test_where_rows_of_a_person_differ_the_limited_ones_count(
    scope: Scope, sites: list[Site]
) -> None:
    user = member(scope, Role.REVIEWER, Role.SUPERVISOR)
    one = Membership.objects.filter(user=user, role=Role.REVIEWER)
    one.update(site_ids=[sites[0].pk])

    assert Actor(user).sites(scope.pk) == frozenset({sites[0].pk})


def test_lifting_the_limit_gives_all_back_and_leaves_events(
    scope: Scope, sites: list[Site], now: datetime
) -> None:
    user = member(scope, Role.REVIEWER)
    limit(user, scope, *sites, now=now)
    limit(user, scope, *sites, now=now)  # nothing changes: no event

    limit_to_sites(user=user, scope=scope, sites=None, actor=None, now=now)

    assert Actor(user).sites(scope.pk) is None
    events = AccessEvent.objects.filter(kind=AccessEventKind.SITES_LIMITED)
    told = list(events.order_by("pk").values_list("data", "subject"))
    assert told == [
        ({"sites": ["north", "south"]}, user.pk),
        ({"sites": None}, user.pk),
    ]


def test_limited_person_holds_only_what_can_be_cut(
    scope: Scope, sites: list[Site], now: datetime
) -> None:
    user = member(scope, *Role)
    limit(user, scope, sites[0], now=now)
    actor = Actor(user)

    held = {one for one in Permission if actor.can(one, scope.pk)}

    assert held == BY_SITE
    assert all(ROLE_PERMISSIONS[one] for one in BY_SITE)


def test_limited_person_is_refused_what_is_about_all_sites(
    scope: Scope, sites: list[Site], now: datetime
) -> None:
    user = member(scope, Role.SUPERVISOR)
    limit(user, scope, sites[0], now=now)
    actor = Actor(user)

    actor.require(Permission.METRICS_VIEW, scope.pk, by_site=True)
    for permission in (Permission.METRICS_VIEW, Permission.TRUST_VIEW):
        with pytest.raises(PermissionDenied, match=ABOUT_ALL_SITES):
            actor.require(permission, scope.pk)
    with pytest.raises(PermissionDenied, match=r"needs the permission cases\.review"):
        actor.require(Permission.CASES_REVIEW, scope.pk, by_site=True)
    with pytest.raises(Http404):
        actor.require(Permission.METRICS_VIEW, ScopeFactory.create().pk, by_site=True)


def test_limit_does_not_reach_another_workflow_nor_a_site_admin(
    scope: Scope, sites: list[Site], now: datetime
) -> None:
    user = member(scope, Role.REVIEWER)
    other = ScopeFactory.create()
    grant_role(user=user, scope=other, role=Role.REVIEWER, actor=None, now=now)
    limit(user, scope, sites[0], now=now)

    assert Actor(user).sites(other.pk) is None
    user.is_superuser = True
    assert Actor(user).sites(scope.pk) is None


def test_key_sees_what_its_owner_sees(
    scope: Scope, sites: list[Site], now: datetime
) -> None:
    user = member(scope, Role.ENGINEER)
    key, _ = create_api_key(
        owner=user,
        scope=scope,
        name="k",
        verbs=[Permission.ITEMS_VIEW, Permission.MODELS_VIEW],
        actor=None,
        now=now,
    )
    limit(user, scope, sites[1], now=now)
    actor = Actor(user, key)

    assert actor.sites(scope.pk) == frozenset({sites[1].pk})
    assert actor.can(Permission.ITEMS_VIEW, scope.pk)
    assert not actor.can(Permission.MODELS_VIEW, scope.pk)


def test_sites_of_another_workflow_and_strangers_are_refused(
    scope: Scope, sites: list[Site], mallory: User, now: datetime
) -> None:
    other = ScopeFactory.create()
    foreign = declare_sites(scope=other, names={"x": ""}, actor=None, now=now)

    with pytest.raises(UnknownSitesError):
        limit(member(scope, Role.REVIEWER), scope, foreign[0], now=now)
    with pytest.raises(NotAMemberError):
        limit(mallory, scope, sites[0], now=now)


def test_site_is_declared_once_and_its_name_is_its_key_without_one(
    scope: Scope, now: datetime
) -> None:
    names = {"b": "", "a": "Alpha"}
    first = declare_sites(scope=scope, names=names, actor=None, now=now)
    again = declare_sites(scope=scope, names={"a": "New"}, actor=None, now=now)

    assert [(one.key, one.name) for one in first] == [("a", "Alpha"), ("b", "b")]
    assert again == []
    assert Site.objects.get(key="a").name == "Alpha"
    for key in ("no key", "north\n"):
        with pytest.raises(ValidationError):
            declare_sites(scope=scope, names={key: ""}, actor=None, now=now)


def test_site_is_archived_and_restored_and_never_deleted(
    scope: Scope, sites: list[Site], now: datetime
) -> None:
    north = sites[0]
    changed = change_site(site=north, name="Up", archived=True, actor=None, now=now)
    assert (changed.name, changed.archived_at) == ("Up", now)
    restored = change_site(site=north, name="Up", archived=False, actor=None, now=now)
    assert restored.archived_at is None

    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        north.delete()
    events = AccessEvent.objects.filter(kind=AccessEventKind.SITE_CHANGED)
    assert [one.data["archived"] for one in events.order_by("pk")] == [True, False]


def test_people_of_a_site_are_counted_once_each(
    scope: Scope, sites: list[Site], now: datetime
) -> None:
    user = member(scope, Role.REVIEWER, Role.AUDITOR)
    limit(user, scope, *sites, now=now)
    revoke_role(user=user, scope=scope, role=Role.AUDITOR, actor=None, now=now)
    grant_role(user=user, scope=scope, role=Role.AUDITOR, actor=None, now=now)

    assert n_limited(scope) == {sites[0].pk: 1, sites[1].pk: 1}
    [found] = [one for one in members_of(scope) if one.user == user]
    assert found.sites is not None
    assert [one.key for one in found.sites] == ["north", "south"]


def test_sites_are_added_a_line_each_and_the_bad_line_is_named(
    scope: Scope, erin: User
) -> None:
    page = reverse("accounts:site-list", args=[scope.slug])
    client = client_of(erin)

    bad = client.post(page, {"lines": "north, North hospital\nno key here, x"})
    good = client.post(page, {"lines": "north, North hospital\n\nsouth\n"})

    assert bad.status_code == 422
    assert "Line 2" in bad.content.decode()
    assert good.status_code == 302
    found = Site.objects.filter(scope=scope).order_by("key")
    assert [(one.key, one.name) for one in found] == [
        ("north", "North hospital"),
        ("south", "south"),
    ]


def test_site_is_renamed_on_its_page(
    scope: Scope, sites: list[Site], erin: User
) -> None:
    page = reverse("accounts:site-change", args=[scope.slug, sites[0].pk])

    client_of(erin).post(page, {"name": "Northern", "archived": "on"})

    sites[0].refresh_from_db()
    assert sites[0].name == "Northern"
    assert sites[0].archived_at is not None


def test_supervisor_limits_a_member_and_must_tick_a_site(
    scope: Scope, sites: list[Site], sam: User
) -> None:
    alice = member(scope, Role.REVIEWER, username="limited-alice")
    page = reverse("accounts:member-sites", args=[scope.slug, alice.pk])
    client = client_of(sam)

    none = client.post(page, {"limit": "some"})
    unknown = client.post(page, {"limit": "some", "sites": ["nowhere"]})
    assert (none.status_code, unknown.status_code) == (422, 422)
    assert Actor(alice).sites(scope.pk) is None

    client.post(page, {"limit": "some", "sites": ["south"]})
    assert Actor(alice).sites(scope.pk) == frozenset({sites[1].pk})
    listed = client.get(reverse("accounts:member-list", args=[scope.slug]))
    assert "South" in listed.content.decode()

    client.post(page, {"limit": "all", "sites": ["south"]})
    assert Actor(alice).sites(scope.pk) is None


def test_new_member_is_limited_from_the_first_moment(
    scope: Scope, sites: list[Site], sam: User, mallory: User
) -> None:
    page = reverse("accounts:member-list", args=[scope.slug])
    client = client_of(sam)
    asked = {"username": "mallory", "roles": ["reviewer"]}

    wrong = client.post(page, {**asked, "sites": "south, nowhere"})
    assert wrong.status_code == 422
    assert not Actor(mallory).has_any_role(scope.pk)

    client.post(page, {**asked, "sites": "south"})
    assert Actor(mallory).sites(scope.pk) == frozenset({sites[1].pk})
