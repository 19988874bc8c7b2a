"""Bulk writes through PostgreSQL's COPY, inside the caller's transaction."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString

from django.db import connection, models
from psycopg import Copy, sql

_BINARY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
_BINARY_END = b"\xff\xff"


def copy_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """COPY rows into the model's table; columns are database column names."""
    statement = _statement("COPY {} ({}) FROM STDIN", model, columns)
    with _copying(statement) as copy:
        for row in rows:
            copy.write_row(row)


def copy_encoded(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[bytes]
) -> None:
    """COPY rows that are encoded already, in PostgreSQL's binary format.

    Faster than `copy_rows`, for who knows the types: see the manual, "COPY", "Binary
    Format". A wrong encoding is refused by the server, or worse, is taken for another
    value: test every column.
    """
    statement = _statement("COPY {} ({}) FROM STDIN (FORMAT binary)", model, columns)
    with _copying(statement) as copy:
        copy.write(b"".join((_BINARY_HEADER, *rows, _BINARY_END)))


@contextmanager
def _copying(statement: sql.Composed) -> Iterator[Copy]:
    # Django leaves the errors of a COPY as psycopg's: callers catch Django's own.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        yield copy


def _statement(
    text: LiteralString, model: type[models.Model], columns: Sequence[str]
) -> sql.Composed:
    return sql.SQL(text).format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
    )
