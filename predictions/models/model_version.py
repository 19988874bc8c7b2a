"""Registered models and what happened to them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from predictions.enums import FILE_KINDS, ModelEventKind, ModelKind, Stage
from predictions.models.append_only import append_only
from predictions.models.workflow import Workflow


class ModelVersion(models.Model):
    """A registered model. All but stage and share is fixed at registration.

    `reference` holds a sample of what it learnt from, which drift is measured against.
    A challenger's recommendations are the ones met in `route_share` of the items.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="model_versions"
    )
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200, blank=True, default="")
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.CANDIDATE)
    kind = models.CharField(max_length=8, choices=ModelKind, default=ModelKind.ARTIFACT)
    artifact = models.FileField(upload_to="artifacts/", max_length=300, blank=True)
    endpoint = models.CharField(max_length=500, blank=True, default="")
    sha256 = models.CharField(max_length=64)
    reference = models.FileField(
        upload_to="references/", max_length=300, blank=True, default=""
    )
    columns = models.JSONField()
    label_keys = models.JSONField()
    calibration = models.JSONField(null=True)
    references = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    threshold = models.FloatField()
    route_share = models.FloatField(default=0)
    snapshot_id = models.UUIDField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    stage_changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "number"), name="predictions_model_number_unique"
            ),
            models.UniqueConstraint(
                fields=("workflow",),
                condition=Q(stage=Stage.CHAMPION),
                name="predictions_model_one_champion",
            ),
            models.CheckConstraint(
                condition=Q(stage__in=Stage.values),
                name="predictions_model_stage_known",
            ),
            models.CheckConstraint(
                condition=Q(threshold__gt=0, threshold__lt=1),
                name="predictions_model_threshold_in_unit",
            ),
            models.CheckConstraint(
                condition=Q(kind=ModelKind.HTTP, artifact="") & ~Q(endpoint="")
                | Q(kind__in=FILE_KINDS, endpoint="") & ~Q(artifact=""),
                name="predictions_model_has_its_source",
            ),
            models.CheckConstraint(
                condition=Q(route_share=0)
                | Q(stage=Stage.CHALLENGER, route_share__gt=0, route_share__lte=0.5),
                name="predictions_model_share_is_a_challengers",
            ),
        )

    def __str__(self) -> str:
        return f"model version {self.id}"

    @property
    def short_name(self) -> str:
        return f"v{self.number}"


class ModelEvent(models.Model):
    """A stage move, a failure or a recovery."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="events"
    )
    kind = models.CharField(max_length=15, choices=ModelEventKind)
    from_stage = models.CharField(max_length=10, blank=True, default="")
    to_stage = models.CharField(max_length=10, blank=True, default="")
    route_share = models.FloatField(null=True)  # of a challenger, from then on
    reason = models.TextField(blank=True, default="")
    n_items = models.PositiveIntegerField(default=0)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(
                fields=("model_version", "-at"), name="predictions_model_event_new"
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"model event {self.id}"
