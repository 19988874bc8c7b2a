"""Take valid rows into the table of items: new, the same, in conflict."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction

from predictions.enums import IntakeSource
from predictions.intake.rows import RejectedItem, ValidItem
from predictions.models import Item, Workflow
from predictions.services.copying import FEW_ROWS, copy_encoded
from predictions.services.item_rows import ITEM_COLUMNS, insert_unknown
from predictions.services.refused_rows import conflict_of

N_TRIES = 5
LOOK_FIRST_UP_TO = 200  # items; above, a look before the COPY costs more than it saves
UNIQUE_ID = "predictions_item_external_id_unique"


class Row(NamedTuple):
    """A valid item with the id that it gets, encoded for COPY."""

    external_id: str
    item: ValidItem
    id: bytes
    encoded: bytes

    @property
    def uuid(self) -> UUID:
        return UUID(bytes=self.id)


class _Known(NamedTuple):
    id: UUID
    content_hash: bytes


class Taken(NamedTuple):
    """The valid rows of a chunk, sorted out: new, known, the same, in conflict."""

    fresh: Sequence[Row]
    known: Mapping[str, _Known]
    n_same: int
    conflicts: list[RejectedItem]

    def ids(self) -> dict[str, UUID]:
        known = {name: one.id for name, one in self.known.items()}
        return known | {row.external_id: row.uuid for row in self.fresh}


def take_rows(
    workflow: Workflow,
    rows: Sequence[Row],
    *,
    source: IntakeSource,
    now: datetime,
    look: bool,
) -> Taken:
    """Store the rows that are new, in the caller's transaction; sort out the others.

    `rows` in the order of their external ids. `look` before writing: where some of
    them are likely to be there already.
    Raises: IntegrityError where others store the same ids again and again.
    """
    if len(rows) <= FEW_ROWS:
        return _insert_few(workflow, rows, source, now)
    return _copy_many(workflow, rows, look=look)


def _insert_few(
    workflow: Workflow, rows: Sequence[Row], source: IntakeSource, now: datetime
) -> Taken:
    """INSERT what is new, and look only at what was there."""
    firsts = {row.external_id: row for row in reversed(rows)}
    candidates = [(row.uuid, row.item) for row in reversed(firsts.values())]
    stored = insert_unknown(candidates, workflow=workflow, source=source.value, now=now)
    known = _known(workflow, [row for row in rows if row.external_id not in stored])
    return _sort_out(rows, known)


def _copy_many(workflow: Workflow, rows: Sequence[Row], *, look: bool) -> Taken:
    """COPY what is new, sort out what is there already.

    Another sender may store the same external id between the look and the COPY: the
    unique constraint then undoes the COPY, and the look is taken again. The first
    look is spared where most likely everything is new.
    """
    look = look or len(rows) <= LOOK_FIRST_UP_TO
    for _ in range(N_TRIES):
        taken = _sort_out(rows, _known(workflow, rows) if look else {})
        if _copied(taken.fresh):
            return taken
        look = True
    msg = "Other senders kept storing the same external ids."
    raise IntegrityError(msg)


def _copied(fresh: Sequence[Row]) -> bool:
    """COPY the rows; say whether all of them were new."""
    if not fresh:
        return True
    try:
        with transaction.atomic():
            copy_encoded(Item, ITEM_COLUMNS, (row.encoded for row in fresh))
    except IntegrityError as error:
        if UNIQUE_ID not in str(error):
            raise
        return False
    return True


def _known(workflow: Workflow, rows: Sequence[Row]) -> dict[str, _Known]:
    if not rows:
        return {}
    stored = Item.objects.filter(
        workflow=workflow, external_id__in=[row.external_id for row in rows]
    ).values_list("external_id", "id", "content_hash")
    return {name: _Known(item_id, bytes(digest)) for name, item_id, digest in stored}


def _sort_out(rows: Sequence[Row], known: Mapping[str, _Known]) -> Taken:
    if not known and len({row.external_id for row in rows}) == len(rows):
        return Taken(rows, known, 0, [])
    hashes = {name: one.content_hash for name, one in known.items()}
    fresh: list[Row] = []
    conflicts: list[RejectedItem] = []
    n_same = 0
    for row in rows:
        there = hashes.get(row.external_id)
        if there is None:
            hashes[row.external_id] = row.item.content_hash
            fresh.append(row)
        elif there == row.item.content_hash:
            n_same += 1
        else:
            conflicts.append(conflict_of(row.item, there))
    return Taken(fresh, known, n_same, conflicts)
