"""Store what comes in: items, duplicates and quarantine, in bounded memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction

from accounts.ids import uuid7_batch, uuid7_bytes_batch
from predictions.declaration import FieldError
from predictions.enums import IntakeSource, QuarantineStatus
from predictions.intake.payloads import storable_json
from predictions.intake.readers import PayloadStopped
from predictions.intake.rows import RejectedItem, ValidItem
from predictions.intake.validation import ItemValidator, compile_validator
from predictions.intake.values import EPOCH, storable_text
from predictions.models import Item, QuarantinedItem, Workflow
from predictions.services.copying import copy_encoded, copy_rows
from predictions.services.item_rows import ITEM_COLUMNS, Encode, item_encoder
from predictions.services.wake_ups import wake_scoring

MAX_LISTED = 1000
N_TRIES = 5
LOOK_FIRST_UP_TO = 200  # items; above, a look before the COPY costs more than it saves
UNIQUE_ID = "predictions_item_external_id_unique"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A refused item, as it is answered to the sender."""

    index: int
    external_id: str
    errors: list[FieldError]


@dataclass(slots=True)
class IntakeResult:
    """What became of the items that were sent; the three counts add up to them."""

    accepted: int = 0
    duplicates: int = 0
    n_quarantined: int = 0
    quarantined: list[Quarantined] = field(default_factory=list)  # the first 1,000
    item_ids: dict[str, UUID] = field(default_factory=dict)  # by external id, if asked


class _Row(NamedTuple):
    """A valid item with the id that it gets, encoded for COPY."""

    external_id: str
    item: ValidItem
    id: bytes
    encoded: bytes


