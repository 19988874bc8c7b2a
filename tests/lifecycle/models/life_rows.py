"""A row of each table about a model's life."""

from datetime import datetime

from accounts.models import User
from lifecycle.models import (
    Alert,
    AlertEvent,
    AlertMail,
    GateRun,
    Proof,
    Reading,
    TrainingRun,
)
from predictions.models import Approval, GateReport, ModelVersion, Waiver, Workflow
from reviewqueue.models import Snapshot


class LifeRows:
    """A champion with a report, a waiver and a word for it; a run; an alert, a mail."""

    def __init__(self, workflow: Workflow, sam: User, now: datetime) -> None:
        self.workflow, self.sam, self.now = workflow, sam, now
        self.snapshot = Snapshot.objects.create(
            workflow=workflow, as_of=now, filters={}, created_at=now
        )
        self.report = GateReport.objects.create(
            model_version=ModelVersion.objects.get(),
            gates=[],
            results=[],
            verdict="failed",
            at=now,
        )
        self.waive()
        self.approve()
        self.run()
        self.gate()
        self.read()
        self.event = AlertEvent.objects.create(alert=self.alert(), at=now)
        self.mail()
        self.prove()

    def waive(self) -> None:
        Waiver.objects.create(
            report=self.report,
            gate="schema_match",
            reason="for once",
            by=self.sam,
            at=self.now,
        )

    def approve(self) -> None:
        Approval.objects.create(
            model_version=self.report.model_version,
            reason="good",
            by=self.sam,
            at=self.now,
        )

    def judge(self, **columns: object) -> None:
        GateReport.objects.create(
            model_version=self.report.model_version,
            gates=[],
            results=[],
            at=self.now,
            **columns,
        )

    def run(self, **columns: object) -> None:
        given = {
            "snapshot": self.snapshot,
            "trigger": "hand",
            "fingerprint": "f" * 64,
            "seed": 1,
        }
        TrainingRun.objects.create(
            workflow=self.workflow, created_at=self.now, **(given | columns)
        )

    def gate(self, **columns: object) -> None:
        given = {"fingerprint": "g" * 64}
        GateRun.objects.create(
            model_version=self.report.model_version,
            gates=[],
            created_at=self.now,
            **(given | columns),
        )

    def read(self, **columns: object) -> None:
        given = {"monitor": "latency", "kind": "infrastructure", "verdict": "fine"}
        Reading.objects.create(workflow=self.workflow, at=self.now, **(given | columns))

    def alert(self, **columns: object) -> Alert:
        given = {"monitor": "latency", "kind": "infrastructure", "says": "slow"}
        return Alert.objects.create(
            workflow=self.workflow,
            raised_at=self.now,
            last_seen_at=self.now,
            **(given | columns),
        )

    def mail(self) -> None:
        AlertMail.objects.create(event=self.event, to=self.sam, next_at=self.now)

    def prove(self, **columns: object) -> None:
        given = {"kind": "restore", "has_passed": True}
        Proof.objects.create(at=self.now, **(given | columns))
