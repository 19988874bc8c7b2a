"""Up to when what is written is all there: nobody who still writes began before."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

# A service reads its clock shortly before its transaction begins.
SETTLE: Final = timedelta(seconds=2)

# Who has written has an xid; who waits for a lock is about to.
WRITERS: Final = """
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
  AND (backend_xid IS NOT NULL OR wait_event_type = 'Lock')
"""
_OLDEST_WRITER = f"SELECT min(xact_start) {WRITERS}"


def settled_until(latest: datetime) -> datetime:
    """Return `latest`, or a moment before it that no open transaction may still date.

    Rows are stamped before they are committed: whoever reads further would not meet
    again what comes with an older stamp.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST_WRITER)
        oldest: datetime | None = cursor.fetchone()[0]
    return latest if oldest is None else min(latest, oldest - SETTLE)
