"""How far each segment of the work is trusted, by what rule, and every move of it."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from predictions.models import ModelVersion, Workflow
from predictions.models.append_only import append_only
from reviewqueue.enums import EvidenceKind, MoveCause, MoveKind


class TrustPlan(models.Model):
    """One version of the terms on which autonomy is granted; the highest is in force.

    Shares and rates in 0..1. `ladder` falls from 1 to the audit floor. `tolerated` maps
    labels to error rates set by hand; labels that it leaves out follow the costs.
    `tolerated_fields` does so for fields: one that it leaves out stays at review all,
    and one at 1 is asked for nothing and has no segments.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="trust_plans"
    )
    version = models.PositiveIntegerField()
    delta = models.FloatField()
    alpha = models.FloatField()
    evidence = models.CharField(max_length=5, choices=EvidenceKind)
    ladder = models.JSONField()
    tolerated = models.JSONField(default=dict)
    tolerated_fields = models.JSONField(default=dict)
    review_minutes = models.FloatField()  # what a review costs, beside the wage
    segment_feature = models.CharField(max_length=100, blank=True, default="")
    edges = models.JSONField()
    min_share = models.FloatField()
    min_reviews = models.PositiveIntegerField()
    auto_grant = models.BooleanField()
    gold_share = models.FloatField()
    gold_floor = models.FloatField()
    # How far scores or inputs may move before autonomy is taken back; 1 is never.
    drift_distance = models.FloatField()
    coaching = models.BooleanField()  # gold is revealed after the decision
    reason = models.TextField(blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "version"), name="reviewqueue_plan_version_unique"
            ),
            models.CheckConstraint(
                condition=Q(
                    delta__gt=0,
                    delta__lt=1,
                    alpha__gt=0,
                    alpha__lt=1,
                    evidence__in=EvidenceKind.values,
                ),
                name="reviewqueue_plan_promises_in_unit",
            ),
            models.CheckConstraint(
                condition=Q(
                    min_share__gte=0,
                    min_share__lte=1,
                    gold_share__gte=0,
                    gold_share__lte=0.5,
                    gold_floor__gte=0,
                    gold_floor__lte=1,
                    drift_distance__gt=0,
                    drift_distance__lte=1,
                    review_minutes__gt=0,
                ),
                name="reviewqueue_plan_shares_in_unit",
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"trust plan {self.version} of {self.workflow_id}"


class Segment(models.Model):
    """A slice of what a champion recommends, and how much of it people see.

    Of its labels where `field` is empty, else of that field, as it was `declared`: a
    band of the field's confidence, or all that was said `without_confidence` in it,
    which stays at review all.

    What it is never changes. Level, review probability and evidence moment change
    together, and only with a `TrustMove`. `shadow` is what was found when its shadow
    evidence was looked at last: null before, and where no look is to be made.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="segments", db_index=False
    )
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="segments", db_index=False
    )
    slicing = models.PositiveIntegerField()  # the highest of a version is in force
    feature = models.CharField(max_length=100, blank=True, default="")
    field = models.CharField(max_length=40, blank=True, default="")
    declared = models.CharField(max_length=16, blank=True, default="")
    without_confidence = models.BooleanField(default=False)
    label = models.CharField(max_length=50, blank=True, default="")
    low = models.FloatField()
    high = models.FloatField()
    value = models.CharField(max_length=200, blank=True, default="")
    n_sharing = models.PositiveIntegerField()  # segments that share delta
    shadow_share = models.FloatField(default=0)  # of its delta, for shadow evidence
    shadow = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    share = models.FloatField()  # of the items that the slices were cut from
    level = models.PositiveSmallIntegerField(default=0)
    review_probability = models.FloatField(default=1)
    evidence_since = models.DateTimeField()
    moved_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "model_version",
                    "slicing",
                    "field",
                    "without_confidence",
                    "label",
                    "low",
                    "value",
                ),
                name="reviewqueue_segment_unique",
            ),
            models.CheckConstraint(
                condition=Q(field="", declared="", without_confidence=False)
                | (~Q(field="") & ~Q(declared="") & Q(label="", feature="", value="")),
                name="reviewqueue_segment_of_label_or_field",
            ),
            models.CheckConstraint(
                condition=Q(without_confidence=False) | Q(low=0, high=1, level=0),
                name="reviewqueue_segment_without_confidence_at_review_all",
            ),
            models.CheckConstraint(
                condition=Q(low__gte=0, high__lte=1, low__lt=F("high")),
                name="reviewqueue_segment_band_ordered",
            ),
            models.CheckConstraint(
                condition=Q(level=0, review_probability=1)
                | Q(level__gt=0, review_probability__gt=0, review_probability__lt=1),
                name="reviewqueue_segment_review_all_iff_level_0",
            ),
            # What was spent on a look is never there for the segment's own evidence.
            models.CheckConstraint(
                condition=Q(shadow_share__gte=0, shadow_share__lt=1)
                & (Q(shadow__isnull=True) | Q(shadow_share__gt=0)),
                name="reviewqueue_segment_shadow_has_its_share",
            ),
        )
        indexes = (
            models.Index(
                fields=("workflow", "model_version", "slicing"),
                name="reviewqueue_segment_in_force",
            ),
        )

    def __str__(self) -> str:
        return f"segment {self.id}"

    @property
    def own_share(self) -> float:
        """The part of the plan's delta that is for the segment's own evidence."""
        return (1 - self.shadow_share) / self.n_sharing


class TrustMove(models.Model):
    """A grant or a withdrawal, with the evidence that it rests on."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    segment = models.ForeignKey(
        Segment, on_delete=models.PROTECT, related_name="moves", db_index=False
    )
    plan = models.ForeignKey(
        TrustPlan, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=8, choices=MoveKind)
    cause = models.CharField(max_length=14, choices=MoveCause)
    from_level = models.PositiveSmallIntegerField()
    to_level = models.PositiveSmallIntegerField()
    from_probability = models.FloatField()
    to_probability = models.FloatField()
    evidence = models.JSONField(encoder=DjangoJSONEncoder)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(kind=MoveKind.GRANT, to_level=F("from_level") + 1)
                | Q(
                    kind=MoveKind.GRANT,
                    cause=MoveCause.SHADOW,
                    to_level__gt=F("from_level"),
                )
                | Q(kind=MoveKind.WITHDRAW, to_level=0, from_level__gt=0),
                name="reviewqueue_move_one_step_down_or_all_up",
            ),
            models.CheckConstraint(
                condition=Q(cause__in=MoveCause.values),
                name="reviewqueue_move_cause_known",
            ),
        )
        indexes = (
            models.Index(fields=("workflow", "-id"), name="reviewqueue_move_newest"),
            models.Index(fields=("segment", "-id"), name="reviewqueue_move_of_segment"),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"trust move {self.id}"
