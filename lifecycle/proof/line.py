"""One workflow that rows pass through, by the product's services alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lifecycle.enums import MonitorKind
from lifecycle.models import Alert, Reading
from lifecycle.services.monitors.registry import MONITORS
from lifecycle.services.monitors.watch import due_monitors, look_once
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.services.registry import change_stage
from predictions.services.workflows import declare_workflow
from reviewqueue.proof.data_sets import Row
from reviewqueue.replay.passing import hear_truth, let_arrive, put_terms, train_on

REASON: Final = "for the proof"
# Those of infrastructure judge this machine by its own clock, which a replay outruns.
WATCHED: Final = frozenset(
    one.key for one in MONITORS if one.kind != MonitorKind.INFRASTRUCTURE
)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of rows that were sent."""

    accepted: int
    quarantined: int


@dataclass
class Line:
    """A workflow, and what of its truth has still to come."""

    workflow: Workflow
    outcome_days: int
    n_sent: int = 0
    n_outcomes: int = 0

    def __post_init__(self) -> None:
        self._waiting: list[Row] = []

    @classmethod
    def declare(
        cls, source_toml: str, *, audit_share: float, outcome_days: int, now: datetime
    ) -> "Line":
        """Declare the workflow; what is audited is judged blind, once."""
        workflow, _ = declare_workflow(source_toml=source_toml, by=None, now=now)
        put_terms(
            workflow,
            reason=REASON,
            now=now,
            audit_share=audit_share,
            blind_share=1.0,
            second_opinion_share=0.0,
        )
        return cls(workflow, outcome_days)

    def train_here(self, rows: Sequence[Row], *, seed: int, now: datetime) -> None:
        """Train on rows of a file and put the version in force."""
        version = train_on(self.workflow, rows, seed=seed, now=now)
        self.move(version, Stage.CHAMPION, now=now)

    def move(
        self,
        version: ModelVersion,
        to: Stage,
        *,
        now: datetime,
        reason: str = REASON,
    ) -> None:
        change_stage(version=version, to=to, by=None, reason=reason, now=now)

    def arrive(self, rows: Sequence[Row], *, now: datetime) -> Sent:
        """Store, score and route rows; their truth waits for its days."""
        result = let_arrive(self.workflow, rows, now=now)
        self.n_sent += len(rows)
        self._waiting += rows
        return Sent(result.accepted, result.n_quarantined)

    def hear(self, *, now: datetime) -> None:
        """Take the truth that has come by itself; of what was refused there is none."""
        until = now - timedelta(days=self.outcome_days)
        come = [row for row in self._waiting if row.occurred_at < until]
        self._waiting = [row for row in self._waiting if row.occurred_at >= until]
        self.n_outcomes += hear_truth(self.workflow, come, now=now)

    def look(
        self, *, now: datetime, monitors: Collection[str] = WATCHED
    ) -> list[Reading]:
        """Have the monitors look whose time has come."""
        found = [
            look_once(workflow=self.workflow, monitor=one.key, now=now)
            for one in due_monitors(self.workflow, now=now)
            if one.key in monitors
        ]
        return [one for one in found if one is not None]

    def alerts(self) -> list[Alert]:
        """List the alerts in the order in which they were raised."""
        return list(Alert.objects.filter(workflow=self.workflow).order_by("pk"))
