"""Bulk writes through PostgreSQL's COPY, inside the caller's transaction."""

from collections.abc import Iterable, Sequence
from typing import LiteralString

from django.db import connection, models
from psycopg import sql

_BINARY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
_BINARY_END = b"\xff\xff"


def copy_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """COPY rows into the model's table; columns are database column names."""
    statement = _statement("COPY {} ({}) FROM STDIN", model, columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
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
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(b"".join((_BINARY_HEADER, *rows, _BINARY_END)))


def _statement(
    text: LiteralString, model: type[models.Model], columns: Sequence[str]
) -> sql.Composed:
    return sql.SQL(text).format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
    )
