"""Train by itself: on a schedule, after new labels, on a drift alarm."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from lifecycle.enums import OPEN_RUNS, RunStatus, Trigger
from lifecycle.models import TrainingRun
from lifecycle.queries.retraining import labels_by, open_drift_alert
from lifecycle.queries.training_runs import last_declined, last_run
from lifecycle.services.training_notices import tell_end
from lifecycle.services.training_runs import Wanted, request_run, specs_of, too_few
from predictions.declaration_life import Retraining
from predictions.models import Workflow

SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Due:
    """Why a model is to be trained now, in words."""

    trigger: Trigger
    why: str


@transaction.atomic
def consider_retraining(*, workflow: Workflow, now: datetime) -> TrainingRun | None:
    """Ask for a run where the declaration says that one is due; None where not.

    Locks the workflow: two who look at once ask for one run. While a run is open
    nothing is due. Where there is too little to learn from, a declined run says so,
    once for the same reason and counts. A run that is asked for takes a fresh snapshot
    first and waits for it.
    """
    locked = Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
    if TrainingRun.objects.filter(workflow=locked, status__in=OPEN_RUNS).exists():
        return None
    due = due_now(locked, now=now)
    if due is None:
        return None
    labels = Counter[str]()
    for one in labels_by(locked, now=now):
        labels[one.label] += one.n
    if short := too_few(labels, locked.declaration):
        return _declined(locked, due, short, now=now)
    return request_run(
        workflow=locked,
        wanted=Wanted(None, specs_of(locked.declaration.retraining.candidates), SEED),
        trigger=due.trigger,
        why=due.why,
        by=None,
        now=now,
    )


def due_now(workflow: Workflow, *, now: datetime) -> Due | None:
    """Say what makes a run due: an alarm before new labels, those before the date."""
    rules = workflow.declaration.retraining
    last = last_run(workflow)
    since = last.created_at if last else workflow.created_at
    return (
        _drifted(workflow, rules, since)
        or _labelled(workflow, rules, last, now=now)
        or _late(rules, last, since, now=now)
    )


def _drifted(workflow: Workflow, rules: Retraining, since: datetime) -> Due | None:
    """An alarm that a run has answered calls for no other."""
    alert = open_drift_alert(workflow, since=since) if rules.on_drift else None
    if alert is None:
        return None
    return Due(Trigger.DRIFT, f"drift alarm: {alert.says}"[:300])


def _labelled(
    workflow: Workflow, rules: Retraining, last: TrainingRun | None, *, now: datetime
) -> Due | None:
    if not rules.after_labels:
        return None
    seen_until = last.snapshot.as_of if last and last.snapshot else None
    n_new = sum(one.n for one in labels_by(workflow, now=now, since=seen_until))
    if n_new < rules.after_labels:
        return None
    since = "since the snapshot of the last run" if seen_until else "and no run before"
    why = f"{n_new:,} new labels {since}, {rules.after_labels:,} wanted"
    return Due(Trigger.LABELS, why)


def _late(
    rules: Retraining, last: TrainingRun | None, since: datetime, *, now: datetime
) -> Due | None:
    passed = now - since
    if not rules.every_days or passed < timedelta(days=rules.every_days):
        return None
    what = "the last run" if last else "the workflow was made, and no run before"
    days = "1 day" if passed.days == 1 else f"{passed.days:,} days"
    return Due(Trigger.SCHEDULE, f"{days} since {what}, one every {rules.every_days}")


def _declined(
    workflow: Workflow, due: Due, short: str, *, now: datetime
) -> TrainingRun | None:
    """Write down that nothing is trained, and why; not again in the same words."""
    before = last_declined(workflow)
    is_repeated = before is not None and before.trigger == due.trigger
    if is_repeated and before is not None and before.said == short:
        return None
    run = TrainingRun.objects.create(
        workflow=workflow,
        trigger=due.trigger,
        why=due.why,
        seed=SEED,
        status=RunStatus.DECLINED,
        said=short,
        created_at=now,
        ended_at=now,
    )
    if not is_repeated:  # people are told of the first, not of every new count
        tell_end(run, now=now)
    return run
