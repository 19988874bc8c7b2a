"""The only writers of the access tables. Every change leaves an access event."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.enums import AccessEventKind, Role
from accounts.key_bindings import check_keys
from accounts.models import AccessEvent, Membership, Scope, User
from accounts.queries import site_limit

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


class AccessError(Exception):
    """A change of access that the rules refuse."""


class UsernameTakenError(AccessError):
    """Another account has this username, whatever the case."""


class EmailTakenError(AccessError):
    """Another account has this e-mail address, whatever the case."""


class ServiceAccountPasswordError(AccessError):
    """A service account signs in with keys only."""


class LastAdminError(AccessError):
    """The change would leave the site without an active admin."""


@transaction.atomic
def create_user(
    *,
    username: str,
    now: datetime,
    password: str | None = None,
    email: str = "",
    name: str = "",
    is_site_admin: bool = False,
    actor: User | None = None,
) -> User:
    """Create a person's account; the username is kept in lower case.

    Does not check the password against the validators (forms and commands do).
    Writes the user and an event. Raises: UsernameTakenError, EmailTakenError,
    django.core.exceptions.ValidationError for a malformed username or address.
    """
    user = User(
        username=username.lower(),
        email=email,
        name=name,
        is_superuser=is_site_admin,
        is_staff=is_site_admin,
        created_at=now,
    )
    user.set_password(password)
    _insert_user(user, actor=actor, now=now, data={"is_site_admin": is_site_admin})
    return user


@transaction.atomic
def create_service_account(
    *, username: str, now: datetime, name: str = "", actor: User | None = None
) -> User:
    """Create the account of another system: no password, signs in with keys only.

    Writes the user and an event. Raises: UsernameTakenError, ValidationError.
    """
    user = User(username=username.lower(), name=name, is_service=True, created_at=now)
    user.set_unusable_password()
    _insert_user(user, actor=actor, now=now, data={"is_service": True})
    return user


@transaction.atomic
def set_user_active(*, user: User, active: bool, actor: User, now: datetime) -> User:
    """Let a user in or keep them out; their keys follow, at their next request.

    Locks the admins when one is deactivated. Does nothing when nothing changes.
    Raises: LastAdminError.
    """
    if user.is_active == active:
        return user
    if not active and user.is_superuser:
        _refuse_to_lose_last_admin(user)
    User.objects.filter(pk=user.pk).update(is_active=active)
    user.is_active = active
    kind = (
        AccessEventKind.USER_REACTIVATED if active else AccessEventKind.USER_DEACTIVATED
    )
    log_access(kind, actor=actor, subject=user, now=now)
    return user


@transaction.atomic
def set_temporary_password(*, user: User, actor: User, now: datetime) -> str:
    """Give a person a random password and return it, this once.

    Ends the person's sessions (the session hash changes); the next one opens no page
    before the password is changed. Keys go on. Writes an event without the password.
    Raises: ServiceAccountPasswordError.
    """
    if user.is_service:
        message = f"{user.username} is a service account and signs in with keys only."
        raise ServiceAccountPasswordError(message)
    password = "-".join(random_text(5) for _ in range(4))
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    log_access(AccessEventKind.PASSWORD_SET, actor=actor, subject=user, now=now)
    return password


@transaction.atomic
def note_own_password(*, user: User, kind: AccessEventKind, now: datetime) -> None:
    """Record that a person changed or reset their own password: it is theirs now."""
    if user.must_change_password:
        user.must_change_password = False
        user.save(update_fields=["must_change_password"])
    log_access(kind, actor=user, subject=user, now=now)


def note_personal_seen(
    *, by: User, scope: Scope, data: Mapping[str, object], now: datetime
) -> None:
    """Record that a person looked at what is masked; `data` says of what, by its id."""
    kind = AccessEventKind.PERSONAL_SEEN
    log_access(kind, actor=by, subject=None, scope=scope, data=data, now=now)


def note_failure_withdrawn(
    *, by: User, scope: Scope, data: Mapping[str, object], now: datetime
) -> None:
    """Record that a person took a failure of a machine back; `data` says which."""
    kind = AccessEventKind.FAILURE_WITHDRAWN
    log_access(kind, actor=by, subject=None, scope=scope, data=data, now=now)


def note_lockout(*, user: User | None, login: str, now: datetime) -> None:
    """Record that a sign-in was locked; an unknown name is kept as a hash only.

    People sometimes type their password where the name belongs.
    """
    fingerprint = hashlib.sha256(login.lower().encode()).hexdigest()[:16]
    data = {} if user else {"login_sha256": fingerprint}
    log_access(
        AccessEventKind.SIGN_IN_LOCKED, actor=None, subject=user, now=now, data=data
    )


@transaction.atomic
def update_profile(
    *, user: User, name: str, email: str, wants_alert_mails: bool
) -> User:
    """Change what a person says about themselves.

    A former address opens nothing any more. Raises: EmailTakenError.
    """
    user.name, user.email = name, email
    user.wants_alert_mails = wants_alert_mails
    try:
        with transaction.atomic():
            user.save(update_fields=["name", "email", "wants_alert_mails"])
    except IntegrityError as error:
        raise _named(error, user) from error
    # allauth's own record: else it would go on signing in, and whoever has it now too.
    EmailAddress.objects.filter(user=user).exclude(email__iexact=email).delete()
    return user


def set_key_bindings(*, user: User, bindings: Mapping[str, str]) -> User:
    """Store a person's own keys. Raises: InvalidKeyBindingsError."""
    check_keys(bindings)
    user.key_bindings = dict(bindings)
    user.save(update_fields=["key_bindings"])
    return user


