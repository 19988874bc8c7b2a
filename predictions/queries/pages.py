"""Pages by keyset: as fast on the last page as on the first, without a count."""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Model, QuerySet

MAX_LIMIT = 500


class InvalidCursor(ValueError):
    """The cursor was not made here."""


@dataclass(frozen=True, slots=True)
class Page[Row: Model]:
    """Some rows, and the cursors of the pages beside it ('' where there is none)."""

    rows: list[Row]
    next: str
    previous: str = ""


def newest_first[Row: Model](
    rows: QuerySet[Row], *, cursor: str, limit: int
) -> Page[Row]:
    """Return a page of rows in descending order of their UUIDv7 id.

    A cursor that begins with `-` leads back. Raises: InvalidCursor.
    """
    back, after = cursor.startswith("-"), read_cursor(cursor.removeprefix("-"))
    if back and after is not None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: limit + 1])
        more, found = len(found) > limit, found[:limit][::-1]
        previous = f"-{make_cursor(found[0].pk)}" if more and found else ""
        return Page(found, make_cursor(found[-1].pk) if found else "", previous)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    following = make_cursor(found[-1].pk) if more else ""
    previous = f"-{make_cursor(found[0].pk)}" if after is not None and found else ""
    return Page(found, following, previous)


def make_cursor(key: UUID) -> str:
    """Write an opaque cursor."""
    return base64.urlsafe_b64encode(key.bytes).decode().rstrip("=")


def read_cursor(cursor: str) -> UUID | None:
    """Read a cursor; '' is the beginning. Raises: InvalidCursor."""
    if not cursor:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (ValueError, binascii.Error) as error:
        msg = "The cursor is not one of this list."
        raise InvalidCursor(msg) from error