class _Known(NamedTuple):
    id: UUID
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A chunk as far as it can be taken without the database."""

    rows: list[_Row]  # by external id
    refused: list[RejectedItem]


@dataclass(frozen=True, slots=True)
class _Preparation:
    """All that turns raw items into rows, without the database."""

    validator: ItemValidator
    encode: Encode
    now: datetime

    def __call__(self, raw_items: Sequence[object]) -> _Prepared:
        raw, unread = _split_unread(raw_items)
        validated = self.validator.validate(raw, now=self.now)
        refused = validated.rejected
        valid = validated.accepted
        if unread:
            places = [
                index
                for index, entry in enumerate(raw_items)
                if not isinstance(entry, RejectedItem)
            ]
            refused = [_moved(one, places[one.index]) for one in refused] + unread
            valid = [one._replace(position=places[one.position]) for one in valid]
        ids = uuid7_bytes_batch(len(valid), _milliseconds(self.now))
        rows = [
            _Row(one.external_id, one, item_id, self.encode(item_id, one))
            for one, item_id in zip(valid, ids, strict=True)
        ]
        # Senders of the same ids must meet in the same order, or they deadlock.
        rows.sort(key=attrgetter("external_id"))
        return _Prepared(rows, refused)


def store_items(
    *,
    workflow: Workflow,
    chunks: Iterable[Sequence[object]],
    source: IntakeSource,
    now: datetime,
    keep_ids: bool = False,
    wake: bool = True,
) -> IntakeResult:
    """Validate and store raw items, chunk by chunk, each in its own transaction.

    A chunk may hold `RejectedItem`s that the reader could not parse. Items go in by
    COPY; a trigger files them for scoring. The same external id with the same content
    is a duplicate; with other content it goes to quarantine, naming both. Nothing of
    a chunk is lost or stored twice, however often it is sent. Wakes the scoring
    workers after each commit.
    Raises: PayloadStopped, of the reader, saying what was stored before.
    """
    prepare = _preparation(workflow, source, now)
    result = IntakeResult()
    offset = 0
    for raw_items in _until_stopped(chunks, result):
        with transaction.atomic():
            _store_prepared(
                workflow=workflow,
                chunk=prepare(raw_items),
                offset=offset,
                source=source,
                now=now,
                result=result,
                keep_ids=keep_ids,
            )
            if wake:
                transaction.on_commit(partial(wake_scoring, workflow.pk))
        offset += len(raw_items)
    return result


def _until_stopped(
    chunks: Iterable[Sequence[object]], result: IntakeResult
) -> Iterator[Sequence[object]]:
    try:
        yield from chunks
    except PayloadStopped as error:
        n_read = result.accepted + result.duplicates + result.n_quarantined
        error.stored = (
            f"Of the {n_read:,} items before, {result.accepted:,} were stored, "
            f"{result.duplicates:,} were there already and "
            f"{result.n_quarantined:,} are in quarantine."
            if n_read
            else "Nothing was stored."
        )
        raise


def store_chunk(
    *,
    workflow: Workflow,
    raw_items: Sequence[object],
    offset: int,
    source: IntakeSource,
    now: datetime,
    result: IntakeResult,
    keep_ids: bool,
) -> None:
    """Store one chunk in the caller's transaction and add to the result.

    Does not wake the scoring workers.
    """
    _store_prepared(
        workflow=workflow,
        chunk=_preparation(workflow, source, now)(raw_items),
        offset=offset,
        source=source,
        now=now,
        result=result,
        keep_ids=keep_ids,
    )


def _preparation(
    workflow: Workflow, source: IntakeSource, now: datetime
) -> _Preparation:
    return _Preparation(
        validator=compile_validator(workflow.declaration),
        encode=item_encoder(
            workflow_id=workflow.pk,
            workflow_version=workflow.version,
            source=source.value,
            now=now,
        ),
        now=now,
    )


def _store_prepared(
    *,
    workflow: Workflow,
    chunk: _Prepared,
    offset: int,
    source: IntakeSource,
    now: datetime,
    result: IntakeResult,
    keep_ids: bool,
) -> None:
    conflicts = _store_new(
        workflow=workflow, rows=chunk.rows, result=result, keep_ids=keep_ids
    )
    refused = sorted([*chunk.refused, *conflicts], key=attrgetter("index"))
    _quarantine(workflow=workflow, refused=refused, source=source, now=now)
    result.n_quarantined += len(refused)
    room = max(MAX_LISTED - len(result.quarantined), 0)
    result.quarantined += [
        Quarantined(offset + one.index, one.external_id or "", one.errors)
        for one in refused[:room]
    ]


def _split_unread(
    raw_items: Sequence[object],
) -> tuple[Sequence[object], list[RejectedItem]]:
    unread = [
        _moved(entry, index)
        for index, entry in enumerate(raw_items)
        if isinstance(entry, RejectedItem)
    ]
    if not unread:
        return raw_items, unread
    return [one for one in raw_items if not isinstance(one, RejectedItem)], unread


def _moved(one: RejectedItem, index: int) -> RejectedItem:
    return RejectedItem(index, one.external_id, one.payload, one.errors)


def _store_new(
    *,
    workflow: Workflow,
    rows: Sequence[_Row],
    result: IntakeResult,
    keep_ids: bool,
) -> list[RejectedItem]:
    """COPY what is new, count what is there already, return what conflicts.

    Another sender may store the same external id between the look and the COPY: the
    unique constraint then undoes the COPY, and the look is taken again. The first
    look is spared where most likely everything is new.
    """
    look = len(rows) <= LOOK_FIRST_UP_TO or result.duplicates > 0
    for _ in range(N_TRIES):
        known = _known(workflow, rows) if look else {}
        look = True
        fresh, n_same, conflicts = _sort_out(rows, known)
        if not _copied(fresh):
            continue
        result.accepted += len(fresh)
        result.duplicates += n_same
        if keep_ids:
            result.item_ids.update({name: one.id for name, one in known.items()})
            result.item_ids.update(
                {row.external_id: UUID(bytes=row.id) for row in fresh}
            )
        return conflicts
    msg = "Other senders kept storing the same external ids."
    raise IntegrityError(msg)


def _copied(fresh: Sequence[_Row]) -> bool:
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


def _known(workflow: Workflow, rows: Sequence[_Row]) -> dict[str, _Known]:
    stored = Item.objects.filter(
        workflow=workflow, external_id__in=[row.external_id for row in rows]
    ).values_list("external_id", "id", "content_hash")
    return {name: _Known(item_id, bytes(digest)) for name, item_id, digest in stored}


def _sort_out(
    rows: Sequence[_Row], known: Mapping[str, _Known]
) -> tuple[Sequence[_Row], int, list[RejectedItem]]:
    if not known and len({row.external_id for row in rows}) == len(rows):
        return rows, 0, []
    hashes = {name: one.content_hash for name, one in known.items()}
    fresh: list[_Row] = []
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
            conflicts.append(_conflict(row.item, there))
    return fresh, n_same, conflicts


def _conflict(one: ValidItem, stored_hash: bytes) -> RejectedItem:
    value = {
        "external_id": one.external_id,
        "stored_sha256": stored_hash.hex(),
        "received_sha256": one.content_hash.hex(),
    }
    payload = {
        "external_id": one.external_id,
        "features": orjson.loads(one.features),
        "occurred_at": (EPOCH + timedelta(microseconds=one.moment)).isoformat(),
    }
    error = FieldError("external_id", "conflict", value)
    return RejectedItem(one.position, one.external_id, payload, [error])


_QUARANTINE_COLUMNS = (
    "id",
    "workflow_id",
    "external_id",
    "payload",
    "errors",
    "source",
    "status",
    "received_at",
)


def _quarantine(
    *,
    workflow: Workflow,
    refused: Sequence[RejectedItem],
    source: IntakeSource,
    now: datetime,
) -> None:
    if not refused:
        return
    ids = uuid7_batch(len(refused), _milliseconds(now))
    copy_rows(
        QuarantinedItem,
        _QUARANTINE_COLUMNS,
        (
            (
                new_id,
                workflow.pk,
                storable_text(one.external_id or "")[:200],
                storable_json(one.payload),
                storable_json([error.to_json() for error in one.errors]),
                source.value,
                QuarantineStatus.OPEN.value,
                now,
            )
            for new_id, one in zip(ids, refused, strict=True)
        ),
    )


def _milliseconds(now: datetime) -> int:
    return int(now.timestamp() * 1000)
