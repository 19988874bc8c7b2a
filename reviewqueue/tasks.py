"""Work in the background: each task loads, calls one service, and may run twice."""

import time
from uuid import UUID

import structlog
from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from predictions.models import PendingScore, Workflow
from predictions.services.wake_ups import wake_scoring
from reviewqueue.services.claims import expire_leases as expire_leases_service
from reviewqueue.services.pipeline import process_batch
from reviewqueue.tasks_figures import merge_tallies
from reviewqueue.tasks_snapshots import build_snapshot, resume_snapshots

__all__ = ["build_snapshot", "merge_tallies", "resume_snapshots"]

log = structlog.get_logger(__name__)

HEARTBEAT_KEY = "worker-heartbeat"
# A task that would score for longer hands over to the next message.
MAX_SECONDS = 120


@shared_task(name="reviewqueue.score_waiting")
def score_waiting(*, workflow_id: str, **kwargs: object) -> int:
    """Score and route what waits in a workflow until nothing is left to take."""
    workflow = Workflow.objects.filter(pk=UUID(workflow_id)).first()
    if workflow is None:
        log.warning("workflow_gone", workflow_id=workflow_id)
        return 0
    n_routed = 0
    deadline = time.monotonic() + MAX_SECONDS
    while batch := process_batch(
        workflow=workflow, limit=settings.SCORE_BATCH_SIZE, now=timezone.now()
    ):
        n_routed += len(batch)
        if time.monotonic() > deadline:
            wake_scoring(workflow.pk)
            break
    return n_routed


@shared_task(name="reviewqueue.sweep_pending")
def sweep_pending(**kwargs: object) -> None:
    """Wake the scoring of every workflow in which items wait."""
    for pk in Workflow.objects.order_by("pk").values_list("pk", flat=True):
        if PendingScore.objects.filter(workflow_id=pk).exists():
            wake_scoring(pk)


@shared_task(name="reviewqueue.expire_leases")
def expire_leases(**kwargs: object) -> int:
    """Return expired leases to the queue, so that lists show them as waiting."""
    return expire_leases_service(now=timezone.now())


@shared_task(name="reviewqueue.worker_heartbeat")
def worker_heartbeat(**kwargs: object) -> None:
    """Leave word that a worker works; the dashboard misses it when it is old."""
    cache.set(HEARTBEAT_KEY, timezone.now().isoformat(), timeout=3600)
