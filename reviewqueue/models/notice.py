"""What happened that people or other programs should hear of."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from predictions.models import Workflow
from predictions.models.append_only import append_only
from reviewqueue.enums import DeliveryStatus, NoticeKind


class Notice(models.Model):
    """One thing that happened in a workflow, written in the transaction of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="notices", db_index=False
    )
    kind = models.CharField(max_length=20, choices=NoticeKind)
    text = models.CharField(max_length=300)
    data = models.JSONField(encoder=DjangoJSONEncoder)  # no feature values
    at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=("workflow", "-id"), name="reviewqueue_notice_newest"),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"notice {self.id}"


class NoticeRead(models.Model):
    """Up to which notice a person has read a workflow's."""

    id = models.BigAutoField(primary_key=True)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    upto = models.UUIDField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "reader"), name="reviewqueue_notice_read_once"
            ),
        )

    def __str__(self) -> str:
        return f"read up to {self.upto}"


class Webhook(models.Model):
    """An address of the operator's that hears of a workflow's notices."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="webhooks"
    )
    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=100)  # signs what is sent
    kinds = models.JSONField(default=list)  # empty: all
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"webhook {self.id}"


class Delivery(models.Model):
    """One notice on its way to one webhook."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    webhook = models.ForeignKey(
        Webhook, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    notice = models.ForeignKey(
        Notice, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    status = models.CharField(max_length=9, choices=DeliveryStatus)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    last_status_code = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=200, blank=True, default="")
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = (
            models.UniqueConstraint(
                fields=("webhook", "notice"), name="reviewqueue_delivery_once"
            ),
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.WAITING, next_at__isnull=False)
                | (~Q(status=DeliveryStatus.WAITING) & Q(next_at=None)),
                name="reviewqueue_delivery_next_iff_waiting",
            ),
        )
        indexes = (
            models.Index(
                fields=("next_at",),
                condition=Q(status=DeliveryStatus.WAITING),
                name="reviewqueue_delivery_due",
            ),
        )

    def __str__(self) -> str:
        return f"delivery {self.id}"
