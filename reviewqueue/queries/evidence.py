"""What people found in the segments of a champion: the ground of every grant."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from reviewqueue.models import Segment

type Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One segment's reviewed items since its evidence moment.

    `is_error` is in the order in which the items were begun; audits that are overdue
    stand in it as errors. The first `n_in_order` were begun before any that is still
    open, the last `n_since_move` after the last move. `watched` is the same of all that
    were begun since the move, whatever counts as evidence. Of the newest `n_due` (100
    at most) audits of since the move whose time is over, `n_overdue` are not resolved.
    """

    is_error: Marks = field(default_factory=lambda: np.zeros(0, np.bool_))
    n_in_order: int = 0
    n_since_move: int = 0
    watched: Marks = field(default_factory=lambda: np.zeros(0, np.bool_))
    n_overdue: int = 0
    n_due: int = 0


# An audit that somebody began and nobody resolved in time counts as an error: hard
# cases that are put off must not make a segment look better than it is. One that
# nobody has looked at says nothing yet; the riskier are looked at first. Errors take
# longer to decide than right items, so that only the order of beginning is fair: what
# was begun after an item that is still open is no ground for a grant yet.
# One pass over an index in its order (`Observation`), a mark an item: to count these
# here takes half as long as to count there.
_EVIDENCE = """
SELECT s.id, found.*, late.*
FROM reviewqueue_segment s
CROSS JOIN LATERAL (
    SELECT string_agg(
               CASE WHEN o.is_error IS NULL AND o.begun_at IS NULL THEN ''
               WHEN o.is_error IS NULL
                   THEN CASE WHEN o.due_at < %(now)s THEN 'l' ELSE 'o' END
               WHEN o.is_error THEN 'w' ELSE 'r' END,
               '' ORDER BY o.begun_at, o.item_id)
               FILTER (WHERE o.is_blind OR NOT %(is_blind)s),
           count(*) FILTER (WHERE o.begun_at <= s.moved_at
               AND (o.is_blind OR NOT %(is_blind)s)),
           string_agg(CASE WHEN o.is_error THEN 'w' WHEN o.is_error IS NULL THEN 'l'
                      ELSE 'r' END, '' ORDER BY o.begun_at, o.item_id)
               FILTER (WHERE o.begun_at > s.moved_at
                   AND (o.is_error IS NOT NULL OR o.due_at < %(now)s))
    FROM {table} o
    WHERE o.segment_id = s.id AND o.routed_at >= s.evidence_since
      AND (o.reviewer_id IS NULL OR o.reviewer_id <> ALL(%(excluded)s))
) found
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE due.is_error IS NULL), count(*)
    FROM ({sent} LIMIT %(n_due)s) due
) late
WHERE s.id = ANY(%(segments)s)
"""
_SENT = """
SELECT o.is_error FROM reviewqueue_route r
JOIN reviewqueue_observation o ON o.item_id = r.item_id
WHERE r.segment_id = s.id AND r.kind = 'review' AND r.routed_at >= s.moved_at
  AND o.due_at < %(now)s
ORDER BY r.routed_at DESC, r.item_id DESC
"""
# A field's own review probability sent every item that is observed in its segment.
_FIELD_SENT = """
SELECT o.is_error FROM reviewqueue_fieldobservation o
WHERE o.segment_id = s.id AND o.routed_at >= s.moved_at AND o.due_at < %(now)s
ORDER BY o.routed_at DESC, o.item_id DESC
"""
_OF_LABELS = _EVIDENCE.format(table="reviewqueue_observation", sent=_SENT)
_OF_FIELDS = _EVIDENCE.format(table="reviewqueue_fieldobservation", sent=_FIELD_SENT)
OPEN: Final = b"o"
LATE: Final = b"l"  # begun, and not resolved in time
WRONG: Final = b"w"
RIGHT: Final = b"r"
N_DUE: Final = 100


def evidence_of(
    segments: Collection[Segment],
    *,
    is_blind: bool,
    now: datetime,
    excluded_reviewers: Collection[UUID] = (),
) -> dict[UUID, Evidence]:
    """Read the evidence of segments by their ids; one without any is there, empty.

    With `is_blind`, only items drawn to be blind count for the bounds: who is drawn
    does not depend on what people find, which an adjudication or late truth would. The
    watch looks at all that people were sent: leaning makes errors fewer there, not
    more. Decisions of `excluded_reviewers` are left out altogether. Of a segment of a
    field, whether the field was wrong.
    """
    found = {one.pk: Evidence() for one in segments}
    values: dict[str, Any] = {
        "is_blind": is_blind,
        "now": now,
        "excluded": list(excluded_reviewers),
        "n_due": N_DUE,
    }
    for statement, is_field in ((_OF_LABELS, False), (_OF_FIELDS, True)):
        chosen = [one.pk for one in segments if bool(one.field) == is_field]
        if chosen:
            found |= _read(statement, {**values, "segments": chosen})
    return found


def _read(statement: str, values: Mapping[str, Any]) -> dict[UUID, Evidence]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {
            pk: _evidence(
                marks or "",
                n_before,
                watched=watched or "",
                n_overdue=n_overdue,
                n_due=n_due,
            )
            for pk, marks, n_before, watched, n_overdue, n_due in cursor.fetchall()
        }


def _evidence(
    marks: str, n_before: int, *, watched: str, n_overdue: int, n_due: int
) -> Evidence:
    """Count the marks of a segment's items; `n_before` came before its move."""
    items = _marks(marks)
    counts = _are(items, LATE + WRONG + RIGHT)
    is_open = _are(items, OPEN)
    n_ahead = int(is_open.argmax()) if is_open.any() else items.size
    return Evidence(
        is_error=_are(items[counts], LATE + WRONG),
        n_in_order=int(counts[:n_ahead].sum()),
        n_since_move=int(counts[n_before:].sum()),
        watched=_are(_marks(watched), LATE + WRONG),
        n_overdue=n_overdue,
        n_due=n_due,
    )


def _marks(marks: str) -> NDArray[np.uint8]:
    return np.frombuffer(marks.encode(), dtype=np.uint8)


def _are(items: NDArray[np.uint8], marks: bytes) -> NDArray[np.bool_]:
    return np.isin(items, np.frombuffer(marks, dtype=np.uint8))
