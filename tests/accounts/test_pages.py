"""The members', keys' and accounts' pages: who may, and what they do."""

import re
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.enums import Role
from accounts.models import AccessEvent, ApiKey, Scope, User
from accounts.permissions import Actor, Permission
from accounts.services import revoke_role
from accounts.services_keys import hash_key
from tests.factories.accounts import ApiKeyFactory, UserFactory, key_for, member

MEMBERS = "/accounts/w/card-fraud/members/"
KEYS = "/accounts/w/card-fraud/keys/"
USERS = "/accounts/users/"
# Session, user, scope, roles, workflows and unread notices of the header, members.
N_QUERIES = 8


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("roles", "is_admin", "members", "keys", "users"),
    [
        ([], False, 404, 404, 403),
        ([Role.REVIEWER], False, 403, 403, 403),
        ([Role.ADJUDICATOR], False, 403, 403, 403),
        ([Role.SUPERVISOR], False, 200, 200, 403),
        ([Role.ENGINEER], False, 403, 200, 403),
        ([Role.AUDITOR], False, 200, 403, 403),
        ([], True, 200, 200, 200),
    ],
)
def test_pages_open_by_role(
    scope: Scope, roles: list[Role], is_admin: bool, members: int, keys: int, users: int
) -> None:
    client = client_of(member(scope, *roles, is_superuser=is_admin))
    assert [client.get(url).status_code for url in (MEMBERS, KEYS, USERS)] == [
        members,
        keys,
        users,
    ]


def test_unknown_workflow_looks_like_one_that_is_not_ours(mallory: User) -> None:
    client = client_of(mallory)
    known = client.get(MEMBERS)
    unknown = client.get("/accounts/w/no-such/members/")
    assert known.status_code == unknown.status_code == 404
    assert known.content.replace(b"card-fraud", b"no-such") == unknown.content


def test_auditor_sees_members_and_can_change_none(
    scope: Scope, audrey: User, alice: User, mallory: User
) -> None:
    client = client_of(audrey)
    assert "Alice" in client.get(MEMBERS).content.decode()
    assert "Add a member" not in client.get(MEMBERS).content.decode()
    added = client.post(MEMBERS, {"username": "mallory", "roles": ["reviewer"]})
    changed = client.post(f"{MEMBERS}{alice.id}/", {"roles": ["supervisor"]})
    assert (added.status_code, changed.status_code) == (403, 403)
    assert Actor(user=alice).roles(scope.id) == {Role.REVIEWER}


def test_supervisor_adds_a_member_by_username_in_any_case(
    scope: Scope, sam: User, mallory: User
) -> None:
    response = client_of(sam).post(
        MEMBERS, {"username": "Mallory", "roles": ["reviewer", "auditor"]}
    )
    assert response.status_code == 302
    assert Actor(user=mallory).roles(scope.id) == {Role.REVIEWER, Role.AUDITOR}
    assert {event.actor for event in AccessEvent.objects.all()} == {sam}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"username": "nobody", "roles": ["reviewer"]}, "No account has the username"),
        ({"username": "mallory"}, "Choose at least one role"),
        ({"username": "mallory", "roles": ["emperor"]}, "emperor"),
    ],
)
def test_bad_new_member_is_explained(
    sam: User, mallory: User, fields: dict[str, object], said: str
) -> None:
    response = client_of(sam).post(MEMBERS, fields)
    assert response.status_code == 422
    assert said in response.content.decode()


def test_roles_are_changed_and_a_member_removed(
    scope: Scope, sam: User, alice: User
) -> None:
    client = client_of(sam)
    client.post(f"{MEMBERS}{alice.id}/", {"roles": ["adjudicator"]})
    assert Actor(user=alice).roles(scope.id) == {Role.ADJUDICATOR}
    client.post(f"{MEMBERS}{alice.id}/", {})
    assert Actor(user=alice).roles(scope.id) == frozenset()


def test_roles_of_somebody_elsewhere_are_404(sam: User, mallory: User) -> None:
    response = client_of(sam).post(f"{MEMBERS}{mallory.id}/", {"roles": ["reviewer"]})
    assert response.status_code == 404


def test_supervisor_who_steps_down_is_led_away(sam: User) -> None:
    response = client_of(sam).post(f"{MEMBERS}{sam.id}/", {})
    assert response.headers["Location"] == reverse("accounts:profile")


