"""Encode items as PostgreSQL's binary COPY wants them, column by column."""

import struct
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import orjson

from predictions.intake.rows import ValidItem
from predictions.intake.values import microseconds

ITEM_COLUMNS = (
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
# PostgreSQL counts its microseconds from the year 2000.
_PG_EPOCH = 946_684_800_000_000
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


def _sized(value: bytes) -> bytes:
    return _length(len(value)) + value


def _jsonb(written: bytes) -> bytes:
    return _sized(_JSONB_VERSION + written)
