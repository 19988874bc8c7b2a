"""Large files that come in parts, and can go on where they stopped."""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import F

from accounts.models import User
from predictions.declaration import FieldError
from predictions.enums import UploadPurpose
from predictions.models import MediaUpload, MediaUploadPart, Workflow
from predictions.services import media_storage
from predictions.services.media import keep_media, most_bytes
from predictions.services.media_archives import keep_archive
from predictions.services.media_storage import MediaUnavailable

KEPT_FOR = timedelta(days=1)
MAX_PART_BYTES = 16 * 1024 * 1024
MAX_PARTS = 20_000


class UploadRefused(ValueError):
    """What is asked for breaks rules; `errors` names each."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{one.field}: {one.rule}" for one in errors))
        self.errors = list(errors)


class WrongOffset(Exception):
    """The part does not begin where the upload ends; `offset` is where that is."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"The upload goes on at {offset}.")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class UploadTerms:
    """What is to come: how large, for what, and, where known, with which hash."""

    purpose: UploadPurpose
    n_bytes: int
    sha256: str = ""
    slot: str = ""


def begin_upload(
    *, workflow: Workflow, terms: UploadTerms, by: User | None, now: datetime
) -> MediaUpload:
    """Begin an upload, which is kept for a day. Raises: UploadRefused."""
    limit = _most_bytes(workflow, terms)
    errors = []
    if not 0 < terms.n_bytes <= limit:
        words = f"n_bytes: 1 to {limit:,} bytes are taken"
        errors.append(FieldError("n_bytes", "range", terms.n_bytes, words))
    if terms.slot and workflow.declaration.media_slot(terms.slot) is None:
        errors.append(FieldError("slot", "value", terms.slot))
    if errors:
        raise UploadRefused(*errors)
    return MediaUpload.objects.create(
        workflow=workflow,
        purpose=terms.purpose,
        slot=terms.slot,
        n_bytes=terms.n_bytes,
        sha256=terms.sha256,
        created_by=by,
        created_at=now,
        expires_at=now + KEPT_FOR,
    )


def add_part(*, upload: MediaUpload, offset: int, data: bytes) -> MediaUpload:
    """Add the bytes that begin at an offset.

    A part has a row before it has bytes, and counts by compare-and-set on the offset:
    of two that send the same one, one counts, and the other's is erased.
    Raises: WrongOffset; UploadRefused; MediaUnavailable.
    """
    if offset != upload.offset:
        raise WrongOffset(upload.offset)
    if not data or offset + len(data) > upload.n_bytes:
        raise UploadRefused(FieldError("body", "range", len(data)))
    if upload.parts.count() >= MAX_PARTS:
        raise UploadRefused(FieldError("body", "too_many", MAX_PARTS))
    part = upload.parts.create(begin=offset, n_bytes=len(data))
    media_storage.write(part.storage_name, data)
    if not _counted(part, offset):
        _drop(part)
        upload.refresh_from_db()
        raise WrongOffset(upload.offset)
    upload.refresh_from_db()
    return upload


def complete_upload(
    *, upload: MediaUpload, by: User | None, now: datetime
) -> MediaUpload:
    """Make of a whole upload what it is to become; the same again changes nothing.

    Raises: WrongOffset while bytes are missing; UploadRefused with another hash than
    was said; MediaRefused; MediaUnavailable.
    """
    if upload.media_id or upload.archive_id:
        return upload
    if upload.offset != upload.n_bytes:
        raise WrongOffset(upload.offset)
    with _whole(upload) as (source, digest):
        if source.seek(0, io.SEEK_END) != upload.n_bytes:
            return _completed_by_another(upload)
        source.seek(0)
        if upload.sha256 and digest != upload.sha256:
            raise UploadRefused(FieldError("sha256", "mismatch", digest))
        workflow = upload.workflow
        if upload.purpose == UploadPurpose.ARCHIVE:
            keep_archive(
                workflow=workflow,
                content=File(source, name="x"),
                by=by,
                now=now,
                is_wanted=lambda archive: _became(upload, archive_id=archive.pk),
            )
        else:
            kept = keep_media(
                workflow=workflow,
                data=source.read(),
                by=by,
                now=now,
                slot=workflow.declaration.media_slot(upload.slot),
            )
            _became(upload, media_id=kept.media.pk)
    upload.refresh_from_db()
    _drop_parts(upload)
    return upload


def drop_expired(*, now: datetime) -> int:
    """Drop the uploads whose day is over, bytes first; return how many."""
    n = 0
    for upload in MediaUpload.objects.filter(expires_at__lt=now).order_by("pk")[:100]:
        try:
            _drop_parts(upload)
        except MediaUnavailable:
            break
        upload.delete()
        n += 1
    return n


def _most_bytes(workflow: Workflow, terms: UploadTerms) -> int:
    if terms.purpose == UploadPurpose.ARCHIVE:
        limit: int = settings.INTAKE_MAX_UPLOAD_BYTES
        return limit
    slot = workflow.declaration.media_slot(terms.slot)
    return slot.max_bytes if slot else most_bytes(workflow.declaration)


def _counted(part: MediaUploadPart, offset: int) -> bool:
    with transaction.atomic():
        mine = MediaUpload.objects.filter(
            pk=part.upload_id, offset=offset, media=None, archive=None
        )
        if not mine.update(offset=F("offset") + part.n_bytes):
            return False
        MediaUploadPart.objects.filter(pk=part.pk).update(is_in=True)
    return True


def _became(upload: MediaUpload, **what: UUID) -> bool:
    """Write what it became; False where another who completes it was first."""
    open_one = MediaUpload.objects.filter(pk=upload.pk, media=None, archive=None)
    return bool(open_one.update(**what))


def _completed_by_another(upload: MediaUpload) -> MediaUpload:
    """Return what it became, now that its parts go. Raises: MediaUnavailable."""
    upload.refresh_from_db()
    if upload.media_id or upload.archive_id:
        return upload
    raise MediaUnavailable


@contextmanager
def _whole(upload: MediaUpload) -> Iterator[tuple[IO[Any], str]]:
    """Put the parts together in a file that ends with the block, and hash it."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as target:
        for part in upload.parts.filter(is_in=True).order_by("begin"):
            data = media_storage.read(part.storage_name)
            digest.update(data)
            target.write(data)
        target.seek(0)
        yield target, digest.hexdigest()


def _drop_parts(upload: MediaUpload) -> None:
    for part in upload.parts.order_by("begin", "pk"):
        _drop(part)


def _drop(part: MediaUploadPart) -> None:
    media_storage.erase(part.storage_name)
    part.delete()
