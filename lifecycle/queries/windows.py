"""Stretches of time that monitors look at."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
# A Monday: what is looked at once a week begins and ends with Mondays.
BEGINNING: Final = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` on, before `until`."""

    since: datetime
    until: datetime

    @classmethod
    def before(cls, until: datetime, length: timedelta) -> "Window":
        """Return the stretch that ends at a moment."""
        return cls(until - length, until)


def moment_before(now: datetime, every: timedelta) -> datetime:
    """Return the newest moment of a schedule: whole days and hours of UTC."""
    return BEGINNING + (now - BEGINNING) // every * every


def next_midnight(at: datetime) -> datetime:
    """Return the first whole day (UTC) that begins at or after a moment."""
    begun = moment_before(at, DAY)
    return begun if begun == at else begun + DAY
