"""Policies, and what happened to each item under them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from predictions.models import Item, ModelVersion, Prediction, Workflow
from predictions.models.append_only import append_only
from reviewqueue.enums import PolicyMode, RouteKind, RouteReason
from reviewqueue.models.tally import (
    counting,
    early_truth_counts,
    route_counts,
)


class Policy(models.Model):
    """One version of a workflow's routing rule; the highest version is in force."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="policies"
    )
    version = models.PositiveIntegerField()
    mode = models.CharField(max_length=10, choices=PolicyMode)
    low = models.FloatField(default=0)
    high = models.FloatField(default=1)
    audit_share = models.FloatField()
    blind_share = models.FloatField()
    second_opinion_share = models.FloatField()
    seed = models.BigIntegerField()
    reason = models.TextField(blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "policies"
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "version"), name="reviewqueue_policy_version_unique"
            ),
            models.CheckConstraint(
                condition=Q(mode__in=PolicyMode.values),
                name="reviewqueue_policy_mode_known",
            ),
            models.CheckConstraint(
                condition=Q(low__gte=0, high__lte=1, low__lte=F("high")),
                name="reviewqueue_policy_thresholds_ordered",
            ),
            # Never zero: what the rule passes stays measurable.
            models.CheckConstraint(
                condition=Q(audit_share__gt=0, audit_share__lte=1),
                name="reviewqueue_policy_audit_share_above_zero",
            ),
            models.CheckConstraint(
                condition=Q(
                    blind_share__gte=0,
                    blind_share__lte=1,
                    second_opinion_share__gte=0,
                    second_opinion_share__lte=1,
                ),
                name="reviewqueue_policy_shares_in_unit",
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"policy {self.version} of {self.workflow_id}"


class Route(models.Model):
    """What happened to an item after scoring, with everything that led to it."""

    item = models.OneToOneField(
        Item, on_delete=models.PROTECT, primary_key=True, related_name="route"
    )
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="routes", db_index=False
    )
    kind = models.CharField(max_length=6, choices=RouteKind)
    reason = models.CharField(max_length=12, choices=RouteReason)
    model_version = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        null=True,
        related_name="routes",
        db_index=False,
    )
    prediction = models.OneToOneField(
        Prediction,
        on_delete=models.PROTECT,
        null=True,
        related_name="route",
        db_constraint=True,
    )
    label = models.CharField(max_length=50, blank=True, default="")
    score = models.FloatField(null=True)
    probability = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    policy = models.ForeignKey(
        Policy, on_delete=models.PROTECT, related_name="routes", db_index=False
    )
    review_probability = models.FloatField()
    draw = models.FloatField()
    blind = models.BooleanField()
    second_opinion = models.BooleanField()
    routed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=RouteKind.values, reason__in=RouteReason.values),
                name="reviewqueue_route_kind_and_reason_known",
            ),
            # A zero here could never be repaired later.
            models.CheckConstraint(
                condition=Q(review_probability__gt=0, review_probability__lte=1),
                name="reviewqueue_route_review_probability_above_zero",
            ),
            models.CheckConstraint(
                condition=Q(draw__gte=0, draw__lt=1),
                name="reviewqueue_route_draw_in_unit",
            ),
            # The draw decides: sent to people exactly when it is below the chance.
            models.CheckConstraint(
                condition=Q(kind=RouteKind.REVIEW, draw__lt=F("review_probability"))
                | Q(kind=RouteKind.AUTO, draw__gte=F("review_probability")),
                name="reviewqueue_route_kind_follows_draw",
            ),
            models.CheckConstraint(
                condition=Q(kind=RouteKind.REVIEW) | Q(prediction__isnull=False),
                name="reviewqueue_route_auto_has_prediction",
            ),
        )
        indexes = (
            # Figures over time on the dashboard.
            models.Index(
                fields=("workflow", "routed_at"), name="reviewqueue_route_by_time"
            ),
        )
        triggers = (
            append_only(),
            counting(route_counts("made"), early_truth_counts("made")),
        )

    def __str__(self) -> str:
        return f"route of item {self.item_id}"
