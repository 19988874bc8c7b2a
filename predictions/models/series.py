"""Machines and their readings, the windows that became items, and failures."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from accounts.models import Site
from predictions.models.append_only import append_only
from predictions.models.item import Item
from predictions.models.prediction import Prediction
from predictions.models.workflow import Workflow


class Machine(models.Model):
    """Whoever sends readings in a workflow; its row is the lock over its windows.

    `closed_until`: no window that ends until then is made any more. `complete_until`:
    all failures until then are said to be in.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="machines", db_index=False
    )
    key = models.CharField(max_length=100)
    site = models.ForeignKey(
        Site, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True)
    last_received_at = models.DateTimeField(null=True)
    closed_until = models.DateTimeField(null=True)
    complete_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "key"), name="predictions_machine_key_unique"
            ),
            models.CheckConstraint(
                condition=Q(last_at__isnull=True, last_received_at__isnull=True)
                | Q(last_at__isnull=False, last_received_at__isnull=False),
                name="predictions_machine_last_reading_whole",
            ),
        )
        indexes = (
            # The sweep: those that have gone quiet with a window open.
            models.Index(
                fields=("last_received_at",),
                condition=Q(last_at__gte=F("closed_until")),
                name="predictions_machine_open",
            ),
        )

    def __str__(self) -> str:
        return f"machine {self.id}"


_UNLESS_TOLD = """
IF TG_OP = 'DELETE' AND EXISTS (
    SELECT 1 FROM predictions_readingremoval told
    WHERE told.machine_id = OLD.machine_id AND told.until > OLD.at
) THEN
    RETURN OLD;
END IF;
RAISE EXCEPTION 'Cannot update or delete rows from % table', TG_TABLE_NAME;
"""


class SeriesReading(models.Model):
    """What a machine read at one moment. `id` is in the order of arrival."""

    id = models.BigAutoField(primary_key=True)
    machine = models.ForeignKey(
        Machine, on_delete=models.PROTECT, related_name="readings", db_index=False
    )
    at = models.DateTimeField()
    values = models.JSONField()
    received_at = models.DateTimeField()
    # Its first window was closed when it came.
    is_late = models.BooleanField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("machine", "at"), name="predictions_reading_once"
            ),
        )
        triggers = (
            # Those alone may go of which a `ReadingRemoval` tells.
            pgtrigger.Trigger(
                name="append_only",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=_UNLESS_TOLD,
            ),
        )

    def __str__(self) -> str:
        return f"reading {self.id}"


class ReadingRemoval(models.Model):
    """Readings of a machine before a moment went, as the workflow file says."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    machine = models.ForeignKey(
        Machine, on_delete=models.PROTECT, related_name="removals", db_index=False
    )
    until = models.DateTimeField()
    n_readings = models.PositiveIntegerField()
    keep_days = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(n_readings__gt=0, keep_days__gt=0, until__lt=F("at")),
                name="predictions_removal_of_old_ones",
            ),
        )
        indexes = (
            models.Index(fields=("machine", "until"), name="predictions_removal_until"),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"removal {self.id}"


class ItemWindow(models.Model):
    """Of which readings an item was made: `starts_at` ≤ at < `ends_at`, up to an id."""

    item = models.OneToOneField(
        Item, on_delete=models.PROTECT, primary_key=True, related_name="window"
    )
    machine = models.ForeignKey(
        Machine, on_delete=models.PROTECT, related_name="windows", db_index=False
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    last_reading_id = models.BigIntegerField()
    n_readings = models.PositiveIntegerField()
    columns_version = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("machine", "ends_at"), name="predictions_window_once"
            ),
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at"), n_readings__gt=0),
                name="predictions_window_holds_readings",
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"window of item {self.item_id}"


class MachineFailure(models.Model):
    """A failure of a machine, as somebody told it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    machine = models.ForeignKey(
        Machine, on_delete=models.PROTECT, related_name="failures", db_index=False
    )
    at = models.DateTimeField()
    kind = models.CharField(max_length=50, blank=True, default="")
    received_at = models.DateTimeField()
    received_from = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("machine", "at"), name="predictions_failure_once"
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"failure {self.id}"


class FailureWithdrawal(models.Model):
    """Somebody took a failure back: it was told by mistake. It counts no more."""

    failure = models.OneToOneField(
        MachineFailure,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="withdrawal",
    )
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(reason=""), name="predictions_withdrawal_says_why"
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"withdrawal of failure {self.failure_id}"


class Moments(models.Model):
    """Which stretches of a window moved one prediction.

    `stretches` is a list of `{"channel", "start", "end", "effect"}`, the largest effect
    first: seconds since the window's start, and a change in log-odds.
    """

    prediction = models.OneToOneField(
        Prediction,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="moments",
    )
    stretches = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "moments"
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"moments of prediction {self.prediction_id}"
