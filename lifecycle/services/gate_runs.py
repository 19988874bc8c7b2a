"""Ask for a version to be held against its workflow's gates, and follow the jobs."""

import hashlib
import json
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from lifecycle.enums import OPEN_GATE_RUNS, GateRunStatus
from lifecycle.models import GateRun, TrainingRun
from lifecycle.queries.training_runs import versions_of
from predictions.declaration import FieldError
from predictions.jobs import jobs_without_worker, silent
from predictions.models import ModelVersion, Workflow
from predictions.queries.model_versions import champion_of
from predictions.queries.promotion import gates_in_force
from predictions.services.wake_ups import wake
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshots_masked import masked_snapshots

SILENT = timedelta(minutes=3)  # then another worker may take the run over
GIVE_UP_AFTER = timedelta(hours=6)
MAX_TRIES = 3
GIVEN_UP = "No worker finished it; the log of the workers says why."


class GateRunRefused(ValueError):
    """What was asked for cannot be held against gates."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.detail or e.rule}" for e in errors))
        self.errors = errors


@transaction.atomic
def request_gate_run(
    *,
    version: ModelVersion,
    snapshot_id: UUID | None,
    by: User | None,
    now: datetime,
) -> GateRun:
    """File a run on a snapshot, and wake a worker; finds the open run for the same.

    Locks the workflow, whose gates and champion it keeps.
    On the snapshot asked for; else on the version's own; else on the newest ready one;
    else on no rows, on which only the artifact is judged.
    Raises: GateRunRefused.
    """
    workflow = Workflow.objects.select_for_update(no_key=True).get(
        pk=version.workflow_id
    )
    gates = gates_in_force(workflow.declaration)
    if not gates:
        detail = "the workflow declares no gates"
        raise GateRunRefused([FieldError("gates", "none_declared", detail=detail)])
    snapshot = _snapshot(version, snapshot_id)
    champion = champion_of(workflow)
    if champion == version:
        champion = None
    fingerprint = _fingerprint(snapshot, champion, gates)
    same = GateRun.objects.filter(model_version=version, fingerprint=fingerprint)
    if (open_one := same.filter(status__in=OPEN_GATE_RUNS).first()) is not None:
        return open_one
    run = GateRun.objects.create(
        model_version=version,
        champion=champion,
        snapshot=snapshot,
        gates=gates,
        fingerprint=fingerprint,
        created_by=by,
        created_at=now,
    )
    transaction.on_commit(lambda: wake_gate_run(run.pk))
    return run


def hold_trained(run: TrainingRun, *, now: datetime) -> None:
    """Ask for all versions of a run to be held against the gates, where there are any.

    On the run's own snapshot; in the caller's transaction.
    """
    if not gates_in_force(run.workflow.declaration):
        return
    for version in versions_of(run).values():
        request_gate_run(
            version=version, snapshot_id=run.snapshot_id, by=run.created_by, now=now
        )


def wake_gate_run(run_id: UUID) -> None:
    """Send word to the workers; a lost message is made good by the sweep."""
    wake("lifecycle.hold_against_gates", run_id=str(run_id))


def open_gate_runs() -> QuerySet[GateRun]:
    return GateRun.objects.filter(status__in=OPEN_GATE_RUNS)


def waiting_gate_runs(*, now: datetime) -> list[UUID]:
    """List the runs that no worker is at."""
    return jobs_without_worker(open_gate_runs(), now=now, after=SILENT)


def give_up_gate_runs(*, now: datetime) -> int:
    """Fail the runs that nobody finished, so that they say so."""
    late = Q(created_at__lt=now - GIVE_UP_AFTER)
    worn_out = silent(now, SILENT) & Q(n_tries__gte=MAX_TRIES)
    runs = open_gate_runs().filter(late | worn_out)
    return runs.update(status=GateRunStatus.FAILED, said=GIVEN_UP, ended_at=now)


def _snapshot(version: ModelVersion, snapshot_id: UUID | None) -> Snapshot | None:
    there = Snapshot.objects.filter(workflow_id=version.workflow_id)
    if snapshot_id is not None:
        chosen = there.filter(pk=snapshot_id).first()
        if chosen is None:
            raise GateRunRefused([FieldError("snapshot_id", "unknown", snapshot_id)])
        if chosen.status != SnapshotStatus.READY:
            errors = [FieldError("snapshot_id", "not_ready", chosen.status)]
            raise GateRunRefused(errors)
        if chosen.is_unmasked:
            raise GateRunRefused([FieldError("snapshot_id", "unmasked", snapshot_id)])
        return chosen
    ready = masked_snapshots(there).filter(status=SnapshotStatus.READY)
    own = ready.filter(pk=version.snapshot_id).first() if version.snapshot_id else None
    return own or ready.order_by("-as_of", "-pk").first()


def _fingerprint(
    snapshot: Snapshot | None,
    champion: ModelVersion | None,
    gates: list[dict[str, object]],
) -> str:
    ids = [str(one.pk) if one else None for one in (snapshot, champion)]
    text = json.dumps([*ids, gates], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
