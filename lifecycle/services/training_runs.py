"""Ask for a training run, and call one off."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from lifecycle.enums import OPEN_RUNS, RunStatus, Trigger
from lifecycle.models import TrainingRun
from lifecycle.services.training_data import sides
from lifecycle.services.training_notices import tell_end
from predictions.declaration import Declaration, FieldError
from predictions.declaration_life import Candidate
from predictions.learning.candidate_spec import ENTRY_POINT, CandidateSpec
from predictions.models import Workflow
from predictions.services.wake_ups import wake
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.snapshots import request_snapshot

MAX_CANDIDATES = 10
MAX_SEED = 2**31 - 1
DEFAULT_CANDIDATES = (CandidateSpec("gradient_boosting"), CandidateSpec("baseline"))


class InvalidRun(ValueError):
    """What was asked for cannot be trained; `errors` names each field."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = list(errors)


class CancelRefused(Exception):
    """The run has ended."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to train; `snapshot` None: a fresh one of everything labelled by now."""

    snapshot: Snapshot | None
    candidates: tuple[CandidateSpec, ...]
    seed: int = 0


@transaction.atomic
def request_run(
    *,
    workflow: Workflow,
    wanted: Wanted,
    trigger: Trigger,
    why: str,
    by: User | None,
    now: datetime,
) -> TrainingRun:
    """Ask for a run, and wake a worker; a run for the same that is there is returned.

    Locks the workflow, so that two who ask at once ask for one run. Where the snapshot
    has too few rows of a side the run is declined at once, in words. A fresh snapshot
    is asked for here; the run waits until it is ready.
    Raises: InvalidRun.
    """
    declared = Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
    check_wanted(declared, wanted)
    asked = [one.to_json() for one in wanted.candidates]
    if wanted.snapshot is None and (open_one := _fresh_one(declared, asked, wanted)):
        return open_one
    snapshot = wanted.snapshot or request_snapshot(
        workflow=declared, filters=SnapshotFilters(), by=by, now=now
    )
    fingerprint = fingerprint_of(snapshot.pk, wanted.candidates, wanted.seed)
    if there := _there(declared, fingerprint):
        return there
    short = too_few_in(snapshot, declared.declaration)
    if short and (said_before := _declined_so(declared, fingerprint, short)):
        return said_before
    run = TrainingRun.objects.create(
        workflow=declared,
        snapshot=snapshot,
        trigger=trigger,
        why=why[:300],
        asked=asked,
        seed=wanted.seed,
        fingerprint=fingerprint,
        status=RunStatus.DECLINED if short else RunStatus.WAITING,
        said=short,
        n_steps=len(asked) + 4,
        created_by=by,
        created_at=now,
        ended_at=now if short else None,
    )
    if short:
        tell_end(run, now=now)
    transaction.on_commit(partial(wake_trainer, run.pk))
    return run


@transaction.atomic
def cancel_run(*, run: TrainingRun, by: User, now: datetime) -> TrainingRun:
    """Call a run off: at once while it waits, within seconds while it is worked on.

    Locks the run. Asking twice is asking once. Raises: CancelRefused once it has ended
    otherwise.
    """
    locked = TrainingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if locked.status == RunStatus.CANCELLED:
        return locked
    if locked.status not in OPEN_RUNS:
        raise CancelRefused(f"The run is {locked.get_status_display().lower()}.")
    locked.is_cancel_asked = True
    locked.said = f"Cancelled by {by.display_name}."
    if locked.status == RunStatus.WAITING:
        locked.status = RunStatus.CANCELLED
        locked.ended_at = now
    locked.save(update_fields=["is_cancel_asked", "said", "status", "ended_at"])
    return locked


def wake_trainer(run_id: UUID) -> None:
    """Wake a worker for a run; a lost word is made good by the sweep."""
    wake("lifecycle.train", run_id=str(run_id))


