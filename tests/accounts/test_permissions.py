from itertools import product

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.enums import Role
from accounts.models import ApiKey, Scope, User
from accounts.permissions import (
    KEY_PERMISSIONS,
    ROLE_PERMISSIONS,
    Actor,
    Permission,
    actor_of,
)
from tests.factories.accounts import (
    ApiKeyFactory,
    MembershipFactory,
    ScopeFactory,
    key_for,
    member,
)

R, A, S, E, U = (
    Role.REVIEWER,
    Role.ADJUDICATOR,
    Role.SUPERVISOR,
    Role.ENGINEER,
    Role.AUDITOR,
)
# Written out a second time on purpose: a slip in either table fails.
EXPECTED = {
    "workflow.view": {R, A, S, E, U},
    "items.view": {R, A, S, E, U},
    "items.add": {S, E},
    "items.unmask": {S},
    "media.remove": {S},
    "quarantine.view": {S, E, U},
    "quarantine.resolve": {S, E},
    "cases.view": {R, A, S, E, U},
    "cases.review": {R},
    "cases.adjudicate": {A},
    "cases.manage": {S},
    "decisions.view": {S, E, U},
    "outcomes.add": {S, E},
    "metrics.view": {S, E, U},
    "snapshots.view": {S, E, U},
    "snapshots.create": {S, E},
    "models.view": {S, E, U},
    "models.register": {E},
    "models.stage": {S, E},
    "models.train": {S, E},
    "models.waive": {S},
    "monitors.view": {S, E, U},
    "alerts.manage": {S, E},
    "readiness.view": {S, E, U},
    "readiness.record": {S},
    "policy.view": {S, E, U},
    "policy.change": {S},
    "trust.view": {S, E, U},
    "trust.change": {S},
    "settings.view": {S, E, U},
    "settings.change": {S, E},
    "members.view": {S, U},
    "members.manage": {S},
    "keys.view": {S, E},
    "keys.manage": {S, E},
    "audit.view": {S, U},
    "site.admin": set(),
}


def test_table_has_a_row_for_every_permission() -> None:
    assert {verb.value: set(roles) for verb, roles in ROLE_PERMISSIONS.items()} == (
        EXPECTED
    )
    assert set(ROLE_PERMISSIONS) == set(Permission)


def test_auditor_may_change_nothing() -> None:
    held = {verb for verb, roles in ROLE_PERMISSIONS.items() if Role.AUDITOR in roles}
    assert {verb.value.split(".")[1] for verb in held} == {"view"}


def test_whoever_may_change_a_thing_may_see_it() -> None:
    for verb, roles in ROLE_PERMISSIONS.items():
        view = f"{verb.value.split('.')[0]}.view"
        if view in EXPECTED:
            assert roles <= ROLE_PERMISSIONS[Permission(view)]


@pytest.mark.parametrize("role", Role)
def test_can_follows_the_table_in_the_own_scope_only(scope: Scope, role: Role) -> None:
    actor = Actor(user=member(scope, role))
    other = ScopeFactory.create()
    for verb, roles in ROLE_PERMISSIONS.items():
        assert actor.can(verb, scope.id) is (role in roles)
        assert not actor.can(verb, other.id)
        assert not actor.can(verb, None)


def test_several_roles_add_up(scope: Scope) -> None:
    actor = Actor(user=member(scope, Role.REVIEWER, Role.ADJUDICATOR))
    assert actor.roles(scope.id) == {Role.REVIEWER, Role.ADJUDICATOR}
    assert actor.can(Permission.CASES_REVIEW, scope.id)
    assert actor.can(Permission.CASES_ADJUDICATE, scope.id)
    assert not actor.can(Permission.METRICS_VIEW, scope.id)


def test_roles_are_read_with_one_query_per_actor(
    scope: Scope, alice: User, django_assert_num_queries: object
) -> None:
    MembershipFactory.create(user=alice)
    actor = Actor(user=alice)
    with CaptureQueriesContext(connection) as queries:
        for verb in Permission:
            actor.can(verb, scope.id)
        actor.scope_ids()
        actor.has_any_role(scope.id)
    assert len(queries) == 1


