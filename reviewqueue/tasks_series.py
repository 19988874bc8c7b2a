"""Late truth that follows from failures of machines."""

from celery import shared_task
from django.utils import timezone

from reviewqueue.services.machine_failures import settle_recent


@shared_task(name="reviewqueue.settle_failures")
def settle_failures(**kwargs: object) -> int:
    """Record what failures tell of items that came after them."""
    return settle_recent(now=timezone.now())