def fingerprint_of(
    snapshot_id: UUID, candidates: Sequence[CandidateSpec], seed: int
) -> str:
    """Return the sha256 of what is asked for: equal wishes have equal ones."""
    asked = [one.to_json() for one in candidates]
    text = json.dumps([str(snapshot_id), asked, seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_wanted(workflow: Workflow, wanted: Wanted) -> None:
    """See that all of it can be trained. Raises: InvalidRun."""
    errors = []
    if not 1 <= len(wanted.candidates) <= MAX_CANDIDATES:
        n = len(wanted.candidates)
        errors.append(FieldError("candidates", f"1 to {MAX_CANDIDATES}", n))
    if len(set(wanted.candidates)) < len(wanted.candidates):
        errors.append(FieldError("candidates", "a candidate stands twice"))
    if not 0 <= wanted.seed <= MAX_SEED:
        errors.append(FieldError("seed", f"0 to {MAX_SEED}", wanted.seed))
    learnt = {one.name for one in workflow.declaration.model_features}
    for index, candidate in enumerate(wanted.candidates):
        errors += _candidate_errors(f"candidates.{index}", candidate, learnt)
    if wanted.snapshot is not None:
        errors += _snapshot_errors(workflow, wanted.snapshot)
    if errors:
        raise InvalidRun(errors)


def _candidate_errors(
    at: str, candidate: CandidateSpec, learnt: set[str]
) -> list[FieldError]:
    unknown = sorted(set(candidate.features) - learnt)
    errors = [FieldError(f"{at}.features", "not_learnt", name) for name in unknown]
    is_own = candidate.algorithm == ENTRY_POINT
    if is_own and candidate.entry_point not in settings.TRAINING_ENTRY_POINTS:
        where = f"{at}.entry_point"
        errors.append(FieldError(where, "not_allowed", candidate.entry_point))
    return errors


def _snapshot_errors(workflow: Workflow, snapshot: Snapshot) -> list[FieldError]:
    if snapshot.workflow_id != workflow.pk:
        return [FieldError("snapshot_id", "unknown", str(snapshot.pk))]
    if snapshot.status == SnapshotStatus.FAILED:
        return [FieldError("snapshot_id", "failed", str(snapshot.pk))]
    if snapshot.is_unmasked:
        return [FieldError("snapshot_id", "unmasked", str(snapshot.pk))]
    return []


def specs_of(candidates: Sequence[Candidate]) -> tuple[CandidateSpec, ...]:
    """Return what a workflow file declares as what is trained; none: ours."""
    found = tuple(
        CandidateSpec(one.algorithm, one.entry_point, one.features, one.name)
        for one in candidates
    )
    return found or DEFAULT_CANDIDATES


def too_few_in(snapshot: Snapshot, declaration: Declaration) -> str:
    """Say what a ready snapshot lacks to be learnt from; empty where nothing is."""
    if snapshot.status != SnapshotStatus.READY:
        return ""
    sheet = snapshot.datasheet or {}
    return too_few(Counter(sheet.get("labels", {})), declaration)


def too_few(labels: Counter[str], declaration: Declaration) -> str:
    """Say which side of the counted labels is short; empty where neither is."""
    rules = declaration.retraining
    n_positive, n_other = sides(labels, declaration.positive_labels)
    short = [
        f"{n:,} {side}, {needed:,} needed"
        for side, n, needed in (
            ("positives", n_positive, rules.min_positives),
            ("others", n_other, rules.min_others),
        )
        if n < needed
    ]
    return "; ".join(short)


def _there(workflow: Workflow, fingerprint: str) -> TrainingRun | None:
    kept = (*OPEN_RUNS, RunStatus.DONE)
    rows = TrainingRun.objects.filter(workflow=workflow, fingerprint=fingerprint)
    return rows.filter(status__in=kept).first()


def _fresh_one(
    workflow: Workflow, asked: list[dict[str, object]], wanted: Wanted
) -> TrainingRun | None:
    """Return a run whose own snapshot is still being taken: it is as fresh."""
    rows = TrainingRun.objects.filter(
        workflow=workflow, status=RunStatus.WAITING, asked=asked, seed=wanted.seed
    ).exclude(snapshot__status__in=(SnapshotStatus.READY, SnapshotStatus.FAILED))
    return rows.order_by("pk").first()


def _declined_so(workflow: Workflow, fingerprint: str, said: str) -> TrainingRun | None:
    rows = TrainingRun.objects.filter(
        workflow=workflow,
        fingerprint=fingerprint,
        status=RunStatus.DECLINED,
        said=said,
    )
    return rows.order_by("-pk").first()
