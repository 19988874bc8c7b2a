"""Snapshots: immutable, hashed labelled data as of one moment."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from predictions.models import Workflow
from reviewqueue.enums import SnapshotStatus


class Snapshot(models.Model):
    """A labelled data set as of a moment; fixed once it is ready."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="snapshots"
    )
    as_of = models.DateTimeField()
    filters = models.JSONField(encoder=DjangoJSONEncoder)
    status = models.CharField(
        max_length=8, choices=SnapshotStatus, default=SnapshotStatus.QUEUED
    )
    n_rows_expected = models.PositiveIntegerField(null=True)
    n_rows = models.PositiveIntegerField(default=0)
    file = models.FileField(upload_to="snapshots/", max_length=300, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    datasheet = models.JSONField(null=True)
    failure = models.TextField(blank=True, default="")
    worker_token = models.UUIDField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=SnapshotStatus.values),
                name="reviewqueue_snapshot_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status=SnapshotStatus.READY)
                | (~Q(sha256="") & Q(finished_at__isnull=False)),
                name="reviewqueue_snapshot_ready_is_hashed",
            ),
        )
        indexes = (
            models.Index(
                fields=("workflow", "-id"), name="reviewqueue_snapshot_newest"
            ),
            models.Index(
                fields=("status", "heartbeat_at"),
                condition=Q(
                    status__in=(SnapshotStatus.QUEUED, SnapshotStatus.BUILDING)
                ),
                name="reviewqueue_snapshot_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"snapshot {self.id}"

    @property
    def is_unmasked(self) -> bool:
        """Whether personal data can be read in it."""
        return bool(self.filters.get("unmasked"))
