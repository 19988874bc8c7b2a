"""The only writers of the access tables. Every change leaves an access event."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.enums import AccessEventKind, Role
from accounts.key_bindings import check_keys
from accounts.models import AccessEvent, ApiKey, Membership, Scope, User
from accounts.permissions import KEY_PERMISSIONS, Permission

KEY_PREFIX_CHARS = 10
KEY_SECRET_BYTES = 32
LAST_USED_RESOLUTION = timedelta(minutes=1)
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


class InvalidVerbsError(AccessError):
    """The key asks for verbs that no key may carry, or for none."""


class OwnerOutsideScopeError(AccessError):
    """The owner of the key has no role in its scope."""


class KeyExpiryPastError(AccessError):
    """The key would have expired before its first use."""


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
    _insert_user(user)
    _log(
        AccessEventKind.USER_CREATED,
        actor=actor,
        subject=user,
        now=now,
        data={"username": user.username, "is_site_admin": is_site_admin},
    )
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
    _insert_user(user)
    _log(
        AccessEventKind.USER_CREATED,
        actor=actor,
        subject=user,
        now=now,
        data={"username": user.username, "is_service": True},
    )
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
    _log(kind, actor=actor, subject=user, now=now)
    return user


@transaction.atomic
def set_temporary_password(*, user: User, actor: User, now: datetime) -> str:
    """Give a person a random password and return it, this once.

    Ends the person's sessions (the session hash changes). Writes an event without
    the password. Raises: ServiceAccountPasswordError.
    """
    if user.is_service:
        message = f"{user.username} is a service account and signs in with keys only."
        raise ServiceAccountPasswordError(message)
    password = "-".join(_random_text(5) for _ in range(4))
    user.set_password(password)
    user.save(update_fields=["password"])
    _log(AccessEventKind.PASSWORD_SET, actor=actor, subject=user, now=now)
    return password


def note_own_password(*, user: User, kind: AccessEventKind, now: datetime) -> None:
    """Record that a person changed or reset their own password."""
    _log(kind, actor=user, subject=user, now=now)


def note_lockout(*, user: User | None, login: str, now: datetime) -> None:
    """Record that a sign-in was locked; an unknown name is kept as a hash only.

    People sometimes type their password where the name belongs.
    """
    fingerprint = hashlib.sha256(login.lower().encode()).hexdigest()[:16]
    data = {} if user else {"login_sha256": fingerprint}
    _log(AccessEventKind.SIGN_IN_LOCKED, actor=None, subject=user, now=now, data=data)


@transaction.atomic
def update_profile(*, user: User, name: str, email: str) -> User:
    """Change what a person says about themselves. Raises: EmailTakenError."""
    user.name, user.email = name, email
    try:
        with transaction.atomic():
            user.save(update_fields=["name", "email"])
    except IntegrityError as error:
        raise _named(error, user) from error
    return user


def set_key_bindings(*, user: User, bindings: Mapping[str, str]) -> User:
    """Store a person's own keys. Raises: InvalidKeyBindingsError."""
    check_keys(bindings)
    user.key_bindings = dict(bindings)
    user.save(update_fields=["key_bindings"])
    return user


