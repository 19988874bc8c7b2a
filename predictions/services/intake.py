"""Store what comes in: items, duplicates and quarantine, in bounded memory."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

import orjson
import structlog
from celery import current_app
from django.db import IntegrityError, transaction
from kombu.exceptions import OperationalError

from accounts.ids import uuid7_batch
from predictions.declaration import FieldError
from predictions.enums import IntakeSource
from predictions.intake.rows import RejectedItem, ValidItem
from predictions.intake.validation import ItemValidator, compile_validator
from predictions.models import Item, QuarantinedItem, Workflow
from predictions.services.copying import copy_rows

log = structlog.get_logger(__name__)

MAX_LISTED = 1000
N_TRIES = 5


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
class _Known:
    id: UUID
    content_hash: bytes


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
    """
    validator = compile_validator(workflow.declaration)
    result = IntakeResult()
    offset = 0
    for chunk in chunks:
        with transaction.atomic():
            store_chunk(
                workflow=workflow,
                validator=validator,
                raw_items=chunk,
                offset=offset,
                source=source,
                now=now,
                result=result,
                keep_ids=keep_ids,
            )
            if wake:
                transaction.on_commit(partial(wake_scoring, workflow.pk))
        offset += len(chunk)
    return result


def store_chunk(
    *,
    workflow: Workflow,
    validator: ItemValidator,
    raw_items: Sequence[object],
    offset: int,
    source: IntakeSource,
    now: datetime,
    result: IntakeResult,
    keep_ids: bool,
) -> None:
    """Store one chunk in the caller's transaction and add to the result."""
    raw, unread = _split_unread(raw_items)
    validated = validator.validate([entry for _, entry in raw], now=now)
    rejected = [
        RejectedItem(raw[one.index][0], one.external_id, one.payload, one.errors)
        for one in validated.rejected
    ]
    fresh, conflicts = _store_new(
        workflow=workflow,
        valid=[(raw[one.index][0], one.item) for one in validated.accepted],
        source=source,
        now=now,
        result=result,
        keep_ids=keep_ids,
    )
    refused = sorted([*unread, *rejected, *conflicts], key=lambda one: one.index)
    _quarantine(workflow=workflow, refused=refused, source=source, now=now)
    result.accepted += fresh
    result.n_quarantined += len(refused)
    room = MAX_LISTED - len(result.quarantined)
    result.quarantined += [
        Quarantined(offset + one.index, one.external_id or "", one.errors)
        for one in refused[: max(room, 0)]
    ]


def wake_scoring(workflow_pk: UUID) -> None:
    """Tell the workers that items wait. A lost wake-up costs a sweep's few seconds."""
    with contextlib.suppress(OperationalError, OSError):
        current_app.send_task(
            "reviewqueue.score_waiting",
            kwargs={"workflow_id": str(workflow_pk)},
            retry=False,
            expires=60,
        )


def _split_unread(
    raw_items: Sequence[object],
) -> tuple[list[tuple[int, object]], list[RejectedItem]]:
    raw: list[tuple[int, object]] = []
    unread: list[RejectedItem] = []
    for index, entry in enumerate(raw_items):
        if isinstance(entry, RejectedItem):
            unread.append(
                RejectedItem(index, entry.external_id, entry.payload, entry.errors)
            )
        else:
            raw.append((index, entry))
    return raw, unread


