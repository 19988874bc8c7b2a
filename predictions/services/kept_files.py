"""Keep a file until its sender has looked at what would become of it."""

from datetime import datetime, timedelta
from typing import IO, Any

from django.core.files.base import File

from accounts.models import User
from predictions.enums import KeptPurpose
from predictions.models import KeptFile, Workflow
from predictions.services import media_storage
from predictions.services.media_storage import MediaUnavailable

KEPT_FOR = timedelta(days=1)
BATCH = 100


def keep_file(
    *,
    workflow: Workflow,
    purpose: KeptPurpose,
    content: "File[bytes]",
    by: User,
    now: datetime,
) -> KeptFile:
    """Keep a file for a day. Not to be called inside a transaction: its row is first.

    Raises: MediaUnavailable.
    """
    kept = KeptFile.objects.create(
        workflow=workflow,
        purpose=purpose,
        name=(content.name or "")[-200:],  # its end says what it is
        n_bytes=content.size,
        created_by=by,
        created_at=now,
    )
    media_storage.write_file(kept.storage_name, content)
    return kept


def open_kept(kept: KeptFile) -> IO[Any]:
    """Open a kept file; the caller closes it. Raises: MediaUnavailable."""
    return media_storage.opened(kept.storage_name)


def drop_kept(kept: KeptFile) -> None:
    """Erase a kept file and forget it. Raises: MediaUnavailable."""
    media_storage.erase(kept.storage_name)
    KeptFile.objects.filter(pk=kept.pk).delete()


def drop_old_kept(*, now: datetime) -> int:
    """Erase the files whose day is over; return how many."""
    old = KeptFile.objects.filter(created_at__lt=now - KEPT_FOR).order_by("created_at")
    n = 0
    for kept in old[:BATCH]:
        try:
            drop_kept(kept)
        except MediaUnavailable:
            break  # the next sweep tries again
        n += 1
    return n
