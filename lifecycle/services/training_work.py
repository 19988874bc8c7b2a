"""A worker at a training run: take it, look after the process, write its end."""

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from lifecycle.enums import OPEN_RUNS, RunStatus
from lifecycle.models import TrainingRun
from lifecycle.queries.training_runs import (
    MAX_TRIES,
    WORKER_SILENT,
    n_at_work,
    takeable_runs,
)
from lifecycle.services.gate_runs import hold_trained
from lifecycle.services.training_data import SnapshotRows, declaration_of, read_rows
from lifecycle.services.training_notices import tell_end
from lifecycle.services.training_results import (
    keep_candidate,
    problems_of,
    report_of,
)
from lifecycle.services.training_runs import too_few, wake_trainer
from predictions.jobs import FAILURES, Clock, Hold, JobTaken, silent, take
from predictions.learning.candidate_spec import CandidateSpec
from predictions.learning.training_job import (
    Job,
    read_progress,
    read_result,
    write_job,
)
from predictions.learning.training_process import (
    TrainingKilled,
    TrainingProcess,
    TrainingStopped,
)
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot

POLL_SECONDS: Final = 1.0  # so soon a cancelled run's process is ended
SLOTS_LOCK: Final = 7_261_001  # any number that nothing else locks

log = structlog.get_logger(__name__)


class CancelAsked(Exception):
    """Somebody called the run off."""


class Declined(Exception):
    """There is too little to learn from; the message says what is short."""


def train_run(*, run_id: UUID, clock: Clock) -> bool:
    """Train what a run asks for; False when nothing came of it here.

    Takes the run by compare-and-set, and every step re-checks that it is still this
    worker's. A worker that dies leaves the run to another; its training process dies
    with it.
    """
    work = _taken(run_id, clock)
    if work is None:
        return False
    try:
        work.do()
    except JobTaken:
        return False
    except CancelAsked:
        work.end(RunStatus.CANCELLED)
    except Declined as refusal:
        work.end(RunStatus.DECLINED, said=str(refusal))
    except TrainingKilled as error:
        work.try_again(str(error))
    except TrainingStopped as error:
        work.end(RunStatus.FAILED, said=str(error))
    except FAILURES as error:
        # its words may hold the values of items
        log.exception("training_failed", training_run_id=str(run_id))
        work.end(RunStatus.FAILED, said=f"It could not go on: {type(error).__name__}.")
    else:
        return True
    finally:
        wake_next(now=clock())
    return False


def wake_next(*, now: datetime) -> None:
    """Wake a worker for the oldest run that waits."""
    waiting = takeable_runs(now).values_list("pk", flat=True).first()
    if waiting is not None:
        wake_trainer(waiting)


def sweep_runs(*, now: datetime) -> None:
    """Find what no worker is at: wake one, or end what nobody will finish, in words."""
    left = TrainingRun.objects.filter(silent(now, WORKER_SILENT))
    nobody = left.filter(status__in=OPEN_RUNS)
    endings = (
        (Q(is_cancel_asked=True), RunStatus.CANCELLED, None),
        (
            Q(snapshot__status=SnapshotStatus.FAILED),
            RunStatus.FAILED,
            "Its snapshot could not be built.",
        ),
        (
            Q(status=RunStatus.RUNNING, n_tries__gte=MAX_TRIES),
            RunStatus.FAILED,
            f"{MAX_TRIES} workers fell silent at it; their log says why.",
        ),
    )
    for which, status, said in endings:
        for run in nobody.filter(which).select_related("workflow"):
            _end(left, run, status, said, now=now)
    wake_next(now=now)


def _taken(run_id: UUID, clock: Clock) -> "_Work | None":
    """Take a run, if it is to be had and a place is free to train it."""
    now = clock()
    with transaction.atomic(), connection.cursor() as cursor:
        # Whoever takes the last place must be seen by the next who looks.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SLOTS_LOCK])
        if n_at_work(now, besides=run_id) >= settings.TRAINING_AT_ONCE:
            return None
        hold = take(
            takeable_runs(now),
            run_id,
            running=RunStatus.RUNNING,
            now=now,
            clock=clock,
            started_at=Coalesce(F("started_at"), now),
            n_tries=F("n_tries") + 1,
            n_done=0,
            step="Reading the snapshot",
        )
    if hold is None:
        return None
    rows = TrainingRun.objects.select_related("workflow", "snapshot", "created_by")
    return _Work(rows.get(pk=run_id), hold, clock)


