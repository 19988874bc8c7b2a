"""The watch over what was granted, in the background: a task for each workflow."""

from collections.abc import Iterable
from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone

from predictions.models import Workflow
from reviewqueue.models import Segment, TrustMove
from reviewqueue.services.drift import watch_drift as watch_drift_service
from reviewqueue.services.trust_watch import watch_trust as watch_trust_service
from reviewqueue.services.wake_ups import wake_drift_watch, wake_watch

log = structlog.get_logger(__name__)


@shared_task(name="reviewqueue.watch_trust")
def watch_trust(**kwargs: object) -> None:
    """Wake the watch over every workflow with segments."""
    for pk in _with_segments():
        wake_watch(pk)


@shared_task(name="reviewqueue.watch_drift")
def watch_drift(**kwargs: object) -> None:
    """Wake the watch over drift in every workflow with segments."""
    for pk in _with_segments():
        wake_drift_watch(pk)


@shared_task(name="reviewqueue.watch_workflow_trust")
def watch_workflow_trust(*, workflow_id: str, **kwargs: object) -> int:
    """Withdraw, and grant where it may, in one workflow."""
    workflow = Workflow.objects.get(pk=UUID(workflow_id))
    return _said(watch_trust_service(workflow=workflow, now=timezone.now()))


@shared_task(name="reviewqueue.watch_workflow_drift")
def watch_workflow_drift(*, workflow_id: str, **kwargs: object) -> int:
    """Withdraw where scores or inputs moved, in one workflow."""
    workflow = Workflow.objects.get(pk=UUID(workflow_id))
    return _said(watch_drift_service(workflow=workflow, now=timezone.now()))


def _with_segments() -> Iterable[UUID]:
    return Segment.objects.order_by().values_list("workflow_id", flat=True).distinct()


def _said(moves: list[TrustMove]) -> int:
    for move in moves:
        log.info("trust_moved", kind=move.kind, cause=move.cause, move=str(move.pk))
    return len(moves)
