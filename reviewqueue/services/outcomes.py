"""Late truth from outside: stored as received, and the label that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from uuid import UUID

from django.db import transaction

from accounts.models import User
from predictions.declaration import FieldError
from predictions.models import Item, Workflow
from reviewqueue.enums import LabelSource
from reviewqueue.models import Label, Outcome
from reviewqueue.services.leases import lock_items

ROWS_PER_TRANSACTION = 500


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
    """Store late truth by external id, in transactions of some hundred rows.

    Locks the items, writes outcomes and label versions; news that was observed
    before what is in force is kept and makes no label. The same news twice is
    counted as a duplicate. A row for an item that is not known, or with a label that
    is not declared, is refused with its reason; the others go on.
    """
    result = OutcomesRecorded()
    known: list[tuple[OutcomeRow, Item]] = []
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
        elif item is not None:
            known.append((row, item))
    for chunk in batched(known, ROWS_PER_TRANSACTION):
        n_new = _record_chunk(chunk, by=by, now=now)
        result.accepted += n_new
        result.duplicates += len(chunk) - n_new
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
def _record_chunk(
    rows: Sequence[tuple[OutcomeRow, Item]], *, by: User | None, now: datetime
) -> int:
    """Store what is new of some known rows, in their order. Returns how many."""
    past = _past_of({item.pk for _, item in rows})
    outcomes: list[Outcome] = []
    labels: list[Label] = []
    for row, item in rows:
        known = past[item.pk]
        if (row.label, row.observed_at) in known.news:
            continue
        outcome = _outcome(row, item=item, by=by, now=now)
        outcomes.append(outcome)
        if known.is_latest(row.observed_at):
            known.version += 1
            labels.append(_label(outcome, version=known.version))
        known.news.add((row.label, row.observed_at))
    Outcome.objects.bulk_create(outcomes)
    Label.objects.bulk_create(labels)
    return len(outcomes)


@dataclass(slots=True)
class _Past:
    """What is stored of an item: its news, and the newest version of its label."""

    news: set[tuple[str, datetime]] = field(default_factory=set)
    version: int = 0

    def is_latest(self, observed_at: datetime) -> bool:
        return all(observed_at >= other for _, other in self.news)


def _past_of(item_ids: set[UUID]) -> dict[UUID, _Past]:
    """Lock the items, then read: nothing of theirs changes until the commit."""
    lock_items(item_ids)
    past = {pk: _Past() for pk in item_ids}
    news = Outcome.objects.filter(item__in=item_ids)
    for pk, label, observed_at in news.values_list("item_id", "label", "observed_at"):
        past[pk].news.add((label, observed_at))
    versions = Label.objects.filter(item__in=item_ids).values_list("item_id", "version")
    for pk, version in versions:
        past[pk].version = max(past[pk].version, version)
    return past


def _outcome(row: OutcomeRow, *, item: Item, by: User | None, now: datetime) -> Outcome:
    return Outcome(
        workflow_id=item.workflow_id,
        item=item,
        label=row.label,
        observed_at=row.observed_at,
        received_at=now,
        received_from=by,
    )


def _label(outcome: Outcome, *, version: int) -> Label:
    return Label(
        workflow_id=outcome.workflow_id,
        item_id=outcome.item_id,
        version=version,
        label=outcome.label,
        source=LabelSource.OUTCOME,
        outcome=outcome,
        created_at=outcome.received_at,
    )
