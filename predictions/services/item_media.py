"""Tie items to the files that they name, in the transaction that stores them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from accounts.ids import uuid7_batch
from predictions.declaration import FieldError
from predictions.declaration_media import MediaSlot
from predictions.enums import MediaStatus
from predictions.intake.media_refs import as_payload, field_of
from predictions.intake.rows import RejectedItem, ValidItem
from predictions.intake.validation import with_media
from predictions.media.terms import MediaRefused
from predictions.models import ItemMedia, MediaFile, Workflow
from predictions.services.copying import store_rows
from predictions.services.media import check_measures, limits_of

# Shared: other items may name the same file at the same time.
_LOCKED = """
SELECT * FROM predictions_mediafile WHERE workflow_id = %s AND id = ANY(%s)
ORDER BY id FOR SHARE
"""
COLUMNS = ("id", "item_id", "slot", "media_id")


def with_their_media(
    *, workflow: Workflow, items: Sequence[ValidItem], raw: Sequence[object]
) -> tuple[list[ValidItem], list[RejectedItem]]:
    """Sort items by whether they may have the files that they name.

    `raw[item.position]` is an item as it was sent. The files are locked against being
    removed until the caller's transaction ends; the content hash of an item that is
    taken covers those of its files.
    """
    files = _locked(workflow, {pk for item in items for pk in item.media.values()})
    taken: list[ValidItem] = []
    refused: list[RejectedItem] = []
    slots = {slot.name: slot for slot in workflow.declaration.media}
    for item in items:
        if not item.media:
            taken.append(item)
            continue
        errors = [
            error
            for name, pk in item.media.items()
            for error in slot_errors(slots[name], files.get(pk), sent=pk)
        ]
        if errors:
            payload = as_payload(raw[item.position])
            one = RejectedItem(item.position, item.external_id, payload, errors)
            refused.append(one)
            continue
        digests = {name: files[pk].sha256 for name, pk in item.media.items()}
        content_hash = with_media(item.content_hash, digests)
        taken.append(item._replace(content_hash=content_hash))
    return taken, refused


def slot_errors(
    slot: MediaSlot, media: MediaFile | None, *, sent: UUID
) -> list[FieldError]:
    """Say why a file may not be in a slot; nothing where it may."""
    field = field_of(slot.name)
    if media is None or media.status == MediaStatus.STORING:
        return [FieldError(field, "unknown", str(sent))]
    if media.status == MediaStatus.REMOVED:
        return [FieldError(field, "removed", str(sent))]
    if media.kind != slot.kind:
        return [FieldError(field, "kind", media.kind)]
    try:
        check_measures(limits_of(slot), media)
    except MediaRefused as refused:
        return [refused.error(field)]
    return []


def store_item_media(
    rows: Sequence[tuple[UUID, Mapping[str, UUID]]], *, now: datetime
) -> None:
    """Write which item has which file in which slot, in the caller's transaction."""
    if not rows:
        return
    found = [(pk, slot, one) for pk, media in rows for slot, one in media.items()]
    ids = uuid7_batch(len(found), int(now.timestamp() * 1000))
    store_rows(
        ItemMedia,
        COLUMNS,
        ((new_id, *row) for new_id, row in zip(ids, found, strict=True)),
    )


def _locked(workflow: Workflow, ids: set[UUID]) -> dict[UUID, MediaFile]:
    """Return the files of those ids, none of which can be removed meanwhile.

    In the order of their ids: two senders that name the same ones do not deadlock.
    """
    if not ids:
        return {}
    rows = MediaFile.objects.raw(_LOCKED, [workflow.pk, list(ids)])
    return {media.pk: media for media in rows}
