"""Empty the database after a test that commits, without what TRUNCATE costs.

Django truncates every table, of which nearly all are empty, and makes the permissions
anew: half a second a test. What migrations leave stays here, and only rows that are
there are deleted, past triggers that refuse it.
"""

from collections.abc import Callable

from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

KEPT = {"django_migrations", "django_content_type", "auth_permission"}
# Of more, DELETE would leave tables that are slow to read.
MOST_BYTES = 8_000_000


def flushing(
    django_flush: Callable[[TransactionTestCase], None],
) -> Callable[..., None]:
    """Return what takes the place of Django's flush, which empties large tables."""

    def flush(case: TransactionTestCase) -> None:
        if not _delete_rows():
            django_flush(case)

    return flush


def _delete_rows() -> bool:
    """Delete all rows; False where there are so many that it was left."""
    names = connection.introspection.django_table_names(only_existing=True)
    tables = [sql.Identifier(name) for name in sorted(set(names) - KEPT)]
    with transaction.atomic(), connection.cursor() as cursor:
        # As TRUNCATE: a request that still runs ends first, with what it writes.
        cursor.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(
                sql.SQL(", ").join(tables)
            )
        )
        cursor.execute(
            sql.SQL(" UNION ALL ").join(
                sql.SQL("(SELECT {}, pg_relation_size({}) FROM {} LIMIT 1)").format(
                    sql.Literal(one.as_string()), sql.Literal(one.as_string()), one
                )
                for one in tables
            )
        )
        found = cursor.fetchall()
        if sum(size for _, size in found) > MOST_BYTES:
            return False
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name, _ in found:
            cursor.execute(f"DELETE FROM {name}")  # noqa: S608 -- a quoted name
    return True
