"""Policies, and what happened to each item under them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q

from accounts.ids import uuid7
from accounts.models import Site
from predictions.models import Item, ModelVersion, Prediction, Workflow
from predictions.models.append_only import append_only
from reviewqueue.enums import PolicyMode, RouteKind, RouteReason
from reviewqueue.models.autonomy import Segment
from reviewqueue.models.tally import (
    counting,
    early_truth_counts,
    route_counts,
)


def _compared(operator: str) -> Func:
    """Hold the review probability against each that a part asked for."""
    return Func(
        F("review_probability"),
        F("part_probabilities"),
        # in the order in which a migration writes them, else they count as changed
        arg_joiner=f" {operator} (",
        output_field=models.BooleanField(),
        template="(%(expressions)s))",
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
    """What happened to an item after scoring, with everything that led to it.

    Where fields are trusted, `parts` are the segments of label (first) and fields that
    it was routed in, and `part_probabilities` what each of them asked for; else null.
    """

    item = models.OneToOneField(
        Item, on_delete=models.PROTECT, primary_key=True, related_name="route"
    )
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="routes", db_index=False
    )
    # The item's, and checked there.
    site = models.ForeignKey(
        Site,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
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
    segment = models.ForeignKey(
        Segment,
        on_delete=models.PROTECT,
        null=True,
        related_name="routes",
        db_index=False,
    )
    parts = ArrayField(models.UUIDField(), null=True)
    part_probabilities = ArrayField(models.FloatField(), null=True)
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
            # People see as much as the part asks for that asks for most; all of it
            # where a part is in no segment.
            models.CheckConstraint(
                condition=Q(parts__isnull=True, part_probabilities__isnull=True)
                | (
                    Q(parts__isnull=False, part_probabilities__isnull=False)
                    & Q(parts__len=F("part_probabilities__len"), parts__len__gt=0)
                    & _compared(">= ALL")
                    & (Q(review_probability=1) | _compared("= ANY"))
                ),
                name="reviewqueue_route_largest_of_its_parts",
            ),
            models.CheckConstraint(
                condition=Q(parts__isnull=True)
                | Q(segment__isnull=True)
                | Q(parts__0=F("segment")),
                name="reviewqueue_route_label_is_first_part",
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
            models.Index(
                fields=("site", "routed_at"),
                condition=Q(site__isnull=False),
                name="reviewqueue_route_of_site",
            ),
            # Evidence of a segment since a moment, and what it decided alone.
            models.Index(
                fields=("segment", "routed_at"),
                include=("kind", "draw"),
                condition=Q(segment__isnull=False),
                name="reviewqueue_route_of_segment",
            ),
        )
        triggers = (
            append_only(),
            counting(route_counts("made"), early_truth_counts("made")),
        )

    def __str__(self) -> str:
        return f"route of item {self.item_id}"
