"""What one model version said about one item, and why."""

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from predictions.models.append_only import append_only
from predictions.models.item import Item
from predictions.models.model_version import ModelVersion


class Prediction(models.Model):
    """One row per item and model version; `docs/architecture.md` says what is what.

    `novelty`: the share, 0..1, of held-out training rows at least as unlike the
    training data as the item is; null where it was not asked for or cannot be said.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, related_name="predictions", db_index=False
    )
    model_version = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        related_name="predictions",
        db_index=False,
    )
    label = models.CharField(max_length=50)
    score = models.FloatField()
    probability = models.FloatField(null=True)
    confidence = models.FloatField(null=True)
    latency_ms = models.FloatField()
    novelty = models.FloatField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("item", "model_version"), name="predictions_prediction_unique"
            ),
            models.CheckConstraint(
                condition=Q(probability=None)
                | Q(probability__gte=0, probability__lte=1),
                name="predictions_prediction_probability_in_unit",
            ),
            models.CheckConstraint(
                condition=Q(confidence=None) | Q(confidence__gte=0, confidence__lte=1),
                name="predictions_prediction_confidence_in_unit",
            ),
            models.CheckConstraint(
                condition=Q(novelty=None) | Q(novelty__gt=0, novelty__lte=1),
                name="predictions_prediction_novelty_in_unit",
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"prediction {self.id}"


class PredictedFields(models.Model):
    """What a prediction says besides its label, as `structured-decisions.md` has it.

    `values` by field, those that hold something; `confidences` within 0..1 of those
    that the model gave one for; `evidence` by field: what the value was read from.
    """

    prediction = models.OneToOneField(
        Prediction,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="predicted_fields",
    )
    values = models.JSONField()
    confidences = models.JSONField()
    evidence = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "predicted fields"
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"fields of prediction {self.prediction_id}"


class Explanation(models.Model):
    """How much each feature moved one prediction.

    `contributions` is a list of `{"feature", "value", "reference", "effect"}`, the
    largest effect first; `effect` is a change in log-odds.
    """

    prediction = models.OneToOneField(
        Prediction,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="explanation",
    )
    contributions = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"explanation of prediction {self.prediction_id}"