@transaction.atomic
def grant_role(
    *, user: User, scope: Scope, role: Role, actor: User | None, now: datetime
) -> Membership:
    """Give a user a role in a scope; granting twice is one grant and one event."""
    membership, created = Membership.objects.get_or_create(
        user=user,
        scope=scope,
        role=role,
        defaults={"granted_by": actor, "created_at": now},
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
    for role in Role:
        change = grant_role if role in roles else revoke_role
        change(user=user, scope=scope, role=role, actor=actor, now=now)


@transaction.atomic
def create_api_key(
    *,
    owner: User,
    scope: Scope,
    name: str,
    verbs: Collection[Permission],
    actor: User | None,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create a key and return it with its plain text, which is stored nowhere.

    The key may do what its owner may and its verbs name, whichever is less.
    Raises: InvalidVerbsError, OwnerOutsideScopeError, KeyExpiryPastError.
    """
    _check_new_key(owner, scope, verbs, now, expires_at)
    prefix = f"cs_{_random_text(KEY_PREFIX_CHARS)}"
    plaintext = f"{prefix}_{secrets.token_hex(KEY_SECRET_BYTES)}"
    key = ApiKey.objects.create(
        owner=owner,
        scope=scope,
        name=name,
        prefix=prefix,
        secret_hash=hash_key(plaintext),
        verbs=sorted(verb.value for verb in verbs),
        created_by=actor,
        created_at=now,
        expires_at=expires_at,
    )
    _log_key(AccessEventKind.KEY_CREATED, key, actor, now)
    return key, plaintext


@transaction.atomic
def revoke_api_key(*, key: ApiKey, actor: User | None, now: datetime) -> bool:
    """End a key at once and for good; False when it was revoked before."""
    n_revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)
    if n_revoked:
        _log_key(AccessEventKind.KEY_REVOKED, key, actor, now)
    return bool(n_revoked)


def touch_api_key(*, key: ApiKey, now: datetime) -> None:
    """Record the use of a key, at most once a minute, without a lock held."""
    stale = now - LAST_USED_RESOLUTION
    if key.last_used_at is not None and key.last_used_at > stale:
        return
    ApiKey.objects.filter(
        Q(last_used_at=None) | Q(last_used_at__lte=stale), pk=key.pk
    ).update(last_used_at=now)


def hash_key(plaintext: str) -> str:
    """Return what is stored of a key: SHA-256 of the whole text, in hex."""
    return hashlib.sha256(plaintext.encode()).hexdigest()


@transaction.atomic
def create_admin(*, username: str, password: str, email: str, now: datetime) -> User:
    """Create a site admin whose password passes the validators.

    Raises: ValidationError, UsernameTakenError, EmailTakenError.
    """
    validate_password(password, User(username=username.lower(), email=email))
    return create_user(
        username=username, password=password, email=email, is_site_admin=True, now=now
    )


def _insert_user(user: User) -> None:
    user.clean_fields(exclude=["password"])
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise _named(error, user) from error


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


def _check_new_key(
    owner: User,
    scope: Scope,
    verbs: Collection[Permission],
    now: datetime,
    expires_at: datetime | None,
) -> None:
    if not verbs:
        message = "A key needs at least one verb."
        raise InvalidVerbsError(message)
    if unknown := sorted(set(verbs) - KEY_PERMISSIONS):
        message = f"No key may carry {', '.join(unknown)}."
        raise InvalidVerbsError(message)
    if expires_at is not None and expires_at <= now:
        message = f"The key would expire at {expires_at.isoformat()}, in the past."
        raise KeyExpiryPastError(message)
    is_member = Membership.objects.filter(user=owner, scope=scope).exists()
    if not (owner.is_superuser or is_member):
        message = f"{owner.username} has no role in {scope.slug}."
        raise OwnerOutsideScopeError(message)


def _random_text(n: int) -> str:
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
    _log(kind, actor=actor, subject=user, scope=scope, data=data, now=now)


def _log_key(
    kind: AccessEventKind, key: ApiKey, actor: User | None, now: datetime
) -> None:
    data = {"prefix": key.prefix, "name": key.name, "verbs": key.verbs}
    _log(kind, actor=actor, subject=key.owner, scope=key.scope, data=data, now=now)


def _log(
    kind: AccessEventKind,
    *,
    actor: User | None,
    subject: User | None,
    now: datetime,
    scope: Scope | None = None,
    data: Mapping[str, object] | None = None,
) -> None:
    AccessEvent.objects.create(
        kind=kind,
        actor=actor,
        subject=subject,
        scope=scope,
        data=dict(data or {}),
        at=now,
    )
