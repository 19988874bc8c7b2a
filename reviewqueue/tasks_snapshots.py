"""Building snapshots in the background."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from reviewqueue.services.snapshots import (
    build_snapshot as build_snapshot_service,
)
from reviewqueue.services.snapshots import (
    give_up_snapshots,
    waiting_snapshots,
    wake_builder,
)


@shared_task(name="reviewqueue.build_snapshot", time_limit=3600, soft_time_limit=3590)
def build_snapshot(*, snapshot_id: str, **kwargs: object) -> bool:
    """Write one snapshot's file."""
    return build_snapshot_service(snapshot_id=UUID(snapshot_id), clock=timezone.now)


@shared_task(name="reviewqueue.resume_snapshots")
def resume_snapshots(**kwargs: object) -> None:
    """Wake a worker for every snapshot that nobody is at; fail what nobody finishes."""
    now = timezone.now()
    give_up_snapshots(now=now)
    for snapshot_id in waiting_snapshots(now=now):
        wake_builder(snapshot_id)
