"""What a database server must be, whether embedded or the operator's own."""

from collections.abc import Sequence

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

OLDEST_POSTGRES = 18


@register(Tags.database)
def check_postgres_version(
    *, databases: Sequence[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    """Refuse a PostgreSQL without what the tables rely on, such as `uuidv7()`."""
    found = ((alias, connections[alias]) for alias in databases or ())
    return [
        Error(
            f"The database {alias!r} is PostgreSQL {major}; "
            f"Countersign needs {OLDEST_POSTGRES} or later.",
            hint="Upgrade the server, or name another in DATABASE_URL.",
            id="embedded.E001",
        )
        for alias, connection in found
        if isinstance(connection, DatabaseWrapper)
        and (major := connection.pg_version // 10_000) < OLDEST_POSTGRES
    ]
