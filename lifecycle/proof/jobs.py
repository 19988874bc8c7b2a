"""What workers do at a model's life, done here and now at a given moment."""

from datetime import datetime
from uuid import UUID

from lifecycle.enums import RunStatus, Trigger
from lifecycle.models import TrainingRun
from lifecycle.services.gate_runs import request_gate_run
from lifecycle.services.gating import hold_against_gates
from lifecycle.services.training_runs import Wanted, request_run, specs_of
from lifecycle.services.training_work import train_run
from predictions.learning.candidate_spec import CandidateSpec
from predictions.models import GateReport, ModelVersion, Workflow
from reviewqueue.models import Snapshot
from reviewqueue.services.snapshots import build_snapshot


class JobFailed(Exception):
    """A job did not come to its end; the message says what it said."""


def asked_run(
    workflow: Workflow,
    *,
    seed: int,
    now: datetime,
    snapshot: Snapshot | None = None,
    candidate: CandidateSpec | None = None,
) -> TrainingRun:
    """Ask for a run: of what the workflow declares, unless of one candidate."""
    specs = (candidate,) if candidate else None
    wanted = Wanted(
        snapshot, specs or specs_of(workflow.declaration.retraining.candidates), seed
    )
    return request_run(
        workflow=workflow,
        wanted=wanted,
        trigger=Trigger.HAND,
        why="for the proof",
        by=None,
        now=now,
    )


def trained_by(run: TrainingRun, *, now: datetime) -> ModelVersion:
    """Build a run's snapshot, train, and return its version.

    Raises: JobFailed, in the words of the job.
    """
    if run.snapshot_id is not None:
        build_snapshot(snapshot_id=run.snapshot_id, clock=lambda: now)
    train_run(run_id=run.pk, clock=lambda: now)
    run.refresh_from_db()
    if run.status != RunStatus.DONE:
        raise JobFailed(f"training: {run.get_status_display()}. {run.said}")
    told = run.report["candidates"][0] if run.report else {}
    if not told.get("version"):
        raise JobFailed(f"training: {told.get('why_not', 'no candidate')}")
    return ModelVersion.objects.select_related("workflow").get(
        pk=UUID(told["version"]["id"])
    )


def held(version: ModelVersion, *, now: datetime) -> GateReport:
    """Hold a version against the gates. Raises: JobFailed."""
    run = request_gate_run(version=version, snapshot_id=None, by=None, now=now)
    hold_against_gates(run_id=run.pk, clock=lambda: now)
    report = GateReport.objects.filter(pk=run.pk).first()
    if report is None:
        run.refresh_from_db()
        raise JobFailed(f"gates: {run.said}")
    return report
