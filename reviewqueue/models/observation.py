"""What evidence is read from: one row an item that was sent to people in a segment.

Everything in it is said elsewhere, by rows that are never changed; it is kept here, in
the transaction that says it, so that a look at 200,000 reviewed items reads one index
in its order instead of their routes, cases, events, labels and decisions.
"""

from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce

from predictions.models import Item
from reviewqueue.models.autonomy import Segment
from reviewqueue.models.case import Case


class Observed(models.Model):
    """An item that people were sent, as far as they are with it.

    `is_error` says whether the label or value in force is another than was recommended:
    null before there is one, and when it was taken back. `labelled_at`, `label_version`
    and `reviewer` are those of the newest version of the label, taken back or not.
    """

    # No constraints: all of them are checked on the rows that this is read from.
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    routed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    draw = models.FloatField()
    is_blind = models.BooleanField()
    claimed_at = models.DateTimeField(null=True)  # by anybody, for the first time
    labelled_at = models.DateTimeField(null=True)
    label_version = models.PositiveIntegerField(default=0)
    is_error = models.BooleanField(null=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    begun_at = models.GeneratedField(
        expression=Coalesce(F("claimed_at"), F("labelled_at")),
        output_field=models.DateTimeField(null=True),
        db_persist=True,
    )

    class Meta:
        abstract = True


class FieldObservation(Observed):
    """Of a field, whose own review probability sent the item.

    What people saw because another part asked for more is in none: so these are as
    plain a sample of the segment as if there were no other part.
    """

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(
        Case,
        on_delete=models.PROTECT,
        related_name="field_observations",
        db_index=False,
        db_constraint=False,
    )
    segment = models.ForeignKey(
        Segment,
        on_delete=models.PROTECT,
        related_name="field_observations",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("case", "segment"), name="reviewqueue_field_observed_once"
            ),
        )
        indexes = (
            models.Index(
                fields=("segment", "begun_at", "item"),
                include=("routed_at", "due_at", "is_blind", "is_error", "reviewer"),
                name="reviewqueue_field_in_order",
            ),
            models.Index(
                fields=("segment", "routed_at"), name="reviewqueue_field_by_time"
            ),
        )

    def __str__(self) -> str:
        return f"observation of a field of case {self.case_id}"


class Observation(Observed):
    """Of an item's label; where fields are trusted too, if that is why it was sent."""

    case = models.OneToOneField(
        Case,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="observation",
        db_constraint=False,
    )
    segment = models.ForeignKey(
        Segment,
        on_delete=models.PROTECT,
        related_name="observations",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        indexes = (
            # Evidence, in the order begun, without a look at the rows.
            models.Index(
                fields=("segment", "begun_at", "item"),
                include=("routed_at", "due_at", "is_blind", "is_error", "reviewer"),
                name="reviewqueue_observed_in_order",
            ),
        )

    def __str__(self) -> str:
        return f"observation of case {self.case_id}"
