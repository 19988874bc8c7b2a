"""Read and insert single rows by statements that are written once a connection.

Django writes the SQL of a query anew each time, which for a case with its item and its
route takes five times as long as running it: too long where a person waits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.models.sql import InsertQuery
from django.db.transaction import TransactionManagementError

_ANY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Written:
    """A queryset whose own compiler has written its statement."""

    queryset: Any
    compiler: Any
    sql: str


class Prepared[M: Model]:
    """Returns rows of a queryset by primary key, as its `get` does.

    `make` is asked once a connection, so it must return the same query each time.
    """

    def __init__(self, make: Callable[[], QuerySet[M]]) -> None:
        self._make = make

    def get(self, pk: UUID) -> M:
        """Return the row of this key, with all that the queryset selects and locks.

        Raises: DoesNotExist of its model; TransactionManagementError when it locks
        outside of a transaction.
        """
        written = _kept(self, lambda one: _write(self._make().filter(pk=_ANY), one))
        query, connection = written.queryset.query, written.compiler.connection
        if query.select_for_update and not connection.in_atomic_block:
            msg = "select_for_update cannot be used outside of a transaction."
            raise TransactionManagementError(msg)
        written.compiler.as_sql = lambda *_, **__: (written.sql, (pk,))
        found: list[M] = list(written.queryset._iterable_class(written.queryset))
        if not found:
            msg = f"{query.model.__name__} matching query does not exist."
            raise query.model.DoesNotExist(msg)
        return found[0]


@dataclass(frozen=True, slots=True)
class _Insert:
    compiler: Any
    fields: list[Any]
    sql: str


def insert(row: Model) -> None:
    """Insert a new row as its `save` would, but for signals.

    Raises: as the database refuses it.
    """
    own = _kept(type(row), lambda one: _write_insert(row, one))
    values = [
        own.compiler.prepare_value(field, own.compiler.pre_save_val(field, row))
        for field in own.fields
    ]
    with own.compiler.connection.cursor() as cursor:
        cursor.execute(own.sql, values)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _kept[T](key: object, write: Callable[[BaseDatabaseWrapper], T]) -> T:
    """Return what was written under a key for this thread's connection."""
    connection = connections[DEFAULT_DB_ALIAS]
    # With the connection, and gone with it.
    kept: dict[object, T] = vars(connection).setdefault("_statements", {})
    if key not in kept:
        kept[key] = write(connection)
    return kept[key]


def _write_insert(row: Model, connection: BaseDatabaseWrapper) -> _Insert:
    model = type(row)
    fields = list(model._meta.local_concrete_fields)
    query: Any = InsertQuery(model)
    query.insert_values(fields, [row], raw=False)
    compiler = query.get_compiler(connection=connection)
    [(sql, values)] = compiler.as_sql()
    if len(values) != len(fields):
        msg = f"Not every column of {model.__name__} is one value: {values!r}"
        raise ValueError(msg)
    return _Insert(compiler, fields, sql)


def _write(queryset: Any, connection: BaseDatabaseWrapper) -> _Written:  # noqa: ANN401 -- Django's own parts, which have no types
    query = queryset.query
    compiler = query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    if params != (_ANY,):
        msg = f"The key is not the only value of the statement: {params!r}"
        raise ValueError(msg)
    query.get_compiler = lambda **_: compiler
    return _Written(queryset, compiler, sql)