def test_revoked_role_holds_at_the_next_request(
    scope: Scope, sam: User, now: datetime
) -> None:
    client = client_of(sam)
    assert client.get(MEMBERS).status_code == 200
    revoke_role(user=sam, scope=scope, role=Role.SUPERVISOR, actor=None, now=now)
    assert client.get(MEMBERS).status_code == 404


def test_members_page_costs_the_same_for_one_and_for_three(
    scope: Scope, sam: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(sam)
    client.get(MEMBERS)
    with django_assert_num_queries(N_QUERIES):
        client.get(MEMBERS)
    for name in ("one", "two"):
        member(scope, Role.REVIEWER, Role.AUDITOR, username=name)
    with django_assert_num_queries(N_QUERIES):
        client.get(MEMBERS)


def test_new_key_is_shown_once_and_works(scope: Scope, erin: User) -> None:
    client = client_of(erin)
    response = client.post(
        KEYS, {"name": "feed", "verbs": ["items.add"], "lifetime": "90"}
    )
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    found = re.search(r"cs_\w+_[0-9a-f]{64}", response.content.decode())
    assert found is not None
    key = ApiKey.objects.get()
    assert key.secret_hash == hash_key(found[0])
    assert (key.owner, key.verbs) == (erin, ["items.add"])
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days == 90
    assert found[0] not in client.get(KEYS).content.decode()


def test_key_form_offers_only_what_the_person_may(scope: Scope, sam: User) -> None:
    client = client_of(sam)
    response = client.post(KEYS, {"name": "k", "verbs": ["models.register"]})
    assert response.status_code == 422
    assert not ApiKey.objects.exists()
    assert 'value="policy.change"' in client.get(KEYS).content.decode()
    assert 'value="members.manage"' not in client.get(KEYS).content.decode()


def test_people_see_their_own_keys_and_the_admin_all(
    scope: Scope, sam: User, erin: User, root: User
) -> None:
    key, _ = key_for(erin, scope)
    assert key.prefix not in client_of(sam).get(KEYS).content.decode()
    assert key.prefix in client_of(erin).get(KEYS).content.decode()
    assert key.prefix in client_of(root).get(KEYS).content.decode()


def test_admin_makes_a_key_for_a_service_account(scope: Scope, root: User) -> None:
    feed = member(scope, Role.ENGINEER, username="feed", is_service=True)
    client_of(root).post(
        KEYS, {"name": "k", "verbs": [Permission.ITEMS_ADD.value], "owner": "feed"}
    )
    key = ApiKey.objects.get()
    assert (key.owner, key.created_by, key.expires_at) == (feed, root, None)


def test_only_an_admin_may_name_an_owner(scope: Scope, sam: User, erin: User) -> None:
    client_of(sam).post(
        KEYS, {"name": "k", "verbs": ["items.add"], "owner": erin.username}
    )
    assert ApiKey.objects.get().owner == sam


def test_key_is_revoked_by_its_owner_or_an_admin(
    scope: Scope, sam: User, erin: User, root: User
) -> None:
    mine, _ = key_for(erin, scope)
    other, _ = key_for(erin, scope)
    url = reverse("accounts:key-revoke", args=[mine.id])
    assert client_of(sam).post(url).status_code == 404
    assert client_of(erin).get(url).status_code == 405
    assert client_of(erin).post(url).status_code == 302
    client_of(root).post(reverse("accounts:key-revoke", args=[other.id]))
    assert not ApiKey.objects.filter(revoked_at=None).exists()


def test_own_keys_are_listed_even_without_a_role(mallory: User) -> None:
    key = ApiKeyFactory.create(owner=mallory)
    assert key.prefix in client_of(mallory).get("/accounts/keys/").content.decode()


def test_admin_makes_a_person_whose_shown_password_works(root: User) -> None:
    response = client_of(root).post(
        USERS, {"username": "ada", "name": "Ada", "email": "ada@example.org"}
    )
    found = re.search(r"<code>([a-z2-7-]{23})</code>", response.content.decode())
    assert found is not None
    ada = User.objects.get(username="ada")
    assert ada.check_password(found[1])
    assert not ada.is_superuser
    kinds = AccessEvent.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["user_created", "password_set"]


def test_admin_makes_a_service_account(root: User) -> None:
    client_of(root).post(USERS, {"username": "feed", "is_service": "on"})
    feed = User.objects.get(username="feed")
    assert feed.is_service
    assert not feed.has_usable_password()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"username": "taken"}, "The username taken is taken."),
        ({"username": "new", "email": "Taken@example.org"}, "Another account has"),
        ({"username": "No Good"}, "Use lower-case letters"),
        (
            {"username": "x", "is_service": "on", "is_site_admin": "on"},
            "cannot be a site admin",
        ),
    ],
)
def test_bad_new_account_is_explained(
    root: User, fields: dict[str, str], said: str
) -> None:
    UserFactory.create(username="taken", email="taken@example.org")
    response = client_of(root).post(USERS, fields)
    assert response.status_code == 422
    assert said in response.content.decode()


