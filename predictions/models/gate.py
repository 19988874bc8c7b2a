"""What gates said of a model version, and what people said about it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from predictions.enums import GateVerdict
from predictions.models.append_only import append_only
from predictions.models.model_version import ModelVersion


class GateReport(models.Model):
    """All gates of a workflow held against one version, at one moment.

    `gates` are those declared then, `results` one entry for each gate and slice.
    `evidence` says on what: data hash, rows, machine, library versions.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="gate_reports"
    )
    champion = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    snapshot_id = models.UUIDField(null=True)
    gates = models.JSONField()
    results = models.JSONField()
    verdict = models.CharField(max_length=7, choices=GateVerdict)
    evidence = models.JSONField(default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(verdict__in=GateVerdict.values),
                name="predictions_gate_verdict_known",
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"gate report {self.id}"


class Waiver(models.Model):
    """A supervisor lets a version past one gate of one report, and says why."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    report = models.ForeignKey(
        GateReport, on_delete=models.PROTECT, related_name="waivers"
    )
    gate = models.CharField(max_length=200)  # `kind`, `among` and slice in one text
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("report", "gate"), name="predictions_waiver_once"
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"waiver {self.id}"


class Approval(models.Model):
    """One person's word for a version as champion, on the report that they saw."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="approvals"
    )
    report = models.ForeignKey(
        GateReport, on_delete=models.PROTECT, null=True, related_name="approvals"
    )
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(
                fields=("model_version", "-at"), name="predictions_approval_newest"
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"approval {self.id}"