def lock_user(user: User) -> None:
    """Let one change at a time be made of what a person may do."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


@transaction.atomic
def grant_role(
    *, user: User, scope: Scope, role: Role, actor: User | None, now: datetime
) -> Membership:
    """Give a user a role in a scope; granting twice is one grant and one event.

    It is limited to the sites that the user's other roles there are limited to. Locks
    the user, so that nobody changes that limit meanwhile.
    """
    lock_user(user)
    membership, created = Membership.objects.get_or_create(
        user=user,
        scope=scope,
        role=role,
        defaults={
            "granted_by": actor,
            "created_at": now,
            "site_ids": site_limit(user, scope.pk),
        },
    )
    if created:
        _log_role(AccessEventKind.ROLE_GRANTED, user, scope, role, actor, now)
    return membership


@transaction.atomic
def revoke_role(
    *, user: User, scope: Scope, role: Role, actor: User | None, now: datetime
) -> bool:
    """Take a role away, from the next request on; False when it was not held."""
    n_deleted, _ = Membership.objects.filter(user=user, scope=scope, role=role).delete()
    if n_deleted:
        _log_role(AccessEventKind.ROLE_REVOKED, user, scope, role, actor, now)
    return bool(n_deleted)


@transaction.atomic
def set_roles(
    *,
    user: User,
    scope: Scope,
    roles: Collection[Role],
    actor: User | None,
    now: datetime,
) -> None:
    """Make the roles of a user in a scope exactly the given ones."""
    # What is given comes first: a new role takes its sites over from the old ones.
    for change, changed in (
        (grant_role, set(roles)),
        (revoke_role, {*Role} - {*roles}),
    ):
        for role in Role:
            if role in changed:
                change(user=user, scope=scope, role=role, actor=actor, now=now)


@transaction.atomic
def create_admin(*, username: str, password: str, email: str, now: datetime) -> User:
    """Create a site admin whose password passes the validators.

    Raises: ValidationError, UsernameTakenError, EmailTakenError.
    """
    validate_password(password, User(username=username.lower(), email=email))
    return create_user(
        username=username, password=password, email=email, is_site_admin=True, now=now
    )


def _insert_user(
    user: User, *, actor: User | None, now: datetime, data: dict[str, object]
) -> None:
    user.clean_fields(exclude=["password"])
    refuse_line_end(username=user.username)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise _named(error, user) from error
    log_access(
        AccessEventKind.USER_CREATED,
        actor=actor,
        subject=user,
        now=now,
        data={"username": user.username, **data},
    )


def refuse_line_end(**names: str) -> None:
    """Refuse what the patterns of names let by: `$` stands before a last line end too.

    Raises: ValidationError.
    """
    for field, name in names.items():
        if name.endswith("\n"):
            raise ValidationError({field: "No line end is taken here."})


def _named(error: IntegrityError, user: User) -> Exception:
    text = str(error)
    if "accounts_user_email_unique" in text:
        return EmailTakenError(f"Another account has the address {user.email}.")
    if "username" in text:
        return UsernameTakenError(f"The username {user.username} is taken.")
    return error


def _refuse_to_lose_last_admin(user: User) -> None:
    admins = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
    if not [admin for admin in admins.order_by("id") if admin.pk != user.pk]:
        message = f"{user.username} is the only active site admin."
        raise LastAdminError(message)


def random_text(n: int) -> str:
    """Return n letters and digits that nobody can guess."""
    return "".join(secrets.choice(_BASE32) for _ in range(n))


def _log_role(
    kind: AccessEventKind,
    user: User,
    scope: Scope,
    role: Role,
    actor: User | None,
    now: datetime,
) -> None:
    data = {"role": Role(role).value}
    log_access(kind, actor=actor, subject=user, scope=scope, data=data, now=now)


def log_access(
    kind: AccessEventKind,
    *,
    actor: User | None,
    subject: User | None,
    now: datetime,
    scope: Scope | None = None,
    data: Mapping[str, object] | None = None,
) -> None:
    """Append an access event; `data` says of what, and holds nothing secret."""
    AccessEvent.objects.create(
        kind=kind,
        actor=actor,
        subject=subject,
        scope=scope,
        data=dict(data or {}),
        at=now,
    )
