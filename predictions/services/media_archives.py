"""Archives of items with their files: taken in at once, read by a worker."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, cast
from uuid import UUID

import structlog
from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts.models import User
from predictions.enums import ArchiveStatus, IntakeSource
from predictions.intake.archives import FileRefused, ItemArchive
from predictions.intake.media_refs import ENTRY, RefusedFile, field_of
from predictions.intake.readers import MalformedPayload, PayloadTooLarge
from predictions.media.terms import MediaRefused
from predictions.models import MediaArchive, Workflow
from predictions.services import media_storage
from predictions.services.intake import IntakeResult, Quarantined, store_chunk
from predictions.services.media import keep_media
from predictions.services.media_storage import MediaUnavailable
from predictions.services.wake_ups import wake, wake_scoring

WORK = timedelta(seconds=180)  # then another worker may take it over
STORAGE_PAUSE = timedelta(minutes=2)
STORING_AFTER = timedelta(hours=1)
MAX_ATTEMPTS = 20
MAX_SHOWN = 50
DIED = "Workers that read it died at it."

log = structlog.get_logger(__name__)
type Clock = Callable[[], datetime]


class ArchiveTaken(Exception):
    """Another worker has taken the archive over."""


def keep_archive(
    *,
    workflow: Workflow,
    content: "File[bytes]",
    by: User | None,
    now: datetime,
    is_wanted: Callable[[MediaArchive], bool] = lambda archive: True,
) -> MediaArchive:
    """Store an archive and wake a worker that reads it.

    Not to be called inside a transaction: the row is committed first, as of media.
    One that is not wanted once it is stored is read by nobody, and goes; what
    `is_wanted` writes is written together with that it is to be read.
    Raises: PayloadTooLarge; MediaUnavailable.
    """
    n_bytes = content.size
    if n_bytes > settings.INTAKE_MAX_UPLOAD_BYTES:
        raise PayloadTooLarge(settings.INTAKE_MAX_UPLOAD_BYTES)
    archive = MediaArchive.objects.create(
        workflow=workflow, n_bytes=n_bytes, created_by=by, created_at=now
    )
    media_storage.write_file(archive.storage_name, content)
    with transaction.atomic():
        if is_wanted(archive):
            stored = MediaArchive.objects.filter(pk=archive.pk)
            stored.filter(status=ArchiveStatus.STORING).update(
                status=ArchiveStatus.QUEUED, file=archive.storage_name
            )
            transaction.on_commit(lambda: wake_reader(archive.pk))
    archive.refresh_from_db()
    return archive


def wake_reader(archive_id: UUID) -> None:
    """Have a worker read an archive; a sweep would, too."""
    wake("predictions.read_archive", archive_id=str(archive_id))


def waiting_archives(*, now: datetime) -> list[UUID]:
    """List the archives that no worker is at."""
    rows = _free(now).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def read_archive(*, archive_id: UUID, clock: Clock) -> bool:
    """Store an archive's items with their files; False when another worker is at it.

    Chunk by chunk, each with how far it got in one transaction: a worker that dies is
    followed by another, which goes on where it stopped. A row whose files are not
    taken goes to quarantine; an archive that cannot be read to its end fails and
    says why, and what was stored before stays.
    """
    archive = _take(archive_id, now=clock())
    if archive is None:
        return False
    reading = _Reading(archive, clock)
    try:
        reading.read()
    except ArchiveTaken:
        return False
    except (MalformedPayload, PayloadTooLarge) as error:
        reading.finish(ArchiveStatus.FAILED, failure=str(error)[:300])
    except MediaUnavailable:
        log.warning("archive_waits_for_storage", archive_id=str(archive.pk))
        # No try of a worker that died: an outage may last, and what was taken in stays.
        reading.mine.update(
            worked_until=clock() + STORAGE_PAUSE, attempts=F("attempts") - 1
        )
        return False
    else:
        reading.finish(ArchiveStatus.DONE)
    erase_read(now=clock())
    return True


def erase_read(*, now: datetime) -> int:
    """Erase the bytes of archives that were read, or never came whole."""
    over = Q(status__in=(ArchiveStatus.DONE, ArchiveStatus.FAILED)) & ~Q(file="")
    never = Q(status=ArchiveStatus.STORING, created_at__lt=now - STORING_AFTER)
    n = 0
    for archive in MediaArchive.objects.filter(over | never).order_by("pk")[:100]:
        try:
            media_storage.erase(archive.storage_name)
        except MediaUnavailable:
            break
        mine = MediaArchive.objects.filter(pk=archive.pk)
        mine.update(file="")
        mine.filter(status=ArchiveStatus.STORING).delete()
        n += 1
    return n


def _free(now: datetime) -> QuerySet[MediaArchive]:
    idle = Q(worked_until=None) | Q(worked_until__lt=now)
    open_ones = (ArchiveStatus.QUEUED, ArchiveStatus.READING)
    return MediaArchive.objects.filter(idle, status__in=open_ones)


def _take(archive_id: UUID, *, now: datetime) -> MediaArchive | None:
    taken = _free(now).filter(pk=archive_id, attempts__lt=MAX_ATTEMPTS)
    if taken.update(
        status=ArchiveStatus.READING,
        attempts=F("attempts") + 1,
        worked_until=now + WORK,
    ):
        return MediaArchive.objects.select_related("workflow", "created_by").get(
            pk=archive_id
        )
    _free(now).filter(pk=archive_id).update(
        status=ArchiveStatus.FAILED, failure=DIED, finished_at=now, worked_until=None
    )
    return None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One worker at one archive, for as long as its attempt is the last one."""

    archive: MediaArchive
    clock: Clock

    @property
    def mine(self) -> QuerySet[MediaArchive]:
        return MediaArchive.objects.filter(
            pk=self.archive.pk,
            status=ArchiveStatus.READING,
            attempts=self.archive.attempts,
        )

    def read(self) -> None:
        """Store the rows that are not stored yet. Raises: ArchiveTaken, and others."""
        workflow = self.archive.workflow
        with media_storage.opened(self.archive.storage_name) as source:
            zipped = ItemArchive(cast("BinaryIO", source), workflow.declaration)
            if self.archive.n_rows is None:
                n_rows = sum(map(len, self._chunks(zipped)))
                self._keep_on(n_rows=n_rows)
            done = 0
            for chunk in self._chunks(zipped):
                done += len(chunk)
                if done > self.archive.n_done:
                    left = done - self.archive.n_done
                    self._store(zipped, chunk[-left:], offset=done - left)

    def finish(self, status: ArchiveStatus, *, failure: str = "") -> None:
        """Say that it is over, one way or the other."""
        self.mine.update(
            status=status,
            failure=failure,
            finished_at=self.clock(),
            worked_until=None,
        )

    def _chunks(self, zipped: ItemArchive) -> Iterator[list[object]]:
        return zipped.rows(max_bytes=settings.INTAKE_MAX_UPLOAD_BYTES)

    def _store(
        self, zipped: ItemArchive, chunk: Sequence[object], *, offset: int
    ) -> None:
        """Keep the files of a chunk, then its items and how far it got, at once."""
        raw = [self._with_files(zipped, row) for row in chunk]
        result = IntakeResult()
        workflow = self.archive.workflow
        with transaction.atomic():
            store_chunk(
                workflow=workflow,
                raw_items=raw,
                offset=offset,
                source=IntakeSource.ARCHIVE,
                now=self.clock(),
                result=result,
                keep_ids=False,
            )
            self._count(result, len(chunk))
            transaction.on_commit(lambda: wake_scoring(workflow.pk))

    def _count(self, result: IntakeResult, n: int) -> None:
        archive = self.archive
        archive.n_done += n
        archive.accepted += result.accepted
        archive.duplicates += result.duplicates
        archive.n_quarantined += result.n_quarantined
        room = MAX_SHOWN - len(archive.refused)
        archive.refused += [_shown(one) for one in result.quarantined[: max(room, 0)]]
        self._keep_on(
            n_done=archive.n_done,
            accepted=archive.accepted,
            duplicates=archive.duplicates,
            n_quarantined=archive.n_quarantined,
            refused=archive.refused,
        )

    def _keep_on(self, **news: object) -> None:
        """Say how far it is, and that the work goes on. Raises: ArchiveTaken."""
        if not self.mine.update(worked_until=self.clock() + WORK, **news):
            raise ArchiveTaken

    def _with_files(self, zipped: ItemArchive, row: object) -> object:
        named = row.get(ENTRY) if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(named, dict):
            return row
        declaration = self.archive.workflow.declaration
        media = dict(named)
        for name, value in named.items():
            slot = declaration.media_slot(str(name))
            if slot is None or value is None:
                continue
            try:
                kept = keep_media(
                    workflow=self.archive.workflow,
                    data=zipped.file(slot, value),
                    by=self.archive.created_by,
                    now=self.clock(),
                    slot=slot,
                )
                media[name] = str(kept.media.pk)
            except FileRefused as refused:
                media[name] = RefusedFile(refused.error)
            except MediaRefused as refused:
                media[name] = RefusedFile(refused.error(field_of(slot.name)))
        return row | {ENTRY: media}


def _shown(one: Quarantined) -> dict[str, object]:
    return {
        "index": one.index,
        "external_id": one.external_id or None,
        "errors": [error.to_json() for error in one.errors],
    }
