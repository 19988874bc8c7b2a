"""Sending notices to web-hooks in the background."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from reviewqueue.services.deliveries import send_due, waiting_webhooks
from reviewqueue.services.notices import wake_sender


@shared_task(name="reviewqueue.send_deliveries")
def send_deliveries(*, webhook_id: str, **kwargs: object) -> int:
    """Send what is due to one web-hook."""
    return send_due(webhook_id=UUID(webhook_id), clock=timezone.now)


@shared_task(name="reviewqueue.sweep_deliveries")
def sweep_deliveries(**kwargs: object) -> None:
    """Wake the sending to every web-hook for which something is due."""
    for webhook_id in waiting_webhooks(now=timezone.now()):
        wake_sender(webhook_id)
