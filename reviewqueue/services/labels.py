"""Write versions of the truth about an item."""

from datetime import datetime

from predictions.models import Item
from reviewqueue.enums import LabelSource
from reviewqueue.models import Decision, Label, Outcome


def label_in_force(item: Item) -> Label | None:
    """Return the highest version, which may be a retraction."""
    return Label.objects.filter(item=item).order_by("-version").first()


def write_label(
    *,
    item: Item,
    label: str,
    source: LabelSource,
    now: datetime,
    decision: Decision | None = None,
    outcome: Outcome | None = None,
) -> Label | None:
    """Append a version unless it says what is in force already.

    The caller has locked the item. Late truth stands above what people said: their
    label is not written over an outcome (None).
    """
    current = label_in_force(item)
    if current is not None:
        if current.source == LabelSource.OUTCOME and source != LabelSource.OUTCOME:
            return None
        same_origin = (current.decision_id, current.outcome_id) == (
            decision.pk if decision else None,
            outcome.pk if outcome else None,
        )
        if (current.label, current.source) == (label, source) and same_origin:
            return current
    return Label.objects.create(
        workflow_id=item.workflow_id,
        item=item,
        version=current.version + 1 if current else 1,
        label=label,
        source=source,
        decision=decision,
        outcome=outcome,
        created_at=now,
    )
