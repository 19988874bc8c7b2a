"""Add and retire gold items: items whose label is known, to measure reviewers by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from accounts.models import User
from predictions.declaration import FieldError
from predictions.models import Item, Workflow
from predictions.services.trail import tell
from reviewqueue.enums import (
    CaseEventKind,
    CaseKind,
    CaseStatus,
    GoldSource,
    LabelSource,
)
from reviewqueue.models import Case, GoldItem, Label, Route
from reviewqueue.services.events import note_event
from reviewqueue.services.leases import lock_items, update_case

MAX_NOTE_LENGTH = 1000
MAX_ROWS = 10_000
log = structlog.get_logger(__name__)


class GoldRefused(ValueError):
    """The item cannot become gold, or cannot be retired; names field and rule."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class GoldRow:
    """One row of an upload, `number` as in the file."""

    number: int
    external_id: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RowRefused:
    """Why a row was left out."""

    number: int
    external_id: str
    errors: list[FieldError]


@dataclass(frozen=True, slots=True)
class GoldAdded:
    """What became of an upload: rows with an error were left out, the others are in."""

    added: list[GoldItem]
    refused: list[RowRefused]


@transaction.atomic
def add_settled(*, item: Item, by: User, note: str, now: datetime) -> GoldItem:
    """Make an item gold with its label in force. Locks the item.

    Raises: GoldRefused without a label in force; as `add_gold_rows` else.
    """
    lock_items([item.pk])
    newest = Label.objects.filter(item=item).order_by("-version").first()
    if newest is None or newest.source == LabelSource.RETRACTED:
        raise GoldRefused([FieldError("label", "not_settled", item.external_id)])
    gold = _add(item, newest.label, GoldSource.SETTLED, by=by, note=note, now=now)
    _log("added", gold, by)
    return gold


@transaction.atomic
def add_gold_rows(
    *, workflow: Workflow, rows: Sequence[GoldRow], by: User, now: datetime
) -> GoldAdded:
    """Make items gold with labels from outside. Locks the items.

    A bad row never stops the others: its errors name field, rule and value. A retired
    item comes back when its label is the same; another label would rewrite what its
    answers were worth.
    Raises: GoldRefused for more than 10,000 rows.
    """
    if len(rows) > MAX_ROWS:
        raise GoldRefused([FieldError("rows", "too_many", len(rows))])
    wanted = [row.external_id for row in rows if "\x00" not in row.external_id]
    items = {
        one.external_id: one
        for one in Item.objects.filter(workflow=workflow, external_id__in=wanted)
    }
    lock_items([one.pk for one in items.values()])
    added: list[GoldItem] = []
    refused: list[RowRefused] = []
    for row in rows:
        try:
            gold = _add_row(row, items.get(row.external_id), workflow, by=by, now=now)
        except GoldRefused as refusal:
            refused.append(RowRefused(row.number, row.external_id, refusal.errors))
        else:
            added.append(gold)
            _log("added", gold, by)
    return GoldAdded(added, refused)


@transaction.atomic
def retire_gold(*, gold: GoldItem, by: User, reason: str, now: datetime) -> GoldItem:
    """Place the item no more; what was answered stays.

    Withdraws its cases that nobody holds. Whoever has one before them may finish it.
    Raises: GoldRefused when it is retired already, or for a reason too long.
    """
    locked = GoldItem.objects.select_for_update().get(pk=gold.pk)
    if locked.retired_at is not None:
        raise GoldRefused([FieldError("gold", "retired_already", str(gold.pk))])
    said = f"retired by {by.username}: {reason}".rstrip(": ")
    note = f"{locked.note}\n{said}".strip()
    _check_note(reason)
    locked.retired_at, locked.retired_by, locked.note = now, by, note
    locked.save(update_fields=["retired_at", "retired_by", "note"])
    waiting = Case.objects.select_for_update(of=("self",)).filter(
        placement__gold=locked,
        kind=CaseKind.GOLD,
        status__in=(CaseStatus.PENDING, CaseStatus.SNOOZED),
    )
    for case in waiting.order_by("id"):
        before = case.status
        update_case(
            case, status=CaseStatus.WITHDRAWN, snoozed_until=None, closed_at=now
        )
        note_event(case, CaseEventKind.WITHDRAWN, actor=by, from_status=before, now=now)
    _log("retired", locked, by)
    return locked


def _add_row(
    row: GoldRow, item: Item | None, workflow: Workflow, *, by: User, now: datetime
) -> GoldItem:
    errors = []
    if not row.external_id:
        errors.append(FieldError("external_id", "missing"))
    elif item is None:
        errors.append(FieldError("external_id", "unknown", row.external_id))
    if not row.label:
        errors.append(FieldError("label", "missing"))
    elif row.label not in workflow.declaration.label_keys:
        errors.append(FieldError("label", "value", row.label))
    if errors or item is None:
        raise GoldRefused(errors)
    return _add(item, row.label, GoldSource.UPLOAD, by=by, note=row.note, now=now)


def _add(
    item: Item, label: str, source: GoldSource, *, by: User, note: str, now: datetime
) -> GoldItem:
    _check_note(note)
    if not Route.objects.filter(pk=item.pk).exists():
        raise GoldRefused([FieldError("external_id", "not_routed", item.external_id)])
    known = GoldItem.objects.select_for_update().filter(item=item).first()
    if known is None:
        return GoldItem.objects.create(
            workflow_id=item.workflow_id,
            item=item,
            label=label,
            source=source,
            note=note,
            added_by=by,
            added_at=now,
        )
    if known.retired_at is None:
        raise GoldRefused([FieldError("external_id", "gold_already", item.external_id)])
    if known.label != label:
        raise GoldRefused([FieldError("label", "differs_from_before", label)])
    known.retired_at, known.retired_by = None, None
    known.note = f"{known.note}\nback by {by.username}: {note}".rstrip(": ")
    known.save(update_fields=["retired_at", "retired_by", "note"])
    return known


def _check_note(note: str) -> None:
    if len(note) > MAX_NOTE_LENGTH:
        raise GoldRefused([FieldError("note", "too_long", len(note))])
    if "\x00" in note:
        raise GoldRefused([FieldError("note", "characters", "NUL")])


def _log(what: str, gold: GoldItem, by: User) -> None:
    tell(log, f"gold_{what}", gold_id=str(gold.pk), user_id=str(by.pk))
