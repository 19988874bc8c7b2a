"""Files that their senders look at before they are taken in."""

from django.conf import settings
from django.db import models

from accounts.ids import uuid7
from predictions.enums import KeptPurpose
from predictions.models.workflow import Workflow


class KeptFile(models.Model):
    """A file of readings or failures, for a day at most; its sender's alone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    purpose = models.CharField(max_length=8, choices=KeptPurpose)
    name = models.CharField(max_length=200)
    n_bytes = models.PositiveBigIntegerField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(purpose__in=KeptPurpose.values),
                name="predictions_keptfile_purpose_known",
            ),
        )

    def __str__(self) -> str:
        return f"kept file {self.id}"

    @property
    def storage_name(self) -> str:
        """Where it lies until it is taken in or given up."""
        return f"kept-files/{self.id.hex}"
