"""Periodic work on what the models see."""

from celery import shared_task
from django.utils import timezone

from predictions.models import Workflow
from predictions.services.profiles import refresh_profile


@shared_task(name="predictions.refresh_profiles")
def refresh_profiles(**kwargs: object) -> None:
    """Summarise the recent items of every workflow."""
    now = timezone.now()
    for workflow in Workflow.objects.order_by("slug"):
        refresh_profile(workflow=workflow, now=now)
