"""Late truth from outside: stored as received, and the label that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts.models import User
from predictions.declaration import FieldError
from predictions.models import Item, Workflow
from reviewqueue.enums import LabelSource
from reviewqueue.models import Outcome
from reviewqueue.services.labels import write_label
from reviewqueue.services.leases import lock_item


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    external_id: str
    label: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class RefusedOutcome:
    index: int
    external_id: str
    errors: list[FieldError]


@dataclass(slots=True)
class OutcomesRecorded:
    accepted: int = 0
    duplicates: int = 0
    refused: list[RefusedOutcome] = field(default_factory=list)


def record_outcomes(
    *, workflow: Workflow, rows: Sequence[OutcomeRow], by: User | None, now: datetime
) -> OutcomesRecorded:
    """Store late truth by external id; each row by itself.

    Locks each item, writes the outcome and the label version; news that was observed
    before what is in force is kept and makes no label. The same news twice is
    counted as a duplicate. A row for an item that is not known, or with a label that
    is not declared, is refused with its reason; the others go on.
    """
    result = OutcomesRecorded()
    wanted = {row.external_id for row in rows}
    items = {
        item.external_id: item
        for item in Item.objects.filter(workflow=workflow, external_id__in=wanted).only(
            "id", "workflow_id", "external_id"
        )
    }
    for index, row in enumerate(rows):
        item = items.get(row.external_id)
        if error := _error(row, item=item, workflow=workflow):
            result.refused.append(RefusedOutcome(index, row.external_id, [error]))
        elif item is not None and _record_one(row, item=item, by=by, now=now):
            result.accepted += 1
        else:
            result.duplicates += 1
    return result


def _error(
    row: OutcomeRow, *, item: Item | None, workflow: Workflow
) -> FieldError | None:
    if item is None:
        return FieldError("external_id", "unknown_item", row.external_id)
    if row.label not in workflow.declaration.label_keys:
        return FieldError("label", "value", row.label)
    return None


@transaction.atomic
def _record_one(row: OutcomeRow, *, item: Item, by: User | None, now: datetime) -> bool:
    lock_item(item.pk)
    outcome, is_new = Outcome.objects.get_or_create(
        item=item,
        label=row.label,
        observed_at=row.observed_at,
        defaults={
            "workflow_id": item.workflow_id,
            "received_at": now,
            "received_from": by,
        },
    )
    if is_new and _is_latest(outcome):
        write_label(
            item=item,
            label=row.label,
            source=LabelSource.OUTCOME,
            outcome=outcome,
            now=now,
        )
    return is_new


def _is_latest(outcome: Outcome) -> bool:
    others = Outcome.objects.filter(item=outcome.item_id)
    return not others.filter(observed_at__gt=outcome.observed_at).exists()
