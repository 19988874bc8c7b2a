"""Web-hooks: addresses that hear of notices, what they are signed with, replays."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from predictions.declaration import FieldError
from predictions.models import Workflow
from predictions.outbound import AddressRefused, read_url
from reviewqueue.enums import DeliveryStatus, NoticeKind
from reviewqueue.models import Delivery, Webhook
from reviewqueue.services.notices import wake_sender

MAX_WEBHOOKS = 20
SECRET_PREFIX = "whsec_"  # noqa: S105 -- what every secret begins with
SECRET_BYTES = 32
DISABLED = "The web-hook was disabled."


class InvalidWebhook(ValueError):
    """What was asked for cannot be a web-hook."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


class ReplayRefused(Exception):
    """The delivery cannot be sent again; the message says why."""


@transaction.atomic
def add_webhook(
    *,
    workflow: Workflow,
    url: str,
    kinds: Sequence[str],
    by: User,
    now: datetime,
) -> Webhook:
    """Store an address with a fresh secret; no `kinds` means all of them.

    The secret is on the object that is returned: whoever calls shows it once.
    Raises: InvalidWebhook.
    """
    # Two at once would both find room.
    Workflow.objects.select_for_update(no_key=True).only("pk").get(pk=workflow.pk)
    errors = _errors(workflow, url, kinds)
    if errors:
        raise InvalidWebhook(errors)
    key = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return Webhook.objects.create(
        workflow=workflow,
        url=url,
        secret=SECRET_PREFIX + key,
        kinds=sorted(set(kinds)),
        created_by=by,
        created_at=now,
    )


def _errors(workflow: Workflow, url: str, kinds: Sequence[str]) -> list[FieldError]:
    errors = [
        FieldError("kinds", "value", kind)
        for kind in kinds
        if kind not in NoticeKind.values
    ]
    if not url:
        return [*errors, FieldError("url", "missing")]
    try:
        read_url(url, allow_private=settings.WEBHOOK_ALLOW_PRIVATE)
    except AddressRefused as refusal:
        errors += refusal.errors
    live = Webhook.objects.filter(workflow=workflow, disabled_at=None)
    if live.filter(url=url).exists():
        errors.append(FieldError("url", "taken", url[:100]))
    if live.count() >= MAX_WEBHOOKS:
        errors.append(FieldError("url", "too_many", MAX_WEBHOOKS))
    return errors


@transaction.atomic
def disable_webhook(*, webhook: Webhook, now: datetime) -> None:
    """Send nothing to it any more, and give up what waits. For good."""
    Webhook.objects.filter(pk=webhook.pk, disabled_at=None).update(disabled_at=now)
    waiting = Delivery.objects.filter(webhook=webhook, status=DeliveryStatus.WAITING)
    waiting.update(status=DeliveryStatus.GIVEN_UP, next_at=None, last_error=DISABLED)


@transaction.atomic
def replay_delivery(*, delivery: Delivery, now: datetime) -> None:
    """Send a delivery again now, whatever became of it, with all its tries.

    What waits already keeps the tries that it had. Raises: ReplayRefused.
    """
    locked = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("webhook")
        .get(pk=delivery.pk)
    )
    if locked.webhook.disabled_at is not None:
        raise ReplayRefused(DISABLED)
    if locked.status != DeliveryStatus.WAITING:
        locked.attempts = 0
    locked.status = DeliveryStatus.WAITING
    locked.next_at = now
    locked.delivered_at = None
    locked.save(update_fields=["attempts", "status", "next_at", "delivered_at"])
    transaction.on_commit(lambda: wake_sender(locked.webhook_id))


def sign(secret: str, *, message_id: UUID | str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message.

    `v1,` and the base64 of HMAC-SHA256 over "id.timestamp.body"; the key is what
    follows the prefix, base64-decoded. Raises: ValueError for a secret of no such form.
    Source: Standard Webhooks 1.0, "Signature scheme".
    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        msg = "The secret is not base64."
        raise ValueError(msg) from error
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
