"""What the page of a version says of gates, approvals and the stages above it."""

from typing import Any

from django.utils import timezone

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from lifecycle.queries.gates import gate_lines, open_run, verdict_chip
from predictions.enums import STAGE_TRANSITIONS, Stage
from predictions.models import ModelVersion, Workflow
from predictions.queries.promotion import (
    approvals_in_force,
    gates_in_force,
    is_step_up,
    newest_report,
    obstacles,
)
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshots_masked import masked_snapshots

N_SNAPSHOTS = 30


def standing(
    page: AuthenticatedRequest, workflow: Workflow, version: ModelVersion
) -> dict[str, Any]:
    """Return what the gates' part of a version's page shows."""
    gates = gates_in_force(workflow.declaration)
    report, now = newest_report(version), timezone.now()
    approvals = approvals_in_force(version, report, now=now)
    steps_up = [
        to for to in STAGE_TRANSITIONS[Stage(version.stage)] if is_step_up(version, to)
    ]
    return {
        "asks": bool(gates) or workflow.declaration.promotion.approvals > 1,
        "n_gates": len(gates),
        "n_approvals": workflow.declaration.promotion.approvals,
        "report": report,
        "chip": verdict_chip(report, gates) if report else None,
        "lines": gate_lines(report) if report else [],
        "run": open_run(version),
        "approvals": approvals,
        "has_approved": any(one.by_id == page.user.pk for one in approvals),
        "steps_up": [
            (
                to,
                obstacles(
                    version=version,
                    to=to,
                    mover=page.user,
                    declaration=workflow.declaration,
                    now=now,
                ),
            )
            for to in sorted(steps_up, key=list(Stage).index)
        ],
        "snapshots": _snapshots(workflow) if gates else [],
        "can_stage": page.actor.can(Permission.MODELS_STAGE, workflow.pk),
    }


def _snapshots(workflow: Workflow) -> list[Snapshot]:
    rows = masked_snapshots(
        Snapshot.objects.filter(workflow=workflow, status=SnapshotStatus.READY)
    )
    return list(rows.order_by("-as_of", "-pk")[:N_SNAPSHOTS])