@dataclass(frozen=True)
class _Work:
    """One worker at one run."""

    run: TrainingRun
    hold: Hold[TrainingRun]
    clock: Clock

    def do(self) -> None:
        """Train, register, report. Raises: all that ends a run otherwise."""
        rows = read_rows(self._snapshot, on_group=self.beat)
        if short := too_few(Counter(rows.data.labels), self.run.workflow.declaration):
            raise Declined(short)
        with tempfile.TemporaryDirectory(prefix="countersign-training-") as name:
            folder = Path(name)
            result = self._trained(folder, self._job(rows))
            self._check_any(result)
            self.beat(step="Registering", n_done=len(self.run.asked) + 3)
            outcomes = [
                self._kept(folder, index, one)
                for index, one in enumerate(result["candidates"])
            ]
        declaration = declaration_of(self._snapshot)
        self.end(
            RunStatus.DONE,
            n_versions=sum(1 for one in outcomes if one["version"]),
            n_done=self.run.n_steps,
            step="",
            is_cancel_asked=False,
            problems=problems_of(result, rows),
            report=report_of(self.run, rows, result, outcomes, declaration),
        )

    def beat(self, **news: object) -> None:
        """Say that the work goes on. Raises: JobTaken; CancelAsked."""
        going = self.hold.mine.filter(is_cancel_asked=False)
        if going.update(**{"heartbeat_at": self.clock(), **news}):
            return
        raise CancelAsked if self.hold.mine.exists() else JobTaken

    def end(
        self,
        status: RunStatus,
        *,
        said: str | None = "",
        n_versions: int = 0,
        **news: object,
    ) -> None:
        """Write the end and tell of it, unless the run is no longer this worker's."""
        kept = None if status == RunStatus.CANCELLED else said
        now = self.clock()
        mine = self.hold.mine
        _end(mine, self.run, status, kept, now=now, n_versions=n_versions, **news)

    def try_again(self, why: str) -> None:
        """Give the run back to be taken again; fail it after the last try."""
        if self.run.n_tries >= MAX_TRIES:
            tries = f"{MAX_TRIES} tries ended so."
            return self.end(RunStatus.FAILED, said=f"{why} {tries}")
        back = {
            "status": RunStatus.WAITING,
            "worker_token": None,
            "heartbeat_at": None,
            "step": "",
        }
        if not self.hold.mine.filter(is_cancel_asked=False).update(**back):
            self.end(RunStatus.CANCELLED)
        return None

    def _trained(self, folder: Path, job: Job) -> Mapping[str, Any]:
        """Let a process of its own do the work, and look after it."""
        write_job(folder, job)
        with TrainingProcess(
            folder,
            memory_limit_mb=settings.TRAINING_MEMORY_MB,
            limit_seconds=settings.TRAINING_LIMIT_SECONDS,
        ) as process:
            while not process.is_done(wait_seconds=POLL_SECONDS):
                progress = read_progress(folder)
                if progress is None:
                    self.beat(step="Starting to train", n_done=1)
                else:
                    self.beat(step=progress.step[:200], n_done=progress.n_done + 1)
        return read_result(folder)

    def _job(self, rows: SnapshotRows) -> Job:
        declaration = declaration_of(self._snapshot)
        return Job(
            data=rows.data,
            reviewers=rows.reviewers,
            candidates=tuple(CandidateSpec.from_json(one) for one in self.run.asked),
            seed=self.run.seed,
            threshold=declaration.decision_threshold,
            false_positive=declaration.costs.false_positive,
            false_negative=declaration.costs.false_negative,
            entry_points=tuple(settings.TRAINING_ENTRY_POINTS),
        )

    def _check_any(self, result: Mapping[str, Any]) -> None:
        """Decline where all candidates lacked rows. Raises: Declined."""
        whys = [one for one in result["candidates"] if "why_not" in one]
        if len(whys) == len(result["candidates"]) and all(
            one["is_too_few"] for one in whys
        ):
            raise Declined(str(whys[0]["why_not"]))

    def _kept(
        self, folder: Path, index: int, result: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Register one candidate while the run is held. Raises: JobTaken."""
        with transaction.atomic():
            if not self.hold.mine.select_for_update(of=("self",)).exists():
                raise JobTaken
            return keep_candidate(
                run=self.run,
                folder=folder,
                index=index,
                result=result,
                now=self.clock(),
            )

    @property
    def _snapshot(self) -> Snapshot:
        if self.run.snapshot is None:
            raise LookupError("a run that is worked on has a snapshot")
        return self.run.snapshot


def _end(
    still: QuerySet[TrainingRun],
    run: TrainingRun,
    status: RunStatus,
    said: str | None,
    *,
    now: datetime,
    n_versions: int = 0,
    **news: object,
) -> None:
    """Write an end where the run is `still` as it was seen, and tell of it.

    `said` None keeps what stands there.
    """
    words = {} if said is None else {"said": said}
    with transaction.atomic():
        ended = still.filter(pk=run.pk, status__in=OPEN_RUNS).update(
            **{"status": status, "ended_at": now, **words, **news}
        )
        if not ended:
            return
        run.refresh_from_db()
        if status != RunStatus.CANCELLED:
            tell_end(run, now=now, n_versions=n_versions)
        if status == RunStatus.DONE:
            hold_trained(run, now=now)
