"""Keep the files that come together with an item."""

from collections.abc import Mapping
from datetime import datetime

from accounts.models import User
from predictions.declaration import FieldError
from predictions.intake.media_refs import ENTRY, RefusedFile, field_of
from predictions.intake.readers import ByteStream
from predictions.intake.values import shown
from predictions.media.terms import MediaRefused
from predictions.models import Workflow
from predictions.services.media import keep_media


def item_with_files(
    *,
    workflow: Workflow,
    raw: object,
    files: Mapping[str, ByteStream],
    by: User | None,
    now: datetime,
) -> object:
    """Keep files by slot and return the item that names them.

    A file that is not taken stands in the item as a `RefusedFile`, so that intake
    sends the item to quarantine with that reason among others. Not to be called inside
    a transaction, as `keep_media`. Raises: MediaUnavailable.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get(ENTRY) or {}, dict):
        return raw
    media = dict(raw.get(ENTRY) or {})
    for name, stream in files.items():
        media[name] = _kept(workflow, name, stream, by=by, now=now)
    return raw | {ENTRY: media} if media else raw


def _kept(
    workflow: Workflow,
    name: str,
    stream: ByteStream,
    *,
    by: User | None,
    now: datetime,
) -> str | RefusedFile:
    slot = workflow.declaration.media_slot(name)
    if slot is None:
        return RefusedFile(FieldError(field_of(name), "unknown_slot", shown(name)))
    data = stream.read(slot.max_bytes + 1)
    try:
        kept = keep_media(workflow=workflow, data=data, by=by, now=now, slot=slot)
    except MediaRefused as refused:
        return RefusedFile(refused.error(field_of(name)))
    return str(kept.media.pk)
