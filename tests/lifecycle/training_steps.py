"""Labelled items, snapshots and runs for tests, made through the real services."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from accounts.models import User
from lifecycle.enums import Trigger
from lifecycle.models import TrainingRun
from lifecycle.services.training_runs import Wanted, request_run
from lifecycle.services.training_work import train_run
from predictions.learning.candidate_spec import CandidateSpec
from predictions.models import Workflow
from reviewqueue.models import Snapshot
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, store
from tests.reviewqueue.services.snapshot_steps import built

GRADIENT = CandidateSpec("gradient_boosting")
LOGISTIC = CandidateSpec("logistic")
BASELINE = CandidateSpec("baseline")


def drawn_items(
    n: int, *, now: datetime, leak: bool = False
) -> list[dict[str, object]]:
    """Return items of which about 40 % are fraud: high amounts, with some noise.

    With `leak`, what is fraud is told by the feature `night` alone.
    """
    rng = np.random.default_rng(11)
    rows = []
    for number in range(n):
        amount = float(rng.gamma(2.0, 200.0))
        is_fraud = (amount > 400) != (rng.random() < 0.1)
        night = is_fraud if leak else bool(rng.random() < 0.5)
        raw = raw_item(
            number,
            now=now,
            amount=round(amount, 2),
            night=night,
            customer=f"c-{number % (n // 3)}",
        )
        raw["occurred_at"] = (now - timedelta(minutes=n - number)).isoformat()
        rows.append(raw | {"label": "fraud" if is_fraud else "legitimate"})
    return rows


def labelled_snapshot(
    workflow: Workflow, n: int = 800, *, now: datetime, leak: bool = False
) -> Snapshot:
    """Store items, route them, learn the truth of each, take a snapshot of it."""
    add_labels(workflow, drawn_items(n, now=now, leak=leak), now=now)
    moment = now + timedelta(minutes=1)
    return built(workflow, now=moment, as_of=moment)


def add_labels(
    workflow: Workflow, rows: Sequence[Mapping[str, object]], *, now: datetime
) -> None:
    items = [{k: v for k, v in row.items() if k != "label"} for row in rows]
    store(workflow, items, now=now)
    process_batch(workflow=workflow, limit=len(items), now=now)
    truth = [OutcomeRow(str(r["external_id"]), str(r["label"]), now) for r in rows]
    record_outcomes(workflow=workflow, rows=truth, by=None, now=now)


def ask(
    workflow: Workflow,
    snapshot: Snapshot | None,
    *candidates: CandidateSpec,
    now: datetime,
    seed: int = 3,
    by: User | None = None,
) -> TrainingRun:
    return request_run(
        workflow=workflow,
        wanted=Wanted(snapshot, candidates or (LOGISTIC,), seed),
        trigger=Trigger.HAND,
        why="by hand",
        by=by,
        now=now,
    )


def worked(run: TrainingRun) -> TrainingRun:
    """Let a worker at a run, and return it as it is afterwards."""
    train_run(run_id=run.pk, clock=timezone.now)
    run.refresh_from_db()
    return run


def renamed(candidate: CandidateSpec, name: str) -> CandidateSpec:
    return replace(candidate, name=name)
