"""Send what waits for web-hooks: at least once, outside any transaction."""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import structlog
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet

from predictions.outbound import Posted, post
from reviewqueue.enums import DeliveryStatus
from reviewqueue.models import Delivery, Notice
from reviewqueue.services.notices import wake_sender
from reviewqueue.services.webhooks import DISABLED, sign

# A sender that is silent for longer is given up for dead, and its delivery sent again.
IN_FLIGHT = timedelta(seconds=120)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=6)
MAX_TRIES = 12  # over a day and a half
# Rows that one transaction counts a try for.
FAIL_BATCH = 500
# A task that would send for longer hands over to the next message.
MAX_SECONDS = 100

log = structlog.get_logger(__name__)
type Clock = Callable[[], datetime]


def waiting_webhooks(*, now: datetime) -> list[UUID]:
    """List the web-hooks for which something is due."""
    return list(_due(now).order_by().values_list("webhook_id", flat=True).distinct())


def send_due(*, webhook_id: UUID, clock: Clock) -> int:
    """Send what is due to one web-hook, one after the other; count the tries.

    Each delivery is taken by compare-and-set for a bounded time, posted outside any
    transaction, and its result stored only where nobody has taken it over. A worker
    that dies in between leaves it to be sent again: the receiver sees the same
    `webhook-id`. Where the address did not answer at all, the try counts for
    everything that is due there, so that a dead address holds a worker for one
    time-out and not for many.
    """
    n_tried = 0
    deadline = time.monotonic() + MAX_SECONDS
    while (delivery := _take(webhook_id, now=clock())) is not None:
        posted = _send(delivery, now=clock())
        _store(delivery, posted, now=clock())
        n_tried += 1
        if posted.status is None:
            _fail_due(webhook_id, posted, now=clock())
        if time.monotonic() > deadline:
            wake_sender(webhook_id)
            break
    return n_tried


def message(notice: Notice) -> bytes:
    """Return the body that tells of a notice: the same bytes at every try."""
    body = {
        "id": notice.id,
        "kind": notice.kind,
        "workflow": notice.workflow.slug,
        "text": notice.text,
        "data": notice.data,
        "at": notice.at,
    }
    return json.dumps(
        body, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")
    ).encode()


def pause_after(n_tries: int) -> timedelta:
    """Return how long to wait after the n-th try: 30 s, four times as long each."""
    n_doublings: int = 2 * min(n_tries - 1, 10)
    return min(FIRST_PAUSE * (1 << n_doublings), LONGEST_PAUSE)


def _due(now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(status=DeliveryStatus.WAITING, next_at__lte=now)


@transaction.atomic
def _take(webhook_id: UUID, *, now: datetime) -> Delivery | None:
    """Take the next delivery: whoever counted the try up may store its result."""
    due = _due(now).filter(webhook_id=webhook_id).order_by("next_at", "id")
    taken = due.select_for_update(skip_locked=True, of=("self",)).first()
    if taken is None:
        return None
    taken.attempts += 1
    taken.next_at = now + IN_FLIGHT
    taken.save(update_fields=["attempts", "next_at"])
    return Delivery.objects.select_related("webhook", "notice__workflow").get(
        pk=taken.pk
    )


def _send(delivery: Delivery, *, now: datetime) -> Posted:
    hook, notice = delivery.webhook, delivery.notice
    if hook.disabled_at is not None:
        return Posted(None, DISABLED)
    body, timestamp = message(notice), int(now.timestamp())
    headers = {
        "content-type": "application/json",
        "user-agent": "Countersign",
        "webhook-id": str(notice.id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(
            hook.secret, message_id=notice.id, timestamp=timestamp, body=body
        ),
    }
    return post(
        hook.url,
        body,
        headers,
        timeout_seconds=settings.WEBHOOK_TIMEOUT_SECONDS,
        allow_private=settings.WEBHOOK_ALLOW_PRIVATE,
    )


def _store(delivery: Delivery, posted: Posted, *, now: datetime) -> None:
    """Write a try's result, unless another sender has taken the delivery over."""
    mine = Delivery.objects.filter(
        pk=delivery.pk, status=DeliveryStatus.WAITING, attempts=delivery.attempts
    )
    mine.update(**_result(delivery.attempts, posted, now=now))
    log.info(
        "delivery_tried",
        delivery_id=str(delivery.pk),
        webhook_id=str(delivery.webhook_id),
        attempt=delivery.attempts,
        status=posted.status,
        error=posted.error,
    )


def _result(n_tries: int, posted: Posted, *, now: datetime) -> dict[str, object]:
    """Return the columns of a delivery after its n-th try."""
    told = {"last_status_code": posted.status, "last_error": posted.error}
    if posted.is_delivered:
        status = DeliveryStatus.DELIVERED
        return {"status": status, "next_at": None, "delivered_at": now, **told}
    if n_tries >= MAX_TRIES or posted.error == DISABLED:
        return {"status": DeliveryStatus.GIVEN_UP, "next_at": None, **told}
    return {"next_at": now + pause_after(n_tries), **told}


def _fail_due(webhook_id: UUID, posted: Posted, *, now: datetime) -> None:
    """Count a try without an answer for everything else that is due there.

    In batches, each a transaction: what failed is not due any more at `now`.
    """
    while _fail_batch(webhook_id, posted, now=now) == FAIL_BATCH:
        pass


@transaction.atomic
def _fail_batch(webhook_id: UUID, posted: Posted, *, now: datetime) -> int:
    due = _due(now).filter(webhook_id=webhook_id).order_by("next_at", "id")
    batch = list(due.select_for_update(skip_locked=True, of=("self",))[:FAIL_BATCH])
    for n_tries, tried in groupby(sorted(batch, key=_attempts), key=_attempts):
        changes = _result(n_tries + 1, posted, now=now)
        same = Delivery.objects.filter(pk__in=[one.pk for one in tried])
        same.update(attempts=n_tries + 1, **changes)
    return len(batch)


def _attempts(delivery: Delivery) -> int:
    return delivery.attempts
