"""Sums of the counts that the database keeps, over whole days (UTC)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.sites import ALL_SITES, Sites

MAX_DAYS = 366
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `first` to `last`, both in it (UTC)."""

    first: date
    last: date

    @classmethod
    def covering(cls, since: datetime, until: datetime) -> "Days":
        """Return the whole days that [since, until) touches."""
        last = max(since, until - _MICROSECOND)
        return cls(since.astimezone(UTC).date(), last.astimezone(UTC).date())

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time.min, UTC)

    @property
    def until(self) -> datetime:
        """The moment after the last day."""
        return self.since + timedelta(days=self.n)

    @property
    def n(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def words(self) -> str:
        """The day, or the first and the last one: `2 Mar`, `2 Mar - 8 Mar`."""
        first, last = (f"{day.day} {day:%b}" for day in (self.first, self.last))
        return first if self.n == 1 else f"{first}–{last}"  # noqa: RUF001 -- a range

    def periods(self, length: int) -> list["Days"]:
        """Cut into periods of so many days; only the first one may be shorter."""
        lasts = (self.last - timedelta(days=i) for i in range(0, self.n, length))
        cut = [
            Days(max(self.first, last - timedelta(days=length - 1)), last)
            for last in lasts
        ]
        return cut[::-1]

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=i) for i in range(self.n))


@dataclass(frozen=True, slots=True)
class Sum:
    """How many over a window; `day` only where the figure is read by day."""

    day: date | None
    figure: str
    key: str
    slot: str
    n: int


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One recommended label, one model version, or both; empty: all.

    `sites` cuts all figures: what people of these sites, or of one that was asked for,
    see.
    """

    label: str = ""
    model: UUID | None = None
    sites: Sites = ALL_SITES


EVERYTHING = Narrowing()
_BY_DAY = ["total", "kind", "routes"]
_SUMS = """
SELECT CASE WHEN figure = ANY(%(by_day)s) THEN day END, figure, key, slot,
       sum(n)::bigint
FROM reviewqueue_tally
WHERE workflow_id = %(workflow)s AND site = ANY(%(sites)s)
  AND label = %(label)s AND model = %(model)s AND day BETWEEN %(first)s AND %(last)s
GROUP BY 1, 2, 3, 4
HAVING sum(n) <> 0
"""


def sums(workflow_id: UUID, days: Days, narrowing: Narrowing = EVERYTHING) -> list[Sum]:
    """Return every sum over a window, read in one moment."""
    parameters: dict[str, Any] = {
        "workflow": workflow_id,
        "sites": [""]
        if narrowing.sites is None
        else [str(pk) for pk in narrowing.sites],
        "label": narrowing.label,
        "model": str(narrowing.model or ""),
        "first": days.first,
        "last": days.last,
        "by_day": _BY_DAY,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, parameters)
        return [Sum(*row) for row in cursor.fetchall()]


def by_period(
    found: list[Sum], figure: str, periods: Iterable[Days]
) -> dict[Days, Counter[str]]:
    """Return the slots of one figure that is read by day, added up by period."""
    period_of = {day: period for period in periods for day in period}
    daily = [one for one in found if one.figure == figure and one.day in period_of]
    return grouped(daily, figure, lambda one: period_of[_day(one)])


def _day(one: Sum) -> date:
    if one.day is None:
        msg = f"{one.figure} is not read by day"
        raise ValueError(msg)
    return one.day


def grouped[Key](
    found: list[Sum], figure: str, key_of: Callable[[Sum], Key]
) -> dict[Key, Counter[str]]:
    """Return the slots of one figure, added up by a key."""
    groups: dict[Key, Counter[str]] = {}
    for one in found:
        if one.figure == figure:
            groups.setdefault(key_of(one), Counter())[one.slot] += one.n
    return groups
