"""Make the observations that evidence is read from again, from the rows."""

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from reviewqueue.models import (
    Case,
    CaseEvent,
    FieldObservation,
    Label,
    Observation,
    Route,
)
from reviewqueue.models.observing import observe_cases

_TABLES = tuple(one._meta.db_table for one in (Observation, FieldObservation))
# Without the ids of rows, which are new each time.
_SUMMED = """
SELECT count(*), COALESCE(sum(hashtextextended((to_jsonb(o) - 'id')::text, 0)), 0)
FROM {} o
"""


@transaction.atomic
def rebuild_observations() -> bool:
    """Read every observation again; say whether they had been right.

    For a database that was filled with its triggers off. Keeps writers out meanwhile.
    """
    read = (Case, CaseEvent, Label, Observation, FieldObservation, Route)
    tables = ", ".join(model._meta.db_table for model in read)
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")
        before = _sums(cursor)
        for table in _TABLES:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 -- a name of ours
        cursor.execute(observe_cases(Case._meta.db_table))
        return before == _sums(cursor)


def _sums(cursor: CursorWrapper) -> list[tuple[object, ...]]:
    """Return number and hash of the rows of each table."""
    found: list[tuple[object, ...]] = []
    for table in _TABLES:
        cursor.execute(_SUMMED.format(table))
        found += cursor.fetchall()
    return found
