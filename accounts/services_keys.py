"""The only writers of API keys."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.enums import AccessEventKind
from accounts.models import ApiKey, Membership, Scope, User
from accounts.permissions import KEY_PERMISSIONS, Permission
from accounts.services import AccessError, log_access, random_text

KEY_PREFIX_CHARS = 10
KEY_SECRET_BYTES = 32
LAST_USED_RESOLUTION = timedelta(minutes=1)


class InvalidVerbsError(AccessError):
    """The key asks for verbs that no key may carry, or for none."""


class OwnerOutsideScopeError(AccessError):
    """The owner of the key has no role in its scope."""


class KeyExpiryPastError(AccessError):
    """The key would have expired before its first use."""


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
    prefix = f"cs_{random_text(KEY_PREFIX_CHARS)}"
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


def _log_key(
    kind: AccessEventKind, key: ApiKey, actor: User | None, now: datetime
) -> None:
    data = {"prefix": key.prefix, "name": key.name, "verbs": key.verbs}
    log_access(
        kind, actor=actor, subject=key.owner, scope=key.scope, data=data, now=now
    )
