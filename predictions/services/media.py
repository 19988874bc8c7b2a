"""Keep images and sound: cleaned, stored by their hash, once a workflow."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import User
from predictions.declaration import Declaration
from predictions.declaration_media import MediaSlot
from predictions.enums import LIVE_MEDIA, MediaStatus
from predictions.media.cleaning import cleaned, kind_of
from predictions.media.sniffing import LOOK_AT, format_of
from predictions.media.terms import CleanMedia, Limits, MediaRefused
from predictions.models import MediaFile, Workflow
from predictions.services import media_storage
from predictions.services.media_storage import MediaUnavailable
from predictions.services.wake_ups import wake

ONE_LIVE = "predictions_media_one_live_each"


@dataclass(frozen=True, slots=True)
class Kept:
    """The file as it is kept, and whether it was not there before."""

    media: MediaFile
    is_new: bool


def keep_media(
    *,
    workflow: Workflow,
    data: bytes,
    by: User | None,
    now: datetime,
    slot: MediaSlot | None = None,
) -> Kept:
    """Clean and store a file, or find that its content is there already.

    Without a slot it may be what any slot of its kind takes. Not to be called inside a
    transaction: a row is committed before the bytes are written, so that a crash
    leaves nothing that no row knows; of two that store the same at once one wins, and
    both get its row. Wakes the workers that make previews.
    Raises: MediaRefused naming rule and value; MediaUnavailable, with nothing stored.
    """
    limits = limits_of(slot) if slot else limits_for(workflow.declaration, data)
    source = hashlib.sha256(data).hexdigest()
    known = _live(workflow, source_sha256=source)
    if known is not None and known.kind == limits.kind:
        check_measures(limits, known)
        return Kept(known, is_new=False)
    clean = cleaned(data, limits)
    digest = hashlib.sha256(clean.data).hexdigest()
    known = _live(workflow, sha256=digest)
    if known is not None:
        return Kept(known, is_new=False)
    media = _named(workflow, clean, digest, source, by=by, now=now)
    media_storage.write(media.storage_name, clean.data)
    return _made_live(media)


def limits_of(slot: MediaSlot) -> Limits:
    """Return what a slot takes."""
    return Limits(slot.kind, slot.max_bytes, slot.pixels, slot.seconds)


def limits_for(declaration: Declaration, data: bytes) -> Limits:
    """Return the widest limits for a file of this content.

    Raises: MediaRefused where no slot takes its kind.
    """
    kind = kind_of(data)
    slots = [slot for slot in declaration.media if slot.kind == kind]
    if not slots:
        found = format_of(data[:LOOK_AT])
        taken = ", ".join(sorted({slot.kind for slot in declaration.media}))
        words = f"this is {found}; the workflow takes {taken or 'no media'}"
        raise MediaRefused("media_type", found, words)
    return Limits(
        slots[0].kind,
        max(slot.max_bytes for slot in slots),
        max(slot.pixels for slot in slots),
        max(slot.seconds for slot in slots),
    )


def check_measures(limits: Limits, media: MediaFile) -> None:
    """Hold a file that is there already against a slot.

    Raises: MediaRefused (`bytes`, `pixels`, `seconds`).
    """
    n_pixels = (media.width or 0) * (media.height or 0)
    for rule, value, most in (
        ("bytes", media.n_bytes, limits.max_bytes),
        ("pixels", n_pixels, limits.max_pixels),
        ("seconds", media.seconds or 0, limits.max_seconds),
    ):
        if value > most:
            words = f"{value:,} {rule} are more than the {most:,} allowed"
            raise MediaRefused(rule, value, words)


def most_bytes(declaration: Declaration) -> int:
    """Return how large a file of any slot may be; 0 without slots."""
    return max((slot.max_bytes for slot in declaration.media), default=0)


def _live(workflow: Workflow, **digest: str) -> MediaFile | None:
    found = MediaFile.objects.filter(workflow=workflow, status__in=LIVE_MEDIA, **digest)
    return found.order_by("id").first()


def _named(
    workflow: Workflow,
    clean: CleanMedia,
    digest: str,
    source: str,
    *,
    by: User | None,
    now: datetime,
) -> MediaFile:
    return MediaFile.objects.create(
        workflow=workflow,
        sha256=digest,
        source_sha256=source,
        kind=clean.kind,
        content_type=clean.content_type,
        n_bytes=len(clean.data),
        width=clean.width,
        height=clean.height,
        seconds=clean.seconds,
        sample_rate=clean.sample_rate,
        channels=clean.channels,
        uploaded_by=by,
        uploaded_at=now,
    )


def _made_live(media: MediaFile) -> Kept:
    """Let a written file be seen, unless the same content was quicker."""
    try:
        with transaction.atomic():
            mine = MediaFile.objects.filter(pk=media.pk, status=MediaStatus.STORING)
            n_changed = mine.update(status=MediaStatus.PENDING, file=media.storage_name)
            transaction.on_commit(wake_previews)
    except IntegrityError as error:
        if ONE_LIVE not in str(error):
            raise
        winner = _live(media.workflow, sha256=media.sha256)
        if winner is None:  # removed at this very moment
            raise MediaUnavailable from error
        return Kept(winner, is_new=False)
    if not n_changed:  # so slow that the sweep took it for a crash's
        raise MediaUnavailable
    media.refresh_from_db()
    return Kept(media, is_new=True)


def wake_previews() -> None:
    """Have a worker make the previews that wait; a sweep would, too."""
    wake("predictions.make_previews")
