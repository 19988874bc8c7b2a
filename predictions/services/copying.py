"""Writes past the ORM, by COPY or INSERT, inside the caller's transaction."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, islice
from typing import Any, LiteralString

from django.db import connection, models
from psycopg import Copy, sql

_BINARY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
_BINARY_END = b"\xff\xff"
# Up to here an INSERT, planned once, is faster: a COPY goes to and fro once more.
FEW_ROWS = 8


def store_rows(
    model: type[models.Model],
    columns: tuple[str, ...],
    rows: Iterable[Sequence[object]],
) -> None:
    """Add rows to the model's table; columns are database column names."""
    source = iter(rows)
    first = list(islice(source, FEW_ROWS + 1))
    if not first:
        return
    if len(first) <= FEW_ROWS:
        values: list[Any] = [*chain.from_iterable(first)]
        with connection.cursor() as cursor:
            cursor.execute(insert_statement(model, columns, len(first)), values)
        return
    with _copying(_statement("COPY {} ({}) FROM STDIN", model, columns)) as copy:
        for row in chain(first, source):
            copy.write_row(row)


@lru_cache(maxsize=128)
def insert_statement(
    model: type[models.Model], columns: tuple[str, ...], n_rows: int
) -> str:
    """Write the INSERT of so many rows, a placeholder for each value."""
    row = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(columns)))
    insert = _statement("INSERT INTO {} ({}) VALUES ", model, columns)
    return (insert + sql.SQL(", ").join([row] * n_rows)).as_string()


def copy_encoded(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[bytes]
) -> None:
    """COPY rows that are encoded already, in PostgreSQL's binary format.

    Faster than `store_rows`, for who knows the types: see the manual, "COPY", "Binary
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