def _store_new(
    *,
    workflow: Workflow,
    valid: Sequence[tuple[int, ValidItem]],
    source: IntakeSource,
    now: datetime,
    result: IntakeResult,
    keep_ids: bool,
) -> tuple[int, list[RejectedItem]]:
    """COPY what is new; count duplicates; return conflicts.

    Another sender may store the same external id between the look and the COPY: the
    unique constraint then undoes the COPY, and the look is taken again.
    """
    for _ in range(N_TRIES):
        known = _known(workflow, [one.external_id for _, one in valid])
        fresh, n_same, conflicts = _sort_out(valid, known)
        ids = uuid7_batch(len(fresh), int(now.timestamp() * 1000))
        try:
            with transaction.atomic():
                rows = _item_rows(fresh, ids, workflow=workflow, source=source, now=now)
                if fresh:
                    copy_rows(Item, _ITEM_COLUMNS, rows)
        except IntegrityError as error:
            if "predictions_item_external_id_unique" not in str(error):
                raise
            continue
        result.duplicates += n_same
        if keep_ids:
            for one, item_id in zip(fresh, ids, strict=True):
                result.item_ids[one.external_id] = item_id
            for external_id, found in known.items():
                result.item_ids.setdefault(external_id, found.id)
        return len(fresh), conflicts
    msg = "Other senders kept storing the same external ids."
    raise IntegrityError(msg)


def _known(workflow: Workflow, external_ids: Sequence[str]) -> dict[str, _Known]:
    rows = Item.objects.filter(
        workflow=workflow, external_id__in=external_ids
    ).values_list("external_id", "id", "content_hash")
    return {name: _Known(item_id, bytes(digest)) for name, item_id, digest in rows}


def _sort_out(
    valid: Sequence[tuple[int, ValidItem]], known: Mapping[str, _Known]
) -> tuple[list[ValidItem], int, list[RejectedItem]]:
    fresh: dict[str, ValidItem] = {}
    conflicts: list[RejectedItem] = []
    n_same = 0
    for index, one in valid:
        stored = known.get(one.external_id)
        first = fresh.get(one.external_id)
        if stored is None and first is None:
            fresh[one.external_id] = one
            continue
        there = stored.content_hash if stored else first.content_hash if first else b""
        if there == one.content_hash:
            n_same += 1
        else:
            conflicts.append(_conflict(index, one, there))
    return list(fresh.values()), n_same, conflicts


def _conflict(index: int, one: ValidItem, stored_hash: bytes) -> RejectedItem:
    value = {
        "external_id": one.external_id,
        "stored_sha256": stored_hash.hex(),
        "received_sha256": one.content_hash.hex(),
    }
    payload = {
        "external_id": one.external_id,
        "features": orjson.loads(one.features_json),
        "occurred_at": one.occurred_at.isoformat(),
    }
    error = FieldError("external_id", "conflict", value)
    return RejectedItem(index, one.external_id, payload, [error])


_ITEM_COLUMNS = (
    "id",
    "workflow_id",
    "external_id",
    "subject",
    "features",
    "warnings",
    "occurred_at",
    "received_at",
    "content_hash",
    "source",
    "workflow_version",
)


def _item_rows(
    fresh: Sequence[ValidItem],
    ids: Sequence[UUID],
    *,
    workflow: Workflow,
    source: IntakeSource,
    now: datetime,
) -> Iterator[tuple[object, ...]]:
    for one, item_id in zip(fresh, ids, strict=True):
        yield (
            item_id,
            workflow.pk,
            one.external_id,
            one.subject,
            one.features_json,
            orjson.dumps(one.warnings).decode(),
            one.occurred_at,
            now,
            one.content_hash,
            source.value,
            workflow.version,
        )


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
    ids = uuid7_batch(len(refused), int(now.timestamp() * 1000))
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
                "open",
                now,
            )
            for new_id, one in zip(ids, refused, strict=True)
        ),
    )


def storable_text(text: str) -> str:
    """Replace what PostgreSQL cannot hold: NUL and lone surrogates."""
    readable = text.encode("utf-8", "replace").decode()
    return readable.replace("\x00", "\ufffd")


def storable_json(value: object) -> str:
    """Write any value as JSON that PostgreSQL can hold; what cannot be is its repr."""
    try:
        written = orjson.dumps(
            value, default=repr, option=orjson.OPT_NON_STR_KEYS
        ).decode()
    except (orjson.JSONEncodeError, RecursionError):
        written = orjson.dumps(storable_text(repr(value)[:100_000])).decode()
    return written.replace("\\u0000", "\\ufffd")
