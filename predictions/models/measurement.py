"""What was measured of an item's media: read once, before it was scored."""

from django.db import models

from predictions.models.append_only import append_only
from predictions.models.item import Item


class Measurement(models.Model):
    """The values of all readers of one item, and what people are shown of them.

    `values` by feature; `evidence` by slot, as the reader gave it; `readers` by slot:
    name and version of what measured it; `failure` why something could not be measured,
    a reason as in `predictions.learning.failures`, or empty.
    """

    item = models.OneToOneField(
        Item, on_delete=models.PROTECT, primary_key=True, related_name="measurement"
    )
    values = models.JSONField()
    evidence = models.JSONField()
    readers = models.JSONField()
    failure = models.CharField(max_length=40, blank=True, default="")
    measured_at = models.DateTimeField()

    class Meta:
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"measurement of item {self.item_id}"
