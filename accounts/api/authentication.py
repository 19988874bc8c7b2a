"""Bearer keys: who is calling, and what the key lets them do."""

import hmac

import structlog
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiKey, User
from accounts.permissions import Actor
from accounts.services_keys import hash_key, touch_api_key

SCHEME = "Bearer"


class BearerKeyAuthentication(BaseAuthentication):
    """Reads `Authorization: Bearer <key>`; one query finds the key and its owner."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != SCHEME.lower().encode():
            return None
        key = _live_key(_plaintext(parts))
        touch_api_key(key=key, now=timezone.now())
        structlog.contextvars.bind_contextvars(user_id=str(key.owner_id))
        request.actor = Actor(  # type: ignore[attr-defined]  # ours, for this request
            user=key.owner, key=key
        )
        return key.owner, key

    def authenticate_header(self, request: Request) -> str:
        return f'{SCHEME} realm="api"'


def _plaintext(parts: list[bytes]) -> str:
    if len(parts) != 2:
        message = "The Authorization header must be 'Bearer' and one key."
        raise AuthenticationFailed(message)
    try:
        return parts[1].decode("ascii")
    except UnicodeDecodeError as error:
        message = "The key holds characters that no key has."
        raise AuthenticationFailed(message) from error


def _live_key(plaintext: str) -> ApiKey:
    prefix = plaintext.rpartition("_")[0]
    key = ApiKey.objects.select_related("owner").filter(prefix=prefix[:20]).first()
    # Compared even when there is none, so that the time tells nothing about prefixes.
    stored = key.secret_hash if key else "0" * 64
    matches = hmac.compare_digest(stored, hash_key(plaintext))
    if key is None or not matches:
        message = "This key is not known."
        raise AuthenticationFailed(message)
    if not key.is_live(timezone.now()):
        message = "This key has expired or was revoked."
        raise AuthenticationFailed(message)
    if not key.owner.is_active:
        message = "The owner of this key is not active."
        raise AuthenticationFailed(message)
    return key
