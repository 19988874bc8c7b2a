"""Jobs that hold a model version against its workflow's gates."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from lifecycle.enums import OPEN_GATE_RUNS, GateRunStatus
from predictions.models import ModelVersion
from reviewqueue.models import Snapshot


class GateRun(models.Model):
    """One job: a version, the gates as declared when asked, rows, and a champion.

    The report that comes of it has the id of the run. `fingerprint` is the sha256 of
    what is held against what: asking for the same again finds the open run.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="gate_runs", db_index=False
    )
    champion = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    snapshot = models.ForeignKey(
        Snapshot, on_delete=models.PROTECT, null=True, related_name="gate_runs"
    )
    gates = models.JSONField()
    fingerprint = models.CharField(max_length=64)
    status = models.CharField(
        max_length=7, choices=GateRunStatus, default=GateRunStatus.WAITING
    )
    step = models.CharField(max_length=200, blank=True, default="")
    n_done = models.PositiveIntegerField(default=0)
    n_steps = models.PositiveIntegerField(default=0)
    said = models.TextField(blank=True, default="")  # why it failed
    worker_token = models.UUIDField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    n_tries = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=GateRunStatus.values),
                name="lifecycle_gate_run_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN_GATE_RUNS, ended_at__isnull=True)
                | (~Q(status__in=OPEN_GATE_RUNS) & Q(ended_at__isnull=False)),
                name="lifecycle_gate_run_ended_is_dated",
            ),
            models.UniqueConstraint(
                fields=("model_version", "fingerprint"),
                condition=Q(status__in=OPEN_GATE_RUNS),
                name="lifecycle_gate_run_once",
            ),
        )
        indexes = (
            models.Index(
                fields=("model_version", "-id"), name="lifecycle_gate_run_newest"
            ),
            models.Index(
                fields=("status", "heartbeat_at"),
                condition=Q(status__in=OPEN_GATE_RUNS),
                name="lifecycle_gate_run_open",
            ),
        )

    def __str__(self) -> str:
        return f"gate run {self.id}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_GATE_RUNS
