"""Remove media: by a person, by retention, or because nothing refers to it.

A removal is a mark in the row, after which nobody is given the file; then the bytes are
erased, at once or by the sweep. The row stays and says when, by whom and why.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import BooleanField, Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import User
from predictions.declaration import FieldError
from predictions.enums import LIVE_MEDIA, DerivativeName, MediaStatus
from predictions.models import ItemMedia, MediaFile, Workflow
from predictions.services import media_storage
from predictions.services.media_storage import MediaUnavailable

MAX_REASON = 500
UNUSED_AFTER = timedelta(days=1)
STORING_AFTER = timedelta(hours=1)
UNUSED = "No item referred to it within a day."
KEPT_FOR = "It was kept for {days} days, as the workflow file says."
BATCH = 500
# An entry in quarantine can still be corrected, and then needs its files.
_IN_QUARANTINE = """
EXISTS (
    SELECT 1 FROM predictions_quarantineditem q
    WHERE q.workflow_id = predictions_mediafile.workflow_id AND q.status = 'open'
      AND jsonb_typeof(q.payload -> 'media') = 'object'
      AND EXISTS (
          SELECT 1 FROM jsonb_each_text(q.payload -> 'media') AS named
          WHERE named.value = predictions_mediafile.id::text
      )
)
"""

log = structlog.get_logger(__name__)


class AlreadyRemoved(Exception):
    """Somebody or some rule has removed the file."""


class ReasonNeeded(ValueError):
    """A removal says why."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(f"A reason is needed, of at most {MAX_REASON} characters.")
        self.errors = errors


def remove_media(*, media_id: UUID, by: User, reason: str, now: datetime) -> MediaFile:
    """Remove a file, from every item that has it, for a reason that stays.

    Locks the row. The bytes are erased after the commit, or by the sweep.
    Raises: ReasonNeeded; AlreadyRemoved; MediaFile.DoesNotExist.
    """
    said = reason.strip()
    if not said or "\x00" in said:
        raise ReasonNeeded([FieldError("reason", "missing")])
    if len(said) > MAX_REASON:
        raise ReasonNeeded([FieldError("reason", "too_long", len(said))])
    with transaction.atomic():
        found = MediaFile.objects.select_for_update(of=("self",), no_key=True)
        media = found.get(pk=media_id)
        if not media.is_live:
            msg = "It was removed already."
            raise AlreadyRemoved(msg)
        media.status, media.failure, media.file = MediaStatus.REMOVED, "", ""
        media.removed_at, media.removed_by, media.removed_why = now, by, said
        media.save(
            update_fields=[
                "status",
                "failure",
                "file",
                "removed_at",
                "removed_by",
                "removed_why",
            ]
        )
        transaction.on_commit(lambda: _erase_soon(media, now))
    return media


def remove_old(*, workflow: Workflow, now: datetime) -> int:
    """Remove what retention or nobody's reference ends; return how many files.

    What an open entry in quarantine names is in use. At most 500 of each at a time.
    """
    n = _remove_unused(workflow, now)
    days = workflow.declaration.retention.media_days
    return n + (_remove_expired(workflow, days, now) if days else 0)


def erase_removed(*, now: datetime) -> int:
    """Erase the bytes of what was removed; return of how many files.

    Not while a worker may still be writing previews of it.
    """
    idle = Q(worked_until=None) | Q(worked_until__lt=now)
    removed = MediaFile.objects.filter(
        idle, status=MediaStatus.REMOVED, erased_at=None
    ).order_by("uploaded_at")
    return _each(removed, lambda media: _erase(media, now))


def drop_unfinished(*, now: datetime) -> int:
    """Erase what was never stored whole, with its row; return how many files."""
    left = MediaFile.objects.filter(
        status=MediaStatus.STORING, uploaded_at__lt=now - STORING_AFTER
    ).order_by("uploaded_at")
    return _each(left, _drop)


def _each(rows: QuerySet[MediaFile], erase: Callable[[MediaFile], None]) -> int:
    n = 0
    for media in rows[:BATCH]:
        try:
            erase(media)
        except MediaUnavailable:
            log.warning("media_not_erased", media_id=str(media.pk))
            break  # the next sweep tries again
        n += 1
    return n


def _remove_unused(workflow: Workflow, now: datetime) -> int:
    used = ItemMedia.objects.filter(media=OuterRef("pk"))
    unused = _live(workflow).filter(~Exists(used), uploaded_at__lt=now - UNUSED_AFTER)
    unused = unused.exclude(_in_quarantine())
    return _mark(unused, UNUSED, now)


def _remove_expired(workflow: Workflow, days: int, now: datetime) -> int:
    end = now - timedelta(days=days)
    newer = ItemMedia.objects.filter(media=OuterRef("pk"), item__received_at__gte=end)
    expired = _live(workflow).filter(~Exists(newer), uploaded_at__lt=end)
    return _mark(expired, KEPT_FOR.format(days=days), now)


def _live(workflow: Workflow) -> QuerySet[MediaFile]:
    return MediaFile.objects.filter(workflow=workflow, status__in=LIVE_MEDIA)


def _in_quarantine() -> Q:
    named = RawSQL(_IN_QUARANTINE, [], output_field=BooleanField())  # noqa: S611 -- a constant
    return Q(named)


def _mark(rows: QuerySet[MediaFile], why: str, now: datetime) -> int:
    """Mark as removed what nobody locks; asked again of what is locked."""
    with transaction.atomic():
        found = rows.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
        locked = list(found.values_list("pk", flat=True)[:BATCH])
        # An item may have come to refer to one between the look and the lock.
        still = rows.filter(pk__in=locked)
        return still.update(
            status=MediaStatus.REMOVED,
            failure="",
            file="",
            removed_at=now,
            removed_by=None,
            removed_why=why,
        )


def _erase_soon(media: MediaFile, now: datetime) -> None:
    if media.worked_until is not None and media.worked_until >= now:
        return
    try:
        _erase(media, now)
    except MediaUnavailable:
        log.warning("media_not_erased", media_id=str(media.pk))


def _erase(media: MediaFile, now: datetime) -> None:
    for name in _names(media):
        media_storage.erase(name)
    MediaFile.objects.filter(pk=media.pk, erased_at=None).update(erased_at=now)


def _drop(media: MediaFile) -> None:
    media_storage.erase(media.storage_name)
    MediaFile.objects.filter(pk=media.pk, status=MediaStatus.STORING).delete()


def _names(media: MediaFile) -> list[str]:
    """Return every name under which something of the file may lie."""
    made = [
        media.derivative_name(name, attempt)
        for name in (DerivativeName.THUMBNAIL, DerivativeName.PREVIEW)
        for attempt in range(1, media.attempts + 1)
    ]
    return [media.storage_name, *made]
