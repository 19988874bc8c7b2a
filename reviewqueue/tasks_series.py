"""Late truth that follows from failures of machines, and readings that are old."""

from celery import shared_task
from django.utils import timezone

from predictions.models import Workflow
from reviewqueue.services.machine_failures import settle_recent
from reviewqueue.services.reading_retention import (
    remove_old_readings as remove_old_readings_service,
)


@shared_task(name="reviewqueue.settle_failures")
def settle_failures(**kwargs: object) -> int:
    """Record what failures tell of items that came after them."""
    return settle_recent(now=timezone.now())


@shared_task(name="reviewqueue.remove_old_readings")
def remove_old_readings(**kwargs: object) -> int:
    """Remove the readings that are past their days."""
    now = timezone.now()
    return sum(
        remove_old_readings_service(workflow=workflow, now=now)
        for workflow in Workflow.objects.order_by("slug")
    )
