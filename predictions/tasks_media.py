"""Previews in the background."""

import time
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from predictions.models import Workflow
from predictions.services.kept_files import drop_old_kept
from predictions.services.media import wake_previews
from predictions.services.media_archives import (
    erase_read,
    waiting_archives,
    wake_reader,
)
from predictions.services.media_archives import (
    read_archive as read_archive_service,
)
from predictions.services.media_previews import make_previews as make_previews_service
from predictions.services.media_previews import previews_wait
from predictions.services.media_removal import (
    drop_unfinished,
    erase_removed,
    remove_old,
)
from predictions.services.media_uploads import drop_expired

MAX_SECONDS = 120


@shared_task(name="predictions.make_previews")
def make_previews(**kwargs: object) -> int:
    """Make the previews that wait until none does, or hand over after two minutes."""
    n_made = 0
    deadline = time.monotonic() + MAX_SECONDS
    while make_previews_service(clock=timezone.now):
        n_made += 1
        if time.monotonic() > deadline:
            wake_previews()
            break
    return n_made


@shared_task(name="predictions.read_archive", time_limit=3600, soft_time_limit=3590)
def read_archive(*, archive_id: str, **kwargs: object) -> bool:
    """Store the items of one archive."""
    return read_archive_service(archive_id=UUID(archive_id), clock=timezone.now)


@shared_task(name="predictions.sweep_archives")
def sweep_archives(**kwargs: object) -> None:
    """Wake a worker for every archive that nobody is at."""
    for archive_id in waiting_archives(now=timezone.now()):
        wake_reader(archive_id)


@shared_task(name="predictions.tidy_media")
def tidy_media(**kwargs: object) -> None:
    """Remove what retention ends and what nothing refers to; erase what is removed."""
    now = timezone.now()
    drop_unfinished(now=now)
    for workflow in Workflow.objects.order_by("slug"):
        remove_old(workflow=workflow, now=now)
    erase_removed(now=now)
    erase_read(now=now)
    drop_expired(now=now)
    drop_old_kept(now=now)


@shared_task(name="predictions.sweep_previews")
def sweep_previews(**kwargs: object) -> None:
    """Wake a worker when previews wait that nobody is at."""
    if previews_wait(now=timezone.now()):
        wake_previews()
