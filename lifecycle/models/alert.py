"""What monitors read, and the alerts that came of it."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from lifecycle.enums import (
    OPEN_ALERTS,
    AlertStatus,
    MailStatus,
    MonitorKind,
    ReadingVerdict,
)
from predictions.models import Workflow
from predictions.models.append_only import append_only


class Reading(models.Model):
    """What one monitor of a workflow found at one look; old ones are thinned out.

    `value` in the monitor's unit, null where nothing could be said; `data` holds what
    the page shows beside it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="readings", db_index=False
    )
    monitor = models.CharField(max_length=100)
    kind = models.CharField(max_length=14, choices=MonitorKind)
    verdict = models.CharField(max_length=7, choices=ReadingVerdict)
    value = models.FloatField(null=True)
    n = models.PositiveBigIntegerField(default=0)
    says = models.CharField(max_length=300)
    data = models.JSONField(encoder=DjangoJSONEncoder, default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "monitor", "at"), name="lifecycle_reading_once"
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=ReadingVerdict.values),
                name="lifecycle_reading_verdict_known",
            ),
        )

    def __str__(self) -> str:
        return f"reading {self.id}"


class Alert(models.Model):
    """What a monitor found and people should know; one open at a time a monitor."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="alerts", db_index=False
    )
    monitor = models.CharField(max_length=100)
    kind = models.CharField(max_length=14, choices=MonitorKind)
    status = models.CharField(
        max_length=12, choices=AlertStatus, default=AlertStatus.RAISED
    )
    says = models.CharField(max_length=300)
    data = models.JSONField(encoder=DjangoJSONEncoder, default=dict)
    n_readings = models.PositiveIntegerField(default=1)  # that found the same
    raised_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "monitor"),
                condition=Q(status__in=OPEN_ALERTS),
                name="lifecycle_alert_one_open",
            ),
            models.CheckConstraint(
                condition=Q(status__in=AlertStatus.values),
                name="lifecycle_alert_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status=AlertStatus.RESOLVED, ended_at__isnull=False)
                | (~Q(status=AlertStatus.RESOLVED) & Q(ended_at__isnull=True)),
                name="lifecycle_alert_resolved_is_dated",
            ),
        )
        indexes = (
            models.Index(fields=("workflow", "-id"), name="lifecycle_alert_newest"),
        )

    def __str__(self) -> str:
        return f"alert {self.id}"


class AlertEvent(models.Model):
    """A step of an alert, by whom, with what they noted; nobody: the monitor."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="events")
    status = models.CharField(max_length=12, choices=AlertStatus)
    note = models.CharField(max_length=500, blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"alert event {self.id}"


class AlertMail(models.Model):
    """A mail about an alert's step to one person: waiting, or what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.ForeignKey(
        AlertEvent, on_delete=models.CASCADE, related_name="mails"
    )
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    status = models.CharField(
        max_length=8, choices=MailStatus, default=MailStatus.WAITING
    )
    n_tries = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    said = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("event", "to"), name="lifecycle_mail_once"),
        )
        indexes = (
            models.Index(
                fields=("next_at",),
                condition=Q(status=MailStatus.WAITING),
                name="lifecycle_mail_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"mail {self.id}"
