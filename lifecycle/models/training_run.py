"""Training runs: candidates trained from one snapshot."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from lifecycle.enums import OPEN_RUNS, RunStatus, Trigger
from predictions.models import Workflow
from reviewqueue.models import Snapshot


class TrainingRun(models.Model):
    """One job: a snapshot, the candidates asked for and a seed, and what came of it.

    `asked` is the list of candidates as JSON. `fingerprint` is the sha256 of snapshot,
    `asked` and seed: asking again for the same finds the run. `problems` is what is
    wrong with the data, `report` what came of each candidate, with its model version.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="training_runs", db_index=False
    )
    snapshot = models.ForeignKey(
        Snapshot, on_delete=models.PROTECT, null=True, related_name="training_runs"
    )
    trigger = models.CharField(max_length=8, choices=Trigger)
    why = models.CharField(max_length=300)
    asked = models.JSONField(default=list)
    seed = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)
    status = models.CharField(
        max_length=9, choices=RunStatus, default=RunStatus.WAITING
    )
    step = models.CharField(max_length=200, blank=True, default="")
    n_done = models.PositiveIntegerField(default=0)
    n_steps = models.PositiveIntegerField(default=0)
    is_cancel_asked = models.BooleanField(default=False)
    problems = models.JSONField(null=True)
    report = models.JSONField(null=True)
    said = models.TextField(blank=True, default="")  # why declined, failed, cancelled
    worker_token = models.UUIDField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    n_tries = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=RunStatus.values),
                name="lifecycle_run_status_known",
            ),
            models.CheckConstraint(
                condition=Q(trigger__in=Trigger.values),
                name="lifecycle_run_trigger_known",
            ),
            models.CheckConstraint(
                condition=Q(status=RunStatus.DECLINED) | Q(snapshot__isnull=False),
                name="lifecycle_run_has_snapshot",
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN_RUNS, ended_at__isnull=True)
                | (~Q(status__in=OPEN_RUNS) & Q(ended_at__isnull=False)),
                name="lifecycle_run_ended_is_dated",
            ),
            models.UniqueConstraint(
                fields=("workflow", "fingerprint"),
                condition=Q(status__in=(*OPEN_RUNS, RunStatus.DONE)),
                name="lifecycle_run_once",
            ),
        )
        indexes = (
            models.Index(fields=("workflow", "-id"), name="lifecycle_run_newest"),
            models.Index(
                fields=("status", "heartbeat_at"),
                condition=Q(status__in=OPEN_RUNS),
                name="lifecycle_run_open",
            ),
        )

    def __str__(self) -> str:
        return f"training run {self.id}"
