"""Pages by keyset: as fast on the last page as on the first, without a count."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Model, Q, QuerySet

MAX_LIMIT = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class InvalidCursor(ValueError):
    """The cursor was not made here."""


@dataclass(frozen=True, slots=True)
class Page[Row: Model]:
    """Some rows, and the cursors of the pages beside it ('' where there is none)."""

    rows: list[Row]
    next: str
    previous: str = ""


def newest_first[Row: Model](
    rows: QuerySet[Row], *, cursor: str, limit: int, moment: str = ""
) -> Page[Row]:
    """Return a page of rows, the newest first.

    By their UUIDv7 id, or by the field `moment` and then the id, where the list is cut
    by that field: else a page of an old window would walk back through all since. A
    cursor that begins with `-` leads back. Raises: InvalidCursor.
    """
    back, after = cursor.startswith("-"), cursor.removeprefix("-")
    if after:
        rows = rows.filter(_beyond(after, moment, back=back))
    back = back and bool(after)
    order = [moment, "pk"] if moment else ["pk"]
    found = list(
        rows.order_by(*(name if back else f"-{name}" for name in order))[: limit + 1]
    )
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    if not found:
        return Page([], "")
    first, last = _cursor_of(found[0], moment), _cursor_of(found[-1], moment)
    has_newer, has_older = (more, True) if back else (bool(after), more)
    return Page(found, last if has_older else "", f"-{first}" if has_newer else "")


def make_cursor(key: UUID) -> str:
    """Write an opaque cursor."""
    return _text(key.bytes)


def read_cursor(cursor: str) -> UUID | None:
    """Read a cursor; '' is the beginning. Raises: InvalidCursor."""
    return UUID(bytes=_bytes(cursor, 16)) if cursor else None


def _cursor_of(row: Model, moment: str) -> str:
    key: UUID = row.pk
    if not moment:
        return make_cursor(key)
    at: datetime = getattr(row, moment)
    return _text(key.bytes + ((at - _EPOCH) // _MICROSECOND).to_bytes(8, signed=True))


def _beyond(cursor: str, moment: str, *, back: bool) -> Q:
    way = "gt" if back else "lt"
    if not moment:
        return Q(**{f"pk__{way}": read_cursor(cursor)})
    data = _bytes(cursor, 24)
    key = UUID(bytes=data[:16])
    try:
        at = _EPOCH + int.from_bytes(data[16:], signed=True) * _MICROSECOND
    except OverflowError as error:
        raise InvalidCursor(_INVALID) from error
    beside = Q(**{f"{moment}__{way}": at}) | Q(**{moment: at, f"pk__{way}": key})
    # the index is read from here on; an OR alone would read it from its end
    return Q(**{f"{moment}__{way}e": at}) & beside


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(cursor: str, length: int) -> bytes:
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error) as error:
        raise InvalidCursor(_INVALID) from error
    if len(data) != length:
        raise InvalidCursor(_INVALID)
    return data


_INVALID = "The cursor is not one of this list."
