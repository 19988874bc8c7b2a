"""Keep the counts behind the figures small, and check them against the rows."""

from datetime import date
from uuid import UUID

from django.db import connection, transaction

from reviewqueue.models import Decision, Label, Retraction, Route, Tally
from reviewqueue.models.tally import (
    append_counts,
    decision_counts,
    retraction_counts,
    route_counts,
    truth_counts,
)

type Key = tuple[UUID, date, str, str, str, str, str, str]

_COUNTED = (
    (Decision, decision_counts),
    (Retraction, retraction_counts),
    (Route, route_counts),
    (Label, truth_counts),
)
# Each row is deleted once, whoever merges at the same time; a reader sees the old rows
# or the new ones, never both.
_MERGE = """
WITH taken AS (
    DELETE FROM reviewqueue_tally WHERE workflow_id = %s AND day = %s
    RETURNING site, label, model, figure, key, slot, n
)
INSERT INTO reviewqueue_tally
    (workflow_id, day, site, label, model, figure, key, slot, n, is_loose)
SELECT %s, %s, site, label, model, figure, key, slot, sum(n), false FROM taken
GROUP BY site, label, model, figure, key, slot HAVING sum(n) <> 0
"""


def merge_tallies() -> int:
    """Merge what has piled up, one workflow and day at a time; return how many."""
    loose = Tally.objects.filter(is_loose=True).values_list("workflow_id", "day")
    days = list(loose.distinct().order_by("workflow_id", "day"))
    for workflow_id, day in days:
        with connection.cursor() as cursor:
            cursor.execute(_MERGE, [workflow_id, day, workflow_id, day])
    return len(days)


@transaction.atomic
def recount() -> bool:
    """Count everything again from the rows; say whether the counts were right.

    For a database that was filled with its triggers off. Keeps writers out meanwhile.
    """
    tables = ", ".join(model._meta.db_table for model, _ in _COUNTED)
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")
        before = _sums()
        cursor.execute("DELETE FROM reviewqueue_tally")
        for model, counts in _COUNTED:
            cursor.execute(append_counts(counts(model._meta.db_table)))
    merge_tallies()
    return before == _sums()


def _sums() -> dict[Key, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT workflow_id, day, site, label, model, figure, key, slot, "
            "sum(n)::bigint FROM reviewqueue_tally "
            "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 HAVING sum(n) <> 0"
        )
        return {tuple(row[:8]): row[8] for row in cursor.fetchall()}
