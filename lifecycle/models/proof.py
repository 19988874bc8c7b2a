"""What was tried or looked through, for whoever asks whether it ever was."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from lifecycle.enums import ProofKind
from predictions.models import Workflow
from predictions.models.append_only import append_only


class Proof(models.Model):
    """One restore that was tried, or one review of rights; of all workflows or one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=7, choices=ProofKind)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, null=True, related_name="proofs"
    )
    has_passed = models.BooleanField()
    note = models.CharField(max_length=500, blank=True, default="")
    data = models.JSONField(encoder=DjangoJSONEncoder, default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=ProofKind.values),
                name="lifecycle_proof_kind_known",
            ),
        )
        indexes = (models.Index(fields=("kind", "-at"), name="lifecycle_proof_newest"),)
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"proof {self.id}"
