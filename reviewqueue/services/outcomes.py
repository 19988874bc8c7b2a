"""Late truth from outside: stored as received, and the label that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.sites import ALL_SITES, Sites, within_sites
from predictions.declaration import FieldError
from predictions.fields.values import Values, check_fields
from predictions.jobs import Clock
from predictions.models import Item, Workflow
from reviewqueue.enums import LabelSource
from reviewqueue.models import Label, Outcome
from reviewqueue.services.field_truth import errors_of_truth, recommended_of_items
from reviewqueue.services.leases import lock_items

ROWS_PER_TRANSACTION = 500


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    external_id: str
    label: str
    observed_at: datetime
    fields: object = None  # as they came


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
    *,
    workflow: Workflow,
    rows: Sequence[OutcomeRow],
    by: User | None,
    now: datetime,
    sites: Sites = ALL_SITES,
    clock: Clock | None = None,
    latest: datetime | None = None,
) -> OutcomesRecorded:
    """Store late truth by external id, in transactions of some hundred rows.

    Locks the items, writes outcomes and label versions; news that was observed
    before what is in force is kept and makes no label. The same news twice is
    counted as a duplicate. A row for an item that is not known, with a label that is
    not declared, with fields that break a rule, or with other fields than the same
    news had, is refused with its reason; the others go on. To who is limited to `sites`
    the items of others are not known. Each transaction is of the `clock`'s moment,
    where there is one: the feed and snapshots take it that rows are as new as they say.
    What says that it was observed after `latest` is refused: it would stand for good.
    """
    result = OutcomesRecorded()
    known: list[_News] = []
    wanted = {row.external_id for row in rows}
    items = {
        item.external_id: item
        for item in within_sites(Item.objects.filter(workflow=workflow), sites)
        .filter(external_id__in=wanted)
        .only("id", "workflow_id", "external_id")
    }
    for index, row in enumerate(rows):
        item = items.get(row.external_id)
        fields, errors = _checked(row, item=item, workflow=workflow)
        if latest is not None and row.observed_at > latest:
            moment = row.observed_at.isoformat()
            errors = [*errors, FieldError("observed_at", "future", moment)]
        if errors or item is None:
            result.refused.append(RefusedOutcome(index, row.external_id, errors))
        else:
            known.append(_News(index, row, item, fields))
    for chunk in batched(known, ROWS_PER_TRANSACTION):
        at = clock() if clock else now
        n_new, refused = _record_chunk(chunk, workflow=workflow, by=by, now=at)
        result.accepted += n_new
        result.duplicates += len(chunk) - n_new - len(refused)
        result.refused += refused
    result.refused.sort(key=lambda one: one.index)
    return result


@dataclass(frozen=True, slots=True)
class _News:
    """A row that breaks no rule, the item that it is about, its fields as stored."""

    index: int
    row: OutcomeRow
    item: Item
    fields: Values | None

    @property
    def key(self) -> tuple[str, datetime]:
        return self.row.label, self.row.observed_at


def _checked(
    row: OutcomeRow, *, item: Item | None, workflow: Workflow
) -> tuple[Values | None, list[FieldError]]:
    if item is None:
        return None, [FieldError("external_id", "unknown_item", row.external_id)]
    declaration = workflow.declaration
    if row.label not in declaration.label_keys:
        return None, [FieldError("label", "value", row.label)]
    if row.fields is None:
        return None, []
    if not declaration.fields:
        return None, [FieldError("fields", "not_declared")]
    checked = check_fields(declaration.fields_with(row.label), row.fields)
    given = row.fields if isinstance(row.fields, dict) else {}
    said = {name: checked.values.get(name) for name in given}
    return {name: one for name, one in said.items() if one is not None}, checked.errors


@transaction.atomic
def _record_chunk(
    news: Sequence[_News], *, workflow: Workflow, by: User | None, now: datetime
) -> tuple[int, list[RefusedOutcome]]:
    """Store what is new of some known rows, in their order.

    Returns how many, and those that say otherwise what was said already.
    """
    past = _past_of({one.item.pk for one in news})
    recommended = recommended_of_items(workflow, past)
    outcomes: list[Outcome] = []
    labels: list[Label] = []
    refused: list[RefusedOutcome] = []
    for one in news:
        known = past[one.item.pk]
        if one.key in known.news:
            if one.fields not in (None, known.news[one.key]):
                error = FieldError("fields", "said_otherwise_before")
                external_id = one.row.external_id
                refused.append(RefusedOutcome(one.index, external_id, [error]))
            continue
        outcome = _outcome(one, by=by, now=now)
        outcomes.append(outcome)
        if known.is_latest(one.row.observed_at):
            said = recommended.get(one.item.pk)
            if said is not None:
                known.field_errors = errors_of_truth(
                    workflow.declaration,
                    label=outcome.label,
                    said=outcome.fields or {},
                    recommended=said,
                    known=known.field_errors or {},
                )
            labels.append(known.next_label(outcome))
        known.news[one.key] = one.fields
    Outcome.objects.bulk_create(outcomes)
    Label.objects.bulk_create(labels)
    return len(outcomes), refused


@dataclass(slots=True)
class _Past:
    """What is stored of an item: its news, and the newest version of its label."""

    news: dict[tuple[str, datetime], Values | None] = field(default_factory=dict)
    version: int = 0
    label: str = ""
    fields: Values | None = None
    field_errors: dict[str, bool] | None = None

    def is_latest(self, observed_at: datetime) -> bool:
        return all(observed_at >= other for _, other in self.news)

    def next_label(self, outcome: Outcome) -> Label:
        """Return the label that an outcome makes, and take it for the newest.

        Of fields it says what it says; the rest is as it was known with that label.
        """
        known = self.fields if self.label == outcome.label else None
        fields = outcome.fields
        if known is not None:
            fields = {**known, **(fields or {})}
        self.version, self.label, self.fields = self.version + 1, outcome.label, fields
        return _label(
            outcome,
            version=self.version,
            fields=fields,
            field_errors=self.field_errors,
        )


def _past_of(item_ids: set[UUID]) -> dict[UUID, _Past]:
    """Lock the items, then read: nothing of theirs changes until the commit."""
    lock_items(item_ids)
    past = {pk: _Past() for pk in item_ids}
    news = Outcome.objects.filter(item__in=item_ids)
    for pk, label, observed_at, fields in news.values_list(
        "item_id", "label", "observed_at", "fields"
    ):
        past[pk].news[label, observed_at] = fields
    labels = Label.objects.filter(item__in=item_ids).order_by("version")
    for pk, version, label, fields, errors in labels.values_list(
        "item_id", "version", "label", "fields", "field_errors"
    ):
        one = past[pk]
        one.version, one.label, one.fields = version, label, fields
        one.field_errors = errors
    return past


def _outcome(one: _News, *, by: User | None, now: datetime) -> Outcome:
    return Outcome(
        workflow_id=one.item.workflow_id,
        item=one.item,
        label=one.row.label,
        fields=one.fields,
        observed_at=one.row.observed_at,
        received_at=now,
        received_from=by,
    )


def _label(
    outcome: Outcome,
    *,
    version: int,
    fields: Values | None,
    field_errors: dict[str, bool] | None,
) -> Label:
    return Label(
        workflow_id=outcome.workflow_id,
        item_id=outcome.item_id,
        version=version,
        label=outcome.label,
        fields=fields,
        field_errors=field_errors,
        source=LabelSource.OUTCOME,
        outcome=outcome,
        created_at=outcome.received_at,
    )
