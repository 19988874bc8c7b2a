"""Work in the background: each task loads, calls one service, and may run twice."""

import time
from uuid import UUID

import structlog
from celery import shared_task
from celery.signals import heartbeat_sent
from django.conf import settings
from django.utils import timezone

from predictions.models import PendingScore, Workflow
from predictions.services.wake_ups import wake_scoring
from reviewqueue.services.claims import expire_leases as expire_leases_service
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.strays import return_strays
from reviewqueue.services.workers import leave_sign
from reviewqueue.tasks_figures import merge_tallies
from reviewqueue.tasks_gold import watch_gold
from reviewqueue.tasks_series import remove_old_readings, settle_failures
from reviewqueue.tasks_snapshots import build_snapshot, resume_snapshots
from reviewqueue.tasks_trust import (
    watch_drift,
    watch_trust,
    watch_workflow_drift,
    watch_workflow_trust,
)
from reviewqueue.tasks_webhooks import send_deliveries, sweep_deliveries

__all__ = [
    "build_snapshot",
    "merge_tallies",
    "remove_old_readings",
    "resume_snapshots",
    "send_deliveries",
    "settle_failures",
    "sweep_deliveries",
    "watch_drift",
    "watch_gold",
    "watch_trust",
    "watch_workflow_drift",
    "watch_workflow_trust",
]

log = structlog.get_logger(__name__)

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
    """Return expired leases to the queue, and what people may no longer see."""
    now = timezone.now()
    return expire_leases_service(now=now) + return_strays(now=now)


@heartbeat_sent.connect
def say_that_a_worker_is_there(**kwargs: object) -> None:
    """Leave word from the worker's first process: a task would wait for a free one."""
    leave_sign(now=timezone.now())
