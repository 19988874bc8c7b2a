"""Training runs: which there are, and which wait for somebody."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from lifecycle.enums import OPEN_RUNS, RunStatus
from lifecycle.models import TrainingRun
from predictions.jobs import silent
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot

WORKER_SILENT = timedelta(seconds=60)  # then another worker may take the run over
MAX_TRIES = 3


def runs_of(workflow: Workflow) -> QuerySet[TrainingRun]:
    """Return a workflow's runs with what a list shows; order them newest first."""
    rows = TrainingRun.objects.filter(workflow=workflow)
    return rows.select_related("workflow", "snapshot", "created_by")


def takeable_runs(now: datetime) -> QuerySet[TrainingRun]:
    """Return the runs that a worker may take, the oldest first.

    All but the snapshot is asked of the run's own row: an UPDATE that has waited for
    somebody's lock looks at that row again, and at no other.
    """
    return TrainingRun.objects.filter(
        silent(now, WORKER_SILENT),
        status__in=OPEN_RUNS,
        snapshot__in=Snapshot.objects.filter(status=SnapshotStatus.READY),
        is_cancel_asked=False,
        n_tries__lt=MAX_TRIES,
    ).order_by("pk")


def n_at_work(now: datetime, *, besides: UUID) -> int:
    """Count the runs that workers are at, in all workflows."""
    busy = TrainingRun.objects.filter(
        status=RunStatus.RUNNING, heartbeat_at__gte=now - WORKER_SILENT
    )
    return busy.exclude(pk=besides).count()


def last_run(workflow: Workflow) -> TrainingRun | None:
    """Return the newest run that learnt or tried to; declined ones did neither."""
    rows = TrainingRun.objects.filter(workflow=workflow).exclude(
        status=RunStatus.DECLINED
    )
    return rows.order_by("-pk").first()


def last_declined(workflow: Workflow) -> TrainingRun | None:
    """Return the newest run where it was declined, None where it was not."""
    newest = TrainingRun.objects.filter(workflow=workflow).order_by("-pk").first()
    is_declined = newest is not None and newest.status == RunStatus.DECLINED
    return newest if is_declined else None


def versions_of(run: TrainingRun) -> dict[int, ModelVersion]:
    """Return the versions that came of a run, by the candidate's place in it."""
    rows = ModelVersion.objects.filter(
        workflow_id=run.workflow_id,
        snapshot_id=run.snapshot_id,
        report__training_run=str(run.pk),
    )
    return {row.report["candidate"]: row for row in rows.order_by("number")}
