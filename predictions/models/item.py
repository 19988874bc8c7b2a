"""Items as received, those that wait for a score, and those that were refused."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.ids import uuid7
from accounts.models import Site
from predictions.enums import IntakeSource, QuarantineStatus
from predictions.models.append_only import append_only
from predictions.models.workflow import Workflow


class Item(models.Model):
    """One thing to decide about, as received. Never edited."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="items", db_index=False
    )
    external_id = models.CharField(max_length=200)
    site = models.ForeignKey(
        Site, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    subject = models.CharField(max_length=200, blank=True, default="")
    features = models.JSONField()
    warnings = models.JSONField(default=list, db_default=[])
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    content_hash = models.BinaryField(max_length=32)
    source = models.CharField(max_length=10, choices=IntakeSource)
    workflow_version = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "external_id"),
                name="predictions_item_external_id_unique",
            ),
        )
        indexes = (
            # Lists: newest first, keyset by id (UUIDv7 is in order of arrival).
            models.Index(fields=("workflow", "-id"), name="predictions_item_newest"),
            # The same for people who are limited to sites.
            models.Index(
                fields=("site", "-id"),
                condition=Q(site__isnull=False),
                name="predictions_item_of_site",
            ),
            # History of the same subject on the case page.
            models.Index(
                fields=("workflow", "subject", "-occurred_at"),
                condition=~Q(subject=""),
                name="predictions_item_subject",
            ),
        )
        triggers = (
            append_only(),
            # Whatever stores an item also files it for scoring: none is forgotten.
            pgtrigger.Trigger(
                name="file_for_scoring",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(  # type: ignore[no-untyped-call]
                    new="stored"
                ),
                func=(
                    "INSERT INTO predictions_pendingscore "
                    "(item_id, workflow_id, filed_at) "
                    "SELECT id, workflow_id, received_at FROM stored; "
                    "RETURN NULL;"
                ),
            ),
        )

    def __str__(self) -> str:
        return f"item {self.id}"


class PendingScore(models.Model):
    """An item that is stored and not yet routed; the pipeline deletes it."""

    item = models.OneToOneField(
        Item, on_delete=models.PROTECT, primary_key=True, related_name="pending_score"
    )
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    filed_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (
            # The pipeline takes the oldest of one workflow.
            models.Index(fields=("workflow", "item"), name="predictions_pending_next"),
        )

    def __str__(self) -> str:
        return f"pending score of item {self.item_id}"


class QuarantinedItem(models.Model):
    """An item that was refused, as received, with the reasons."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="quarantined", db_index=False
    )
    external_id = models.CharField(max_length=200, blank=True, default="")
    # Of what was sent, as far as it names one that is known.
    site = models.ForeignKey(
        Site, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    payload = models.JSONField(null=True)
    errors = models.JSONField()
    source = models.CharField(max_length=10, choices=IntakeSource)
    status = models.CharField(
        max_length=12, choices=QuarantineStatus, default=QuarantineStatus.OPEN
    )
    received_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, null=True, related_name="quarantined"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=QuarantineStatus.values),
                name="predictions_quarantine_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status=QuarantineStatus.OPEN, resolved_at=None)
                | (~Q(status=QuarantineStatus.OPEN) & Q(resolved_at__isnull=False)),
                name="predictions_quarantine_resolved_iff_closed",
            ),
        )
        indexes = (
            models.Index(
                fields=("workflow", "status", "-id"),
                name="predictions_quarantine_newest",
            ),
            models.Index(
                fields=("site", "status", "-id"),
                condition=Q(site__isnull=False),
                name="predictions_quarantine_site",
            ),
            models.Index(
                OpClass("external_id", name="text_pattern_ops"),
                "workflow",
                name="predictions_quarantine_ext",
            ),
        )

    def __str__(self) -> str:
        return f"quarantined item {self.id}"
