"""Fill one demo workflow: a trained champion, five weeks of work, a backlog."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from django.db import transaction

from accounts.models import User
from predictions.enums import IntakeSource, Stage
from predictions.models import Workflow
from predictions.services.intake import store_items
from predictions.services.labelled_rows import LabelledRows
from predictions.services.profiles import refresh_profile
from predictions.services.registry import change_stage
from predictions.services.training import train_version
from predictions.services.workflows import declare_workflow
from reviewqueue.demo.simulation import (
    SimulatedReviewer,
    pass_upwards,
    work_through,
)
from reviewqueue.demo.streams import Features, Stream
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.policies import first_policy

DAYS = 35
N_ESCALATED = 2
N_BROKEN = 4


def declare_demo(*, folder: Path, slug: str, by: User, now: datetime) -> Workflow:
    """Declare a demo workflow from its file and start its policy."""
    source = (folder / f"{slug}.toml").read_text(encoding="utf-8")
    workflow, _ = declare_workflow(source_toml=source, by=by, now=now)
    first_policy(workflow=workflow, by=by, now=now)
    return workflow


@transaction.atomic
def fill_workflow(
    *,
    workflow: Workflow,
    stream: Stream,
    reviewers: Sequence[SimulatedReviewer],
    by: User,
    seed: int,
    now: datetime,
) -> int:
    """Train, promote, and live through five weeks; returns the number of decisions.

    All or nothing: a start that is interrupted begins again.
    """
    rng = np.random.default_rng(seed)
    begin = now - timedelta(days=DAYS)
    _train_champion(workflow, stream, by=by, seed=seed, now=begin)
    rows = [(f"{stream.prefix}-{i + 1:05}", *row) for i, row in enumerate(stream.live)]
    truth = {external_id: label for external_id, _, label in rows}
    n_past = len(rows) - stream.n_backlog
    n_decided = 0
    for day, chunk in enumerate(np.array_split(np.arange(n_past), DAYS)):
        morning = begin + timedelta(days=day, hours=1)
        _arrive([rows[i][:2] for i in chunk], workflow=workflow, now=morning)
        n_decided += work_through(
            workflow=workflow,
            reviewers=reviewers,
            truth=truth,
            rng=rng,
            start=morning + timedelta(minutes=30),
            max_cases=len(chunk) * 2,
        )
    _late_truth(
        [rows[i] for i in range(n_past) if rng.random() < stream.outcome_share],
        workflow=workflow,
        now=now - timedelta(hours=6),
    )
    _leave_a_backlog(rows[n_past:], workflow=workflow, reviewers=reviewers, now=now)
    refresh_profile(workflow=workflow, now=now)
    return n_decided


def _leave_a_backlog(
    rows: Sequence[tuple[str, Features, str]],
    *,
    workflow: Workflow,
    reviewers: Sequence[SimulatedReviewer],
    now: datetime,
) -> None:
    """Let today's items arrive, some of them broken; pass a few cases upwards."""
    for hours, newest in ((5, rows[::2]), (1, rows[1::2])):
        moment = now - timedelta(hours=hours)
        _arrive([row[:2] for row in newest], workflow=workflow, now=moment)
    broken = [
        (f"{external_id}-b", _broken(features, how))
        for how, (external_id, features, _) in enumerate(rows[:N_BROKEN])
    ]
    _arrive(broken, workflow=workflow, now=now - timedelta(minutes=50))
    pass_upwards(
        workflow=workflow,
        reviewer=reviewers[0],
        n=N_ESCALATED,
        now=now - timedelta(minutes=40),
    )


def _broken(features: Features, how: int) -> Features:
    """Spoil one number as senders do: a unit, a code for nothing, a list, a word."""
    name = next(key for key, value in features.items() if isinstance(value, float))
    spoilt = (f"{features[name]} units", -999_999.0, [features[name]], "n/a")
    return {**features, name: spoilt[how % len(spoilt)]}


def _train_champion(
    workflow: Workflow, stream: Stream, *, by: User, seed: int, now: datetime
) -> None:
    n = len(stream.history)
    version = train_version(
        workflow=workflow,
        rows=LabelledRows(
            features=[features for features, _ in stream.history],
            labels=[label for _, label in stream.history],
            occurred_at=[now - timedelta(minutes=10 * (n - i)) for i in range(n)],
        ),
        algorithm=stream.algorithm,
        seed=seed,
        by=by,
        now=now,
    )
    change_stage(
        version=version, to=Stage.CHAMPION, by=by, reason="first model", now=now
    )


def _arrive(
    rows: Sequence[tuple[str, Features]], *, workflow: Workflow, now: datetime
) -> None:
    raw = [
        {
            "external_id": external_id,
            "occurred_at": (now - timedelta(minutes=5)).isoformat(),
            "features": features,
        }
        for external_id, features in rows
    ]
    store_items(
        workflow=workflow,
        chunks=[raw],
        source=IntakeSource.DEMO,
        now=now,
        wake=False,
    )
    while process_batch(workflow=workflow, limit=1000, now=now):
        pass


def _late_truth(
    rows: Sequence[tuple[str, Features, str]], *, workflow: Workflow, now: datetime
) -> None:
    outcomes = [
        OutcomeRow(external_id=external_id, label=label, observed_at=now)
        for external_id, _, label in rows
    ]
    record_outcomes(workflow=workflow, rows=outcomes, by=None, now=now)
