"""Write items as PostgreSQL's binary COPY wants them, or a few of them by INSERT."""

import struct
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

import orjson
from django.db import connection

from predictions.intake.rows import ValidItem
from predictions.intake.values import EPOCH, microseconds
from predictions.models import Item, Workflow
from predictions.services.copying import insert_statement

ITEM_COLUMNS = (
    "id",
    "workflow_id",
    "external_id",
    "site_id",
    "subject",
    "features",
    "warnings",
    "occurred_at",
    "received_at",
    "content_hash",
    "source",
    "workflow_version",
)
# PostgreSQL counts its microseconds from the year 2000.
_PG_EPOCH = 946_684_800_000_000
_UNKNOWN = " ON CONFLICT (workflow_id, external_id) DO NOTHING RETURNING external_id"
_JSONB_VERSION = b"\x01"
_length = struct.Struct(">i").pack
_moment = struct.Struct(">iq").pack

type Encode = Callable[[bytes, ValidItem], bytes]


def item_encoder(
    *, workflow_id: UUID, workflow_version: int, source: str, now: datetime
) -> Encode:
    """Return what encodes (16 bytes of id, item) as one row of `ITEM_COLUMNS`."""
    head = struct.pack(">hi", len(ITEM_COLUMNS), 16)
    workflow = _sized(workflow_id.bytes)
    no_warnings = _jsonb(b"[]")
    no_site = _length(-1)
    received = _moment(8, microseconds(now) - _PG_EPOCH)
    hash_head = _length(32)
    tail = _sized(source.encode()) + _sized(_length(workflow_version))

    def encode(item_id: bytes, item: ValidItem) -> bytes:
        external_id = item.external_id.encode()
        subject = item.subject.encode()
        warnings = item.warnings
        return b"".join(
            (
                head,
                item_id,
                workflow,
                _length(len(external_id)),
                external_id,
                _sized(item.site_id.bytes) if item.site_id else no_site,
                _length(len(subject)),
                subject,
                _length(len(item.features) + 1),
                _JSONB_VERSION,
                item.features,
                _jsonb(orjson.dumps(warnings)) if warnings else no_warnings,
                _moment(8, item.moment - _PG_EPOCH),
                received,
                hash_head,
                item.content_hash,
                tail,
            )
        )

    return encode


def insert_unknown(
    items: Sequence[tuple[UUID, ValidItem]],
    *,
    workflow: Workflow,
    source: str,
    now: datetime,
) -> frozenset[str]:
    """INSERT a few items; return the external ids of those that were not there yet.

    Waits for another sender of the same external id. Each external id but once.
    """
    if not items:
        return frozenset()
    rows = (
        (
            item_id,
            workflow.pk,
            item.external_id,
            item.site_id,
            item.subject,
            item.features.decode(),
            orjson.dumps(item.warnings).decode(),
            EPOCH + timedelta(microseconds=item.moment),
            now,
            item.content_hash,
            source,
            workflow.version,
        )
        for item_id, item in items
    )
    insert = insert_statement(Item, ITEM_COLUMNS, len(items))
    with connection.cursor() as cursor:
        cursor.execute(insert + _UNKNOWN, [*chain.from_iterable(rows)])
        return frozenset(name for (name,) in cursor.fetchall())


def _sized(value: bytes) -> bytes:
    return _length(len(value)) + value


def _jsonb(written: bytes) -> bytes:
    return _sized(_JSONB_VERSION + written)
