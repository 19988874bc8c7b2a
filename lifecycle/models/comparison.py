"""What a worker last found of a version beside the champion."""

from django.db import models

from predictions.models import ModelVersion


class ComparisonLook(models.Model):
    """The last look at one version; written over by the next.

    `report` is `lifecycle.queries.comparison.Report` as JSON. `told` are the verdicts
    that a notice was written of since the comparison began.
    """

    challenger = models.OneToOneField(
        ModelVersion, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    champion = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    since = models.DateTimeField()
    looked_at = models.DateTimeField()
    report = models.JSONField()
    told = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"look at model version {self.challenger_id}"