def test_admin_keeps_an_account_out_and_lets_it_in(root: User, alice: User) -> None:
    url = reverse("accounts:user-active", args=[alice.id])
    client = client_of(root)
    client.post(url, {"active": "false"})
    assert not User.objects.get(pk=alice.pk).is_active
    client.post(url, {"active": "true"})
    assert User.objects.get(pk=alice.pk).is_active


def test_last_admin_cannot_lock_everybody_out(root: User) -> None:
    client = client_of(root)
    response = client.post(
        reverse("accounts:user-active", args=[root.id]),
        {"active": "false"},
        follow=True,
    )
    assert "only active site admin" in response.content.decode()


@pytest.mark.parametrize("name", ["accounts:user-active", "accounts:user-password"])
def test_account_changes_are_for_admins(sam: User, alice: User, name: str) -> None:
    response = client_of(sam).post(reverse(name, args=[alice.id]))
    assert response.status_code == 403


def test_accounts_are_found_by_name_and_paged(root: User) -> None:
    for n in range(60):
        UserFactory.create(username=f"many-{n:02d}")
    client = client_of(root)
    assert "Page 1 of 2" in client.get(USERS).content.decode()
    found = client.get(USERS, {"q": "many-42"}).content.decode()
    assert "many-42" in found
    assert "many-41" not in found


def test_profile_saves_name_and_address(alice: User) -> None:
    client_of(alice).post(
        "/accounts/profile/", {"name": "Alice A.", "email": "alice@example.org"}
    )
    alice.refresh_from_db()
    assert (alice.name, alice.email) == ("Alice A.", "alice@example.org")


def test_profile_explains_a_taken_address_beside_its_field(alice: User) -> None:
    UserFactory.create(email="taken@example.org")
    response = client_of(alice).post(
        "/accounts/profile/", {"name": "Alice", "email": "taken@example.org"}
    )
    assert response.status_code == 422
    body = response.content.decode()
    assert "Another account has this address." in body
    assert re.search(r'aria-describedby="[^"]*id_email_error', body)


def test_own_keys_are_saved_warned_of_and_put_back(alice: User) -> None:
    client = client_of(alice)
    page = client.get("/accounts/profile/")
    form = page.context["keys_form"]
    keys = {bound.name: bound.value() for bound in form}
    clash = client.post("/accounts/profile/keyboard/", {**keys, "confirm": "s"})
    assert clash.status_code == 422
    assert "is also the key for skip" in clash.content.decode()
    client.post("/accounts/profile/keyboard/", {**keys, "confirm": "a"})
    alice.refresh_from_db()
    assert alice.key_bindings == {"confirm": "a"}
    client.post("/accounts/profile/keyboard/", {"defaults": "1"})
    alice.refresh_from_db()
    assert alice.key_bindings == {}


def test_admin_site_shows_no_secret_and_changes_nothing(root: User) -> None:
    key = ApiKeyFactory.create()
    client = client_of(root)
    body = client.get(f"/admin/accounts/apikey/{key.id}/change/").content.decode()
    assert key.prefix in body
    assert key.secret_hash not in body
    assert client.post(f"/admin/accounts/apikey/{key.id}/delete/").status_code == 403
    user_page = client.get(f"/admin/accounts/user/{root.id}/change/").content.decode()
    assert root.password not in user_page


def test_mails_about_alerts_are_switched_off_and_on(alice: User) -> None:
    about = {"name": "Alice", "email": "alice@example.org"}
    client = client_of(alice)

    client.post("/accounts/profile/", about)
    alice.refresh_from_db()
    assert not alice.wants_alert_mails
    client.post("/accounts/profile/", about | {"wants_alert_mails": "on"})
    alice.refresh_from_db()
    assert alice.wants_alert_mails
