"""Periodic work on what the models see."""

from celery import shared_task
from django.utils import timezone

from predictions.models import Workflow
from predictions.services.profiles import refresh_profile
from predictions.services.windows import close_idle_windows
from predictions.tasks_media import (
    make_previews,
    read_archive,
    sweep_archives,
    sweep_previews,
    tidy_media,
)

__all__ = [
    "make_previews",
    "read_archive",
    "sweep_archives",
    "sweep_previews",
    "tidy_media",
]


@shared_task(name="predictions.refresh_profiles")
def refresh_profiles(**kwargs: object) -> None:
    """Summarise the recent items of every workflow."""
    now = timezone.now()
    for workflow in Workflow.objects.order_by("slug"):
        refresh_profile(workflow=workflow, now=now)


@shared_task(name="predictions.close_windows")
def close_windows(**kwargs: object) -> int:
    """Make items of the windows that machines which have gone quiet left open."""
    return close_idle_windows(now=timezone.now())
