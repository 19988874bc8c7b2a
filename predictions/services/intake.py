"""Store what comes in: items, duplicates and quarantine, in bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from operator import attrgetter
from uuid import UUID

import structlog
from django.db import transaction

from accounts.ids import uuid7_bytes_batch
from accounts.sites import ALL_SITES, Sites
from predictions.declaration import FieldError
from predictions.enums import IntakeSource
from predictions.intake.readers import PayloadStopped
from predictions.intake.rows import RejectedItem
from predictions.intake.validation import ItemValidator, compile_validator
from predictions.intake.wording import explained
from predictions.models import Workflow
from predictions.services.item_media import store_item_media, with_their_media
from predictions.services.item_rows import Encode, item_encoder
from predictions.services.item_sites import sited_refusals, with_their_sites
from predictions.services.item_taking import Row, take_rows
from predictions.services.refused_rows import store_refused
from predictions.services.trail import listed, tell
from predictions.services.wake_ups import wake_scoring

log = structlog.get_logger(__name__)

MAX_LISTED = 1000


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


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A chunk as far as it can be taken without the database."""

    rows: list[Row]  # by external id
    refused: list[RejectedItem]


@dataclass(frozen=True, slots=True)
class _Preparation:
    """All that turns raw items into rows; asks the database for sites and media."""

    workflow: Workflow
    validator: ItemValidator
    encode: Encode
    now: datetime
    sites: Sites

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
            refused = [
                replace(one, index=places[one.index]) for one in refused
            ] + unread
            valid = [one._replace(position=places[one.position]) for one in valid]
        valid, elsewhere = with_their_sites(
            workflow=self.workflow,
            items=valid,
            raw=raw_items,
            sites=self.sites,
            now=self.now,
        )
        refused = refused + elsewhere
        if self.workflow.declaration.media:
            valid, wrong = with_their_media(
                workflow=self.workflow, items=valid, raw=raw_items
            )
            refused = refused + wrong
        ids = uuid7_bytes_batch(len(valid), _milliseconds(self.now))
        rows = [
            Row(one.external_id, one, item_id, self.encode(item_id, one))
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
    sites: Sites = ALL_SITES,
) -> IntakeResult:
    """Store raw items as `store_in_steps` does, and return what became of them.

    Raises: PayloadStopped, of the reader, saying what was stored before.
    """
    result = IntakeResult()
    for step in store_in_steps(
        workflow=workflow,
        chunks=chunks,
        source=source,
        now=now,
        keep_ids=keep_ids,
        wake=wake,
        sites=sites,
    ):
        result = step
    return result


def store_in_steps(
    *,
    workflow: Workflow,
    chunks: Iterable[Sequence[object]],
    source: IntakeSource,
    now: datetime,
    keep_ids: bool = False,
    wake: bool = True,
    sites: Sites = ALL_SITES,
) -> Iterator[IntakeResult]:
    """Validate and store raw items, chunk by chunk, each in its own transaction.

    Yields the result so far, always the same one, after each commit. A chunk may hold
    `RejectedItem`s that the reader could not parse. Items go in by COPY; a trigger
    files them for scoring. The same external id with the same content is a duplicate;
    with other content it goes to quarantine, naming both. Nothing of a chunk is lost
    or stored twice, however often it is sent. Wakes the scoring workers after each
    commit. `sites` are those that the sender is limited to.
    Raises: PayloadStopped, of the reader, saying what was stored before.
    """
    prepare = _preparation(workflow, source, now, sites)
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
                sites=sites,
            )
            if wake:
                transaction.on_commit(partial(wake_scoring, workflow.pk))
        offset += len(raw_items)
        yield result


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
    sites: Sites = ALL_SITES,
) -> None:
    """Store one chunk in the caller's transaction and add to the result.

    Does not wake the scoring workers.
    """
    _store_prepared(
        workflow=workflow,
        chunk=_preparation(workflow, source, now, sites)(raw_items),
        offset=offset,
        source=source,
        now=now,
        result=result,
        keep_ids=keep_ids,
        sites=sites,
    )


def _preparation(
    workflow: Workflow, source: IntakeSource, now: datetime, sites: Sites
) -> _Preparation:
    return _Preparation(
        workflow=workflow,
        validator=compile_validator(workflow.declaration),
        encode=item_encoder(
            workflow_id=workflow.pk,
            workflow_version=workflow.version,
            source=source.value,
            now=now,
        ),
        now=now,
        sites=sites,
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
    sites: Sites,
) -> None:
    taken = take_rows(
        workflow, chunk.rows, source=source, now=now, look=bool(result.duplicates)
    )
    with_files = [row for row in taken.fresh if row.item.media]
    store_item_media([(row.uuid, row.item.media) for row in with_files], now=now)
    result.accepted += len(taken.fresh)
    result.duplicates += taken.n_same
    if keep_ids:
        result.item_ids.update(taken.ids())
    refused = [
        replace(one, errors=explained(one.errors, workflow.declaration))
        for one in sorted([*chunk.refused, *taken.conflicts], key=attrgetter("index"))
    ]
    refused = sited_refusals(refused, workflow=workflow, sites=sites)
    store_refused(workflow=workflow, refused=refused, source=source, now=now)
    result.n_quarantined += len(refused)
    tell(
        log,
        "items_stored",
        workflow=workflow.slug,
        n_known=taken.n_same,
        n_quarantined=len(refused),
        **listed("item", [row.uuid for row in taken.fresh]),
    )
    room = max(MAX_LISTED - len(result.quarantined), 0)
    result.quarantined += [
        Quarantined(offset + one.index, one.external_id or "", one.errors)
        for one in refused[:room]
    ]


def _split_unread(
    raw_items: Sequence[object],
) -> tuple[Sequence[object], list[RejectedItem]]:
    unread = [
        replace(entry, index=index)
        for index, entry in enumerate(raw_items)
        if isinstance(entry, RejectedItem)
    ]
    if not unread:
        return raw_items, unread
    return [one for one in raw_items if not isinstance(one, RejectedItem)], unread


def _milliseconds(now: datetime) -> int:
    return int(now.timestamp() * 1000)
