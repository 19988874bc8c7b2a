"""Items whose label is known, placed unannounced to measure reviewers."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from predictions.models import Item, Workflow
from predictions.models.append_only import append_only
from reviewqueue.enums import GoldSource
from reviewqueue.models.case import Case


class GoldItem(models.Model):
    """An item with a known label, until it is retired."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="gold_items", db_index=False
    )
    item = models.OneToOneField(Item, on_delete=models.PROTECT, related_name="gold")
    label = models.CharField(max_length=50)
    source = models.CharField(max_length=8, choices=GoldSource)
    note = models.TextField(blank=True, default="")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    added_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    # Empty also for what was retired before this was kept: the note names them.
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(source__in=GoldSource.values) & ~Q(label=""),
                name="reviewqueue_gold_known",
            ),
            models.CheckConstraint(
                condition=Q(retired_by=None) | Q(retired_at__isnull=False),
                name="reviewqueue_gold_retired_by_once_retired",
            ),
        )
        indexes = (
            models.Index(
                fields=("workflow", "id"),
                condition=Q(retired_at=None),
                name="reviewqueue_gold_active",
            ),
        )

    def __str__(self) -> str:
        return f"gold item {self.id}"


class GoldPlacement(models.Model):
    """A gold item put before one reviewer, once and never again."""

    case = models.OneToOneField(
        Case, on_delete=models.PROTECT, primary_key=True, related_name="placement"
    )
    gold = models.ForeignKey(
        GoldItem, on_delete=models.PROTECT, related_name="placements", db_index=False
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    placed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("gold", "reviewer"), name="reviewqueue_gold_never_twice"
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"placement of {self.gold_id}"