def test_revoked_role_is_gone_for_the_next_actor(scope: Scope, alice: User) -> None:
    assert Actor(user=alice).can(Permission.CASES_REVIEW, scope.id)
    alice.memberships.all().delete()
    assert not Actor(user=alice).can(Permission.CASES_REVIEW, scope.id)
    assert not Actor(user=alice).has_any_role(scope.id)


def test_site_admin_may_do_everything_everywhere(scope: Scope, root: User) -> None:
    actor = Actor(user=root)
    assert all(actor.can(verb, scope.id) for verb in Permission)
    assert actor.can(Permission.SITE_ADMIN, None)
    assert actor.has_any_role(scope.id)
    assert actor.scope_ids() == {scope.id}


@pytest.mark.parametrize("is_superuser", [True, False])
def test_inactive_user_may_do_nothing(scope: Scope, is_superuser: bool) -> None:
    user = member(scope, *Role, is_active=False, is_superuser=is_superuser)
    actor = Actor(user=user)
    assert not any(
        actor.can(verb, where) for verb, where in product(Permission, [scope.id, None])
    )
    assert not actor.has_any_role(scope.id)
    assert actor.scope_ids() == frozenset()


def test_key_does_the_lesser_of_its_verbs_and_its_owner(
    scope: Scope, erin: User
) -> None:
    verbs = frozenset({Permission.ITEMS_ADD, Permission.POLICY_CHANGE})
    key, _ = key_for(erin, scope, verbs)
    actor = Actor(user=erin, key=key)
    assert [verb for verb in Permission if actor.can(verb, scope.id)] == [
        Permission.ITEMS_ADD
    ]


def test_key_works_in_its_own_scope_only(scope: Scope, root: User) -> None:
    other = ScopeFactory.create()
    key, _ = key_for(root, scope)
    actor = Actor(user=root, key=key)
    assert actor.can(Permission.ITEMS_ADD, scope.id)
    assert not actor.can(Permission.ITEMS_ADD, other.id)
    assert not actor.has_any_role(other.id)
    assert actor.scope_ids() == {scope.id}


def test_no_key_makes_members_keys_or_workflows(scope: Scope, root: User) -> None:
    # Even one written past the service that refuses such verbs.
    key = ApiKeyFactory.create(
        owner=root, scope=scope, verbs=[v.value for v in Permission]
    )
    actor = Actor(user=root, key=key)
    allowed = {verb for verb in Permission if actor.can(verb, scope.id)}
    assert allowed == KEY_PERMISSIONS
    assert not actor.can(Permission.SITE_ADMIN, None)


def test_key_of_an_owner_without_roles_is_blind(scope: Scope, mallory: User) -> None:
    key, _ = key_for(mallory, scope)
    actor = Actor(user=mallory, key=key)
    assert not actor.has_any_role(scope.id)
    assert actor.scope_ids() == frozenset()


def test_require_says_404_to_strangers_and_403_to_members(
    scope: Scope, alice: User, mallory: User
) -> None:
    with pytest.raises(Http404):
        Actor(user=mallory).require(Permission.POLICY_CHANGE, scope.id)
    with pytest.raises(PermissionDenied, match=r"policy\.change"):
        Actor(user=alice).require(Permission.POLICY_CHANGE, scope.id)
    Actor(user=alice).require(Permission.CASES_REVIEW, scope.id)


def test_actor_of_keeps_one_actor_per_request(alice: User) -> None:
    request = RequestFactory().get("/")
    request.user = alice
    actor = actor_of(request)
    assert actor.user == alice
    assert actor.key is None
    assert actor_of(request) is actor


def test_actor_of_takes_the_key_of_an_api_request(scope: Scope, alice: User) -> None:
    request = RequestFactory().get("/")
    request.user = alice
    request.auth = ApiKey(owner=alice, scope=scope, verbs=[])  # type: ignore[attr-defined]  # set by the API
    assert actor_of(request).key is request.auth  # type: ignore[attr-defined]  # as above
