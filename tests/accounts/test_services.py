from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import Error, connection, transaction
from pytest_django import Settings

from accounts import auth_settings, services
from accounts.enums import AccessEventKind, Role
from accounts.models import AccessEvent, ApiKey, Scope, User
from accounts.permissions import KEY_PERMISSIONS, Actor, Permission
from accounts.services import (
    EmailTakenError,
    LastAdminError,
    ServiceAccountPasswordError,
    UsernameTakenError,
    create_service_account,
    create_user,
    grant_role,
    revoke_role,
    set_roles,
    set_temporary_password,
    set_user_active,
    update_profile,
)
from accounts.services_keys import (
    InvalidVerbsError,
    KeyExpiryPastError,
    OwnerOutsideScopeError,
    create_api_key,
    revoke_api_key,
    touch_api_key,
)
from tests.factories.accounts import ApiKeyFactory, UserFactory

pytestmark = pytest.mark.django_db


def events() -> list[tuple[str, str | None, str | None, dict[str, object]]]:
    rows = AccessEvent.objects.order_by("id").select_related("actor", "subject")
    return [
        (
            row.kind,
            row.actor.username if row.actor else None,
            row.subject.username if row.subject else None,
            row.data,
        )
        for row in rows
    ]


def test_create_user_keeps_the_username_in_lower_case(now: datetime) -> None:
    user = create_user(username="Ada.Lovelace", password="x" * 12, now=now)
    assert user.username == "ada.lovelace"
    assert User.objects.get_by_natural_key("ADA.Lovelace") == user
    assert events() == [
        (
            "user_created",
            None,
            "ada.lovelace",
            {"username": "ada.lovelace", "is_site_admin": False},
        )
    ]


