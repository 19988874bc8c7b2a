"""Tell people and other programs what happened, in the transaction in which it did."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.models import User
from predictions.models import Workflow
from predictions.services.wake_ups import wake
from reviewqueue.enums import DeliveryStatus, NoticeKind
from reviewqueue.models import Delivery, Notice, Webhook

MAX_TEXT_LENGTH = 300


@transaction.atomic
def notify(
    *,
    workflow: Workflow,
    kind: NoticeKind,
    text: str,
    data: Mapping[str, Any],
    now: datetime,
) -> Notice:
    """Write a notice, and a waiting delivery for every web-hook that wants its kind.

    Both are there exactly when what they tell of is: the caller's transaction holds
    them. Sends nothing; once it commits, workers are woken. `data` holds no feature
    values. A text that is too long is cut, so that no withdrawal fails by its words.
    """
    notice = Notice.objects.create(
        workflow=workflow,
        kind=kind,
        text=_cut(text),
        data=dict(data),
        at=now,
    )
    hooks = Webhook.objects.filter(workflow=workflow, disabled_at=None)
    wanting = [hook for hook in hooks if not hook.kinds or kind.value in hook.kinds]
    Delivery.objects.bulk_create(
        Delivery(
            webhook=hook, notice=notice, status=DeliveryStatus.WAITING, next_at=now
        )
        for hook in wanting
    )
    for hook in wanting:
        transaction.on_commit(partial(wake_sender, hook.pk), robust=True)
    return notice


def wake_sender(webhook_id: UUID) -> None:
    """Wake the sending to one web-hook."""
    wake("reviewqueue.send_deliveries", webhook_id=str(webhook_id))


_READ = """
INSERT INTO reviewqueue_noticeread AS mark (workflow_id, reader_id, upto)
VALUES (%s, %s, %s)
ON CONFLICT (workflow_id, reader_id)
DO UPDATE SET upto = GREATEST(mark.upto, EXCLUDED.upto)
"""


def mark_read(*, workflow: Workflow, reader: User, upto: UUID) -> None:
    """Note that a person has read the notices up to this one; never goes back.

    Raises: Notice.DoesNotExist.
    """
    notice = Notice.objects.only("id").get(pk=upto, workflow=workflow)
    with connection.cursor() as cursor:
        cursor.execute(_READ, [workflow.pk, reader.pk, notice.pk])


def _cut(text: str) -> str:
    if len(text) <= MAX_TEXT_LENGTH:
        return text
    return text[: MAX_TEXT_LENGTH - 1] + "…"
