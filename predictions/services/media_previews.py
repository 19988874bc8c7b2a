"""Make thumbnails, previews and waveforms of what came in, in a worker."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from predictions.enums import DerivativeName, MediaStatus
from predictions.media.images import smaller_images
from predictions.media.sounds import waveform
from predictions.media.terms import MediaRefused
from predictions.models import MediaDerivative, MediaFile
from predictions.services import media_storage
from predictions.services.media_storage import MediaUnavailable

MAX_ATTEMPTS = 5
WORK = timedelta(seconds=60)  # then another worker may take it over
STORAGE_PAUSE = timedelta(minutes=10)
DIED = "Workers that tried to make previews died at it."

log = structlog.get_logger(__name__)
type Clock = Callable[[], datetime]


def previews_wait(*, now: datetime) -> bool:
    """Say whether a file waits for its previews, and no worker is at it."""
    return _waiting(now).exists()


def make_previews(*, clock: Clock) -> bool:
    """Make the previews of one file that waits; False when none does.

    Taken by a count that only the last taker may finish with; a worker that dies is
    followed by another after a minute, five times. A file that was removed meanwhile
    gets none.
    """
    media = _take(now=clock())
    if media is None:
        return False
    data: bytes | None = None
    try:
        data = media_storage.read(media.storage_name)
        made = _made(media, data)
    except MediaRefused as refused:
        _finish(media, MediaStatus.FAILED, failure=refused.words[:200])
    except MediaUnavailable:
        log.warning("previews_wait_for_storage", media_id=str(media.pk))
        # Where nothing was read nothing was written, under the names of this try.
        attempts = media.attempts - (data is None)
        _mine(media).update(worked_until=clock() + STORAGE_PAUSE, attempts=attempts)
    else:
        if not _finish(media, MediaStatus.READY, made=made):
            _erase(made)
    return True


def _waiting(now: datetime) -> QuerySet[MediaFile]:
    free = Q(worked_until=None) | Q(worked_until__lt=now)
    return MediaFile.objects.filter(free, status=MediaStatus.PENDING)


def _take(*, now: datetime) -> MediaFile | None:
    with transaction.atomic():
        waiting = _waiting(now).select_for_update(skip_locked=True, of=("self",))
        media = waiting.order_by("id").first()
        if media is None:
            return None
        media.attempts += 1
        media.worked_until = now + WORK
        if media.attempts > MAX_ATTEMPTS:
            media.status, media.failure = MediaStatus.FAILED, DIED
            media.worked_until = None
        media.save(update_fields=["attempts", "worked_until", "status", "failure"])
    return media if media.status == MediaStatus.PENDING else _take(now=now)


def _made(media: MediaFile, data: bytes) -> list[MediaDerivative]:
    if not media.is_image:
        return [_peaks(media, data)]
    made = []
    for one in smaller_images(data):
        derivative = MediaDerivative(
            media=media,
            name=one.name,
            attempt=media.attempts,
            content_type=one.content_type,
            n_bytes=len(one.data),
            width=one.width,
            height=one.height,
        )
        media_storage.write(derivative.storage_name, one.data)
        made.append(derivative)
    return made


def _peaks(media: MediaFile, data: bytes) -> MediaDerivative:
    peaks = waveform(data)
    return MediaDerivative(
        media=media,
        name=DerivativeName.WAVEFORM,
        attempt=media.attempts,
        content_type="application/json",
        n_bytes=0,
        peaks=peaks,
    )


def _mine(media: MediaFile) -> QuerySet[MediaFile]:
    return MediaFile.objects.filter(
        pk=media.pk, status=MediaStatus.PENDING, attempts=media.attempts
    )


def _finish(
    media: MediaFile,
    status: MediaStatus,
    *,
    failure: str = "",
    made: list[MediaDerivative] | None = None,
) -> bool:
    with transaction.atomic():
        finished = _mine(media).update(
            status=status, failure=failure, worked_until=None
        )
        if finished and made:
            MediaDerivative.objects.bulk_create(made)
    return bool(finished)


def _erase(made: list[MediaDerivative]) -> None:
    for derivative in made:
        if derivative.peaks is None:
            media_storage.erase(derivative.storage_name)