def test_passwords_are_hashed_with_argon2(now: datetime, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = auth_settings.PASSWORD_HASHERS
    user = create_user(username="ada", password="x" * 12, now=now)
    assert user.password.startswith("argon2$argon2id$")


def test_create_user_refuses_a_name_that_differs_in_case_only(now: datetime) -> None:
    create_user(username="ada", now=now)
    with pytest.raises(UsernameTakenError, match="ada is taken"):
        create_user(username="ADA", now=now)
    assert len(events()) == 1


def test_database_refuses_an_upper_case_username() -> None:
    with pytest.raises(Error, match="accounts_user_username_lower"):
        UserFactory.create(username="Ada")


def test_create_user_refuses_an_address_that_differs_in_case_only(
    now: datetime,
) -> None:
    create_user(username="ada", email="ada@example.org", now=now)
    with pytest.raises(EmailTakenError):
        create_user(username="bob", email="Ada@Example.org", now=now)


def test_many_accounts_may_have_no_address(now: datetime) -> None:
    create_user(username="ada", now=now)
    create_user(username="bob", now=now)
    assert User.objects.filter(email="").count() == 2


@pytest.mark.parametrize("username", ["", "a b", "-ada", "ada/../x", "é", "ada\n"])
def test_create_user_refuses_malformed_usernames(username: str, now: datetime) -> None:
    with pytest.raises(ValidationError):
        create_user(username=username, now=now)


def test_pseudonyms_are_distinct_and_say_nothing_of_the_person(now: datetime) -> None:
    people = [create_user(username=f"person{n}", now=now) for n in range(20)]
    assert len({person.pseudonym for person in people}) == 20
    assert all(person.username not in person.pseudonym for person in people)


def test_service_account_has_no_password(now: datetime, root: User) -> None:
    account = create_service_account(username="Feed", now=now, actor=root)
    assert account.is_service
    assert not account.has_usable_password()
    with pytest.raises(ServiceAccountPasswordError):
        set_temporary_password(user=account, actor=root, now=now)


def test_grant_and_revoke_leave_one_event_each(
    scope: Scope, mallory: User, sam: User, now: datetime
) -> None:
    for _ in range(2):
        grant_role(user=mallory, scope=scope, role=Role.REVIEWER, actor=sam, now=now)
    assert revoke_role(
        user=mallory, scope=scope, role=Role.REVIEWER, actor=sam, now=now
    )
    assert not revoke_role(
        user=mallory, scope=scope, role=Role.REVIEWER, actor=sam, now=now
    )
    assert events() == [
        ("role_granted", "sam", "mallory", {"role": "reviewer"}),
        ("role_revoked", "sam", "mallory", {"role": "reviewer"}),
    ]
    assert {event.scope_id for event in AccessEvent.objects.all()} == {scope.id}
    assert {event.at for event in AccessEvent.objects.all()} == {now}


def test_set_roles_writes_the_differences_only(
    scope: Scope, alice: User, sam: User, now: datetime
) -> None:
    set_roles(
        user=alice,
        scope=scope,
        roles={Role.REVIEWER, Role.AUDITOR},
        actor=sam,
        now=now,
    )
    assert Actor(user=alice).roles(scope.id) == {Role.REVIEWER, Role.AUDITOR}
    assert events() == [("role_granted", "sam", "alice", {"role": "auditor"})]


def test_deactivation_and_return_leave_events(
    alice: User, root: User, now: datetime
) -> None:
    set_user_active(user=alice, active=False, actor=root, now=now)
    set_user_active(user=alice, active=False, actor=root, now=now)
    set_user_active(user=alice, active=True, actor=root, now=now)
    assert [kind for kind, *_ in events()] == ["user_deactivated", "user_reactivated"]


def test_last_admin_cannot_be_kept_out(root: User, now: datetime) -> None:
    UserFactory.create(is_superuser=True, is_active=False)
    with pytest.raises(LastAdminError):
        set_user_active(user=root, active=False, actor=root, now=now)
    UserFactory.create(is_superuser=True)
    set_user_active(user=root, active=False, actor=root, now=now)
    assert not User.objects.get(pk=root.pk).is_active


def test_temporary_password_works_and_is_in_no_event(
    alice: User, root: User, now: datetime
) -> None:
    password = set_temporary_password(user=alice, actor=root, now=now)
    kept = User.objects.get(pk=alice.pk)
    assert kept.check_password(password)
    assert kept.must_change_password
    assert events() == [("password_set", "root", "alice", {})]


def test_profile_refuses_the_address_of_another(alice: User) -> None:
    UserFactory.create(email="taken@example.org")
    with pytest.raises(EmailTakenError):
        update_profile(
            user=alice,
            name="Alice",
            email="Taken@example.org",
            wants_alert_mails=True,
        )


def test_new_key_is_stored_as_a_hash_only(
    scope: Scope, erin: User, now: datetime
) -> None:
    key, plaintext = create_api_key(
        owner=erin,
        scope=scope,
        name="feed",
        verbs=[Permission.ITEMS_ADD],
        actor=erin,
        now=now,
    )
    assert plaintext.startswith(f"{key.prefix}_")
    assert len(key.prefix) == 13
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(k)::text FROM accounts_apikey k")
        row = cursor.fetchone()[0]
    secret = plaintext.removeprefix(f"{key.prefix}_")
    assert len(secret) == 64
    assert secret not in row
    assert events() == [
        (
            "key_created",
            "erin",
            "erin",
            {"prefix": key.prefix, "name": "feed", "verbs": ["items.add"]},
        )
    ]


@pytest.mark.parametrize(
    "verbs",
    [[], [Permission.SITE_ADMIN], [Permission.ITEMS_ADD, Permission.MEMBERS_MANAGE]],
)
def test_key_refuses_verbs_that_none_may_carry(
    scope: Scope, erin: User, now: datetime, verbs: list[Permission]
) -> None:
    with pytest.raises(InvalidVerbsError):
        create_api_key(
            owner=erin, scope=scope, name="k", verbs=verbs, actor=erin, now=now
        )


def test_key_needs_an_owner_with_a_role_there(
    scope: Scope, mallory: User, now: datetime
) -> None:
    with pytest.raises(OwnerOutsideScopeError):
        create_api_key(
            owner=mallory,
            scope=scope,
            name="k",
            verbs=KEY_PERMISSIONS,
            actor=None,
            now=now,
        )


def test_key_cannot_expire_in_the_past(scope: Scope, erin: User, now: datetime) -> None:
    with pytest.raises(KeyExpiryPastError):
        create_api_key(
            owner=erin,
            scope=scope,
            name="k",
            verbs=[Permission.ITEMS_ADD],
            actor=erin,
            now=now,
            expires_at=now,
        )


def test_key_lives_until_it_expires_or_is_revoked(erin: User, now: datetime) -> None:
    key = ApiKeyFactory.create(
        owner=erin, created_at=now, expires_at=now + timedelta(hours=1)
    )
    assert key.is_live(now)
    assert key.is_live(now + timedelta(minutes=59))
    assert not key.is_live(now + timedelta(hours=1))
    assert revoke_api_key(key=key, actor=erin, now=now)
    assert not ApiKey.objects.get(pk=key.pk).is_live(now)


def test_revoking_twice_keeps_the_first_moment(erin: User, now: datetime) -> None:
    key = ApiKeyFactory.create(owner=erin)
    assert revoke_api_key(key=key, actor=erin, now=now)
    assert not revoke_api_key(key=key, actor=erin, now=now + timedelta(days=1))
    assert ApiKey.objects.get(pk=key.pk).revoked_at == now
    assert [kind for kind, *_ in events()] == ["key_revoked"]


def test_last_use_is_written_at_most_once_a_minute(now: datetime) -> None:
    key = ApiKeyFactory.create()
    moments = [0, 30, 59, 60, 119]
    seen = []
    for seconds in moments:
        # From a row read long before, as another process would hold it.
        touch_api_key(key=key, now=now + timedelta(seconds=seconds))
        last = ApiKey.objects.get(pk=key.pk).last_used_at
        assert last is not None
        seen.append((last - now).total_seconds())
    assert seen == [0, 0, 0, 60, 60]


def test_lockout_of_an_unknown_name_keeps_a_hash_only(now: datetime) -> None:
    services.note_lockout(user=None, login="Hunter2-my-password", now=now)
    ((kind, actor, subject, data),) = events()
    assert (kind, actor, subject) == (AccessEventKind.SIGN_IN_LOCKED, None, None)
    assert "hunter2" not in str(data).lower()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE accounts_accessevent SET kind = 'x'", "DELETE FROM accounts_accessevent"],
)
def test_access_events_are_append_only(
    alice: User, root: User, now: datetime, statement: str
) -> None:
    set_temporary_password(user=alice, actor=root, now=now)
    with (
        pytest.raises(Error, match="Cannot update or delete"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert len(events()) == 1
