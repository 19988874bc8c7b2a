"""Write refused items to quarantine."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson

from accounts.ids import uuid7_batch
from predictions.declaration import FieldError
from predictions.enums import IntakeSource, QuarantineStatus
from predictions.intake.payloads import storable_json
from predictions.intake.rows import RejectedItem, ValidItem
from predictions.intake.values import EPOCH, storable_text
from predictions.models import QuarantinedItem, Workflow
from predictions.services.copying import store_rows

STORED_HASH = "stored_sha256"
COLUMNS = (
    "id",
    "workflow_id",
    "external_id",
    "site_id",
    "payload",
    "errors",
    "source",
    "status",
    "received_at",
)


def store_refused(
    *,
    workflow: Workflow,
    refused: Sequence[RejectedItem],
    source: IntakeSource,
    now: datetime,
) -> None:
    """Keep refused items with the reasons, in the caller's transaction."""
    if not refused:
        return
    ids = uuid7_batch(len(refused), int(now.timestamp() * 1000))
    store_rows(
        QuarantinedItem,
        COLUMNS,
        (
            (
                new_id,
                workflow.pk,
                storable_text(one.external_id or "")[:200],
                one.site_id,
                storable_json(one.payload),
                storable_json([error.to_json() for error in one.errors]),
                source.value,
                QuarantineStatus.OPEN.value,
                now,
            )
            for new_id, one in zip(ids, refused, strict=True)
        ),
    )


def conflict_of(one: ValidItem, stored_hash: bytes) -> RejectedItem:
    """Refuse an item whose external id is stored with other content; name both."""
    value = {
        "external_id": one.external_id,
        STORED_HASH: stored_hash.hex(),
        "received_sha256": one.content_hash.hex(),
    }
    payload: dict[str, object] = {
        "external_id": one.external_id,
        "features": orjson.loads(one.features),
        "occurred_at": (EPOCH + timedelta(microseconds=one.moment)).isoformat(),
    }
    if one.site:
        payload["site"] = one.site
    if one.media:
        payload["media"] = {slot: str(pk) for slot, pk in one.media.items()}
    error = FieldError("external_id", "conflict", value)
    return RejectedItem(one.position, one.external_id, payload, [error], one.site_id)
