"""Hold a version against its workflow's gates, in a worker, and keep the report."""

from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F

from lifecycle.enums import GateRunStatus
from lifecycle.models import GateRun
from lifecycle.services.gate_figures import STEPS, measure
from lifecycle.services.gate_runs import MAX_TRIES, SILENT, open_gate_runs
from predictions.jobs import FAILURES, Clock, Hold, JobTaken, silent, take
from predictions.learning.gate_terms import Gate
from predictions.learning.gates import evaluate, overall
from predictions.models import GateReport, Workflow

log = structlog.get_logger(__name__)


def hold_against_gates(*, run_id: UUID, clock: Clock) -> bool:
    """Measure, judge and write the report; False when there is nothing to do.

    Takes the run by compare-and-set; each step re-checks it, so that a worker that was
    given up for dead writes nothing beside the one that took over. What the model does
    wrong is in the report: only what is wrong with the rows or the machine fails a run.
    """
    held = _taken(run_id, clock)
    if held is None:
        return False
    try:
        held.judge()
    except JobTaken:
        return False
    except FAILURES as error:
        held.fail(error)
        return False
    return True


def _taken(run_id: UUID, clock: Clock) -> "_Held | None":
    now = clock()
    hold = take(
        open_gate_runs().filter(silent(now, SILENT), n_tries__lt=MAX_TRIES),
        run_id,
        running=GateRunStatus.RUNNING,
        now=now,
        clock=clock,
        n_tries=F("n_tries") + 1,
        n_steps=len(STEPS),
    )
    if hold is None:
        return None
    related = GateRun.objects.select_related(
        "model_version__workflow", "champion__workflow", "snapshot"
    )
    return _Held(related.get(pk=run_id), hold, clock)


@dataclass(frozen=True)
class _Held:
    """One worker at one run."""

    run: GateRun
    hold: Hold[GateRun]
    clock: Clock

    def judge(self) -> None:
        """Measure and write the report, which has the id of the run.

        Raises: JobTaken.
        """
        gates = [Gate.from_json(one) for one in self.run.gates]
        declaration = self.run.model_version.workflow.declaration
        measured = measure(
            version=self.run.model_version,
            champion=self.run.champion,
            snapshot=self.run.snapshot,
            gates=gates,
            declaration=declaration,
            tell=lambda step: self.hold.beat(step=STEPS[step], n_done=step),
            beat=self.hold.beat,
        )
        results = evaluate(gates, measured.figures)
        now = self.clock()
        with transaction.atomic():
            # No promotion goes by while a report is being written.
            Workflow.objects.select_for_update(no_key=True).get(
                pk=self.run.model_version.workflow_id
            )
            self.hold.beat(
                status=GateRunStatus.DONE, step="", n_done=len(STEPS), ended_at=now
            )
            GateReport.objects.create(
                id=self.run.pk,
                model_version=self.run.model_version,
                champion=self.run.champion,
                snapshot_id=self.run.snapshot_id,
                gates=self.run.gates,
                results=[result.to_json() for result in results],
                verdict=overall(results),
                evidence=measured.evidence,
                by=self.run.created_by,
                at=now,
            )

    def fail(self, error: Exception) -> None:
        """Keep the kind of the error; its text may hold values, and is not kept."""
        kind = type(error).__name__
        log.error("gate_run_failed", run_id=str(self.run.pk), error=kind)
        self.hold.mine.update(
            status=GateRunStatus.FAILED,
            said=f"The version could not be held against the gates ({kind}).",
            ended_at=self.clock(),
        )
