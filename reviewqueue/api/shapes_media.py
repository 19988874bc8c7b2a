"""How images and sound look over the API."""

from datetime import datetime
from typing import Annotated, TypedDict
from uuid import UUID

from predictions.enums import ArchiveStatus, MediaKind, MediaStatus, UploadPurpose
from predictions.models import ItemMedia, MediaArchive, MediaFile, MediaUpload
from predictions.services.media_uploads import MAX_PART_BYTES
from reviewqueue.api.base import BrokenRule
from reviewqueue.api.schema import Count, OneOf


class RefusedRow(TypedDict):
    """A row that went to quarantine; `index` counts from 0 in the manifest."""

    index: Count
    external_id: str | None
    errors: list[BrokenRule]


class MediaShape(TypedDict):
    """A file as it is kept, or what is left to say of it once it was removed.

    Pixels are of images, seconds, sample rate (Hz) and channels of sound.
    """

    id: UUID
    sha256: str
    kind: Annotated[str, OneOf(MediaKind)]
    content_type: str
    n_bytes: Count
    width: int | None
    height: int | None
    seconds: float | None
    sample_rate: int | None
    channels: int | None
    status: Annotated[str, OneOf(MediaStatus)]
    removed_at: datetime | None
    removed_why: str | None


class ArchiveShape(TypedDict):
    """An archive of items with their files, and how far a worker got with it.

    `n_rows` is null until the manifest was counted; `refused` names the first.
    """

    id: UUID
    workflow: str
    status: Annotated[str, OneOf(ArchiveStatus)]
    failure: str | None
    n_bytes: Count
    n_rows: int | None
    n_done: Count
    accepted: Count
    duplicates: Count
    n_quarantined: Count
    refused: list[RefusedRow]
    created_at: datetime
    finished_at: datetime | None


class UploadShape(TypedDict):
    """A large file on its way: the next part begins at `offset`.

    `media` or `archive` is the id of what it became, once it is complete.
    """

    id: UUID
    purpose: Annotated[str, OneOf(UploadPurpose)]
    n_bytes: Count
    offset: Count
    max_part_bytes: Count
    expires_at: datetime
    media: UUID | None
    archive: UUID | None


class ItemMediaShape(MediaShape):
    """The file that an item has in a slot."""

    slot: str


def media_shape(media: MediaFile) -> MediaShape:
    return {
        "id": media.id,
        "sha256": media.sha256,
        "kind": media.kind,
        "content_type": media.content_type,
        "n_bytes": media.n_bytes,
        "width": media.width,
        "height": media.height,
        "seconds": media.seconds,
        "sample_rate": media.sample_rate,
        "channels": media.channels,
        "status": media.status,
        "removed_at": media.removed_at,
        "removed_why": media.removed_why or None,
    }


def item_media_shape(one: ItemMedia) -> ItemMediaShape:
    return {**media_shape(one.media), "slot": one.slot}


def archive_shape(archive: MediaArchive) -> ArchiveShape:
    return {
        "id": archive.id,
        "workflow": archive.workflow.slug,
        "status": archive.status,
        "failure": archive.failure or None,
        "n_bytes": archive.n_bytes,
        "n_rows": archive.n_rows,
        "n_done": archive.n_done,
        "accepted": archive.accepted,
        "duplicates": archive.duplicates,
        "n_quarantined": archive.n_quarantined,
        "refused": archive.refused,
        "created_at": archive.created_at,
        "finished_at": archive.finished_at,
    }


def upload_shape(upload: MediaUpload) -> UploadShape:
    return {
        "id": upload.id,
        "purpose": upload.purpose,
        "n_bytes": upload.n_bytes,
        "offset": upload.offset,
        "max_part_bytes": MAX_PART_BYTES,
        "expires_at": upload.expires_at,
        "media": upload.media_id,
        "archive": upload.archive_id,
    }
