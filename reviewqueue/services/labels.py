"""Write versions of the truth about an item that people make."""

from datetime import datetime

from predictions.models import Item
from reviewqueue.enums import LabelSource
from reviewqueue.models import Decision, Label
from reviewqueue.queries.prepared import insert


def label_in_force(item: Item) -> Label | None:
    """Return the highest version, which may be a retraction."""
    return Label.objects.filter(item=item).order_by("-version").first()


def write_label(
    *,
    item: Item,
    current: Label | None,
    label: str,
    source: LabelSource,
    decision: Decision | None,
    now: datetime,
) -> Label | None:
    """Append what a decision makes true, unless that is in force already.

    The caller has locked the item and read its label in force. Late truth stands
    above what people said: their label is not written over an outcome (None).
    """
    if current is not None:
        if current.source == LabelSource.OUTCOME:
            return None
        is_same = (current.label, current.source) == (label, source)
        if is_same and current.decision_id == (decision.pk if decision else None):
            return current
    written = Label(
        workflow_id=item.workflow_id,
        item=item,
        version=current.version + 1 if current else 1,
        label=label,
        fields=decision.fields if decision and label else None,
        field_errors=_field_errors(decision) if decision and label else None,
        source=source,
        decision=decision,
        created_at=now,
    )
    insert(written)
    return written


def _field_errors(decision: Decision) -> dict[str, bool] | None:
    """Say of each field whether the decision corrected it.

    One that the label does not ask for is not wrong: the label is.
    """
    if decision.fields is None:
        return None
    specs = decision.workflow.declaration.fields
    return {one.name: one.name in decision.corrected for one in specs}
