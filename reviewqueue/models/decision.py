"""Decisions, what takes them back, the labels that follow, and late truth."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from accounts.models import Site
from predictions.models import Item, ModelVersion, Workflow
from predictions.models.append_only import append_only
from reviewqueue.enums import CaseKind, LabelSource, RetractionKind, Verdict
from reviewqueue.models.case import Case
from reviewqueue.models.observing import observing_labels
from reviewqueue.models.tally import (
    AWAIT_ROUTING,
    counting,
    decision_counts,
    retraction_counts,
    truth_counts,
)


class Decision(models.Model):
    """One person's judgement on a case, with what was shown to them.

    What the recommendation was is repeated here from the route, so that figures
    over decisions read one table.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )
    case = models.ForeignKey(
        Case, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )
    round = models.PositiveSmallIntegerField()
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="decisions")
    # The item's, and checked there.
    site = models.ForeignKey(
        Site,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    case_kind = models.CharField(max_length=12, choices=CaseKind)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="decisions",
        db_index=False,
    )
    verdict = models.CharField(max_length=8, choices=Verdict)
    label = models.CharField(max_length=50, blank=True, default="")
    # Null where the workflow declares none, and where there is no label.
    fields = models.JSONField(null=True)
    # Names of the fields that differ from the recommended ones beyond the tolerance.
    corrected = ArrayField(
        models.CharField(max_length=40), default=list, db_default=[], blank=True
    )
    reason_code = models.CharField(max_length=50, blank=True, default="")
    note = models.TextField(blank=True, default="")
    blind = models.BooleanField()
    recommended_label = models.CharField(max_length=50, blank=True, default="")
    probability = models.FloatField(null=True)
    model_version = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    claimed_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    decided_at = models.DateTimeField()
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="superseded_by"
    )

    class Meta:
        constraints = (
            # One case, one final decision: an undo or an amendment opens a round.
            models.UniqueConstraint(
                fields=("case", "round"), name="reviewqueue_decision_one_per_round"
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values, case_kind__in=CaseKind.values),
                name="reviewqueue_decision_verdict_known",
            ),
            models.CheckConstraint(
                condition=Q(verdict=Verdict.UNSURE, label="")
                | (~Q(verdict=Verdict.UNSURE) & ~Q(label="")),
                name="reviewqueue_decision_label_iff_sure",
            ),
            models.CheckConstraint(
                condition=~Q(verdict=Verdict.CONFIRM)
                | Q(label=F("recommended_label"), corrected=[]),
                name="reviewqueue_decision_confirm_is_recommended",
            ),
            models.CheckConstraint(
                condition=~Q(verdict=Verdict.OVERRIDE)
                | ~Q(label=F("recommended_label"))
                | ~Q(corrected=[]),
                name="reviewqueue_decision_override_differs",
            ),
            models.CheckConstraint(
                condition=~Q(verdict=Verdict.UNSURE)
                | Q(fields__isnull=True, corrected=[]),
                name="reviewqueue_decision_unsure_holds_nothing",
            ),
        )
        indexes = (
            # The feed and the dashboard: by time, in a total order.
            models.Index(
                fields=("workflow", "decided_at", "id"),
                name="reviewqueue_decision_by_time",
            ),
            models.Index(
                fields=("site", "decided_at", "id"),
                condition=Q(site__isnull=False),
                name="reviewqueue_decision_of_site",
            ),
            models.Index(
                fields=("reviewer", "workflow", "-decided_at"),
                name="reviewqueue_decision_reviewer",
            ),
        )
        triggers = (append_only(), counting(decision_counts("made")))

    def __str__(self) -> str:
        return f"decision {self.id}"


class Retraction(models.Model):
    """A decision that was taken back; what replaced it supersedes it."""

    decision = models.OneToOneField(
        Decision,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="retraction",
    )
    kind = models.CharField(max_length=5, choices=RetractionKind)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        triggers = (append_only(), counting(retraction_counts("made")))

    def __str__(self) -> str:
        return f"retraction of decision {self.decision_id}"


class Outcome(models.Model):
    """Ground truth that arrived from outside, as received."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="outcomes", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="outcomes")
    label = models.CharField(max_length=50)
    fields = models.JSONField(null=True)  # what it said of them, any part
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    received_from = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = (
            # The same news twice is one outcome.
            models.UniqueConstraint(
                fields=("item", "label", "observed_at"),
                name="reviewqueue_outcome_once",
            ),
        )
        indexes = (
            models.Index(
                fields=("workflow", "received_at"), name="reviewqueue_outcome_by_time"
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"outcome {self.id}"


class Label(models.Model):
    """One version of the truth about an item; the highest version is in force."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="labels", db_index=False
    )
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, related_name="labels", db_index=False
    )
    version = models.PositiveIntegerField()
    label = models.CharField(max_length=50, blank=True, default="")
    fields = models.JSONField(null=True)
    # By field: whether it is another value than was recommended; unknown left out.
    field_errors = models.JSONField(null=True)
    source = models.CharField(max_length=12, choices=LabelSource)
    decision = models.ForeignKey(
        Decision,
        on_delete=models.PROTECT,
        null=True,
        related_name="labels",
        db_index=False,
    )
    outcome = models.ForeignKey(
        Outcome,
        on_delete=models.PROTECT,
        null=True,
        related_name="labels",
        db_index=False,
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("item", "version"), name="reviewqueue_label_version_unique"
            ),
            models.CheckConstraint(
                condition=Q(source=LabelSource.RETRACTED, label="")
                | (~Q(source=LabelSource.RETRACTED) & ~Q(label="")),
                name="reviewqueue_label_empty_iff_retracted",
            ),
            models.CheckConstraint(
                condition=~Q(source=LabelSource.RETRACTED) | Q(fields__isnull=True),
                name="reviewqueue_label_retracted_holds_nothing",
            ),
            models.CheckConstraint(
                condition=(Q(source=LabelSource.OUTCOME) & Q(outcome__isnull=False))
                | (~Q(source=LabelSource.OUTCOME) & Q(decision__isnull=False)),
                name="reviewqueue_label_has_its_source",
            ),
        )
        indexes = (
            # Snapshots and the feed: by time, in a total order.
            models.Index(
                fields=("workflow", "created_at", "id"),
                name="reviewqueue_label_by_time",
            ),
        )
        triggers = (
            append_only(),
            counting(truth_counts("made"), first=AWAIT_ROUTING),
            observing_labels(),
        )

    def __str__(self) -> str:
        return f"label {self.id}"


class IdempotencyKey(models.Model):
    """The answer given to a request, to be given again when it is repeated."""

    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
    )
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "key"), name="reviewqueue_idempotency_key_unique"
            ),
        )

    def __str__(self) -> str:
        return f"idempotency key {self.id}"
