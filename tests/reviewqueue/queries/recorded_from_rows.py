"""What a what-if replays, worked out of the rows themselves."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import connection

from predictions.models import Workflow
from reviewqueue.models import Segment
from reviewqueue.queries.recorded import microseconds
from reviewqueue.trust.what_if import NEVER

_REVIEWED = """
SELECT array_position(%(segments)s::uuid[], r.segment_id) - 1, b.begun_at, c.due_at,
       r.routed_at, r.draw, r.blind, l.moments, l.errors
FROM (
    SELECT item_id, segment_id, routed_at, draw, label, blind FROM reviewqueue_route
    WHERE workflow_id = %(workflow)s AND routed_at >= %(since)s
      AND routed_at < %(until)s AND kind = 'review'
      AND segment_id = ANY(%(segments)s)
) r
JOIN reviewqueue_case c ON c.item_id = r.item_id AND c.kind = 'review'
LEFT JOIN LATERAL (
    SELECT min(e.at) AS begun_at FROM reviewqueue_caseevent e
    WHERE e.case_id = c.id AND e.kind = 'claimed'
) b ON true
LEFT JOIN LATERAL (
    SELECT array_agg(v.created_at ORDER BY v.version) AS moments,
           array_agg(CASE WHEN v.label = '' THEN NULL
                     WHEN v.source = 'decision' AND EXISTS (
                         SELECT FROM reviewqueue_decision b
                         WHERE b.case_id = c.id AND b.blind AND r.blind
                           AND b.label NOT IN ('', r.label)
                           AND b.decided_at <= v.created_at) THEN true
                     ELSE v.label <> r.label END ORDER BY v.version) AS errors
    FROM reviewqueue_label v WHERE v.item_id = r.item_id
) l ON true
ORDER BY r.item_id
"""

_NEVER = datetime.max.replace(tzinfo=UTC)

type Row = tuple[int, int, int, int, float, bool, bool]


def recorded_from_rows(
    workflow: Workflow, segments: Sequence[Segment], *, now: datetime
) -> list[list[Row]]:
    """Return the items that people began, by segment, as `Recorded` holds them."""
    values = {
        "workflow": workflow.pk,
        "segments": [one.pk for one in segments],
        "since": min(one.created_at for one in segments),
        "until": now,
    }
    found: list[list[Row]] = [[] for _ in segments]
    with connection.cursor() as cursor:
        cursor.execute(_REVIEWED, values)
        for at, *row in cursor.fetchall():
            recorded = _recorded(*row)
            if recorded[0] < NEVER:
                found[at].append(recorded)
    return [sorted(rows, key=lambda row: row[0]) for rows in found]


def _recorded(
    begun_at: datetime | None,
    due_at: datetime,
    routed_at: datetime,
    draw: float,
    blind: bool,
    moments: list[datetime] | None,
    errors: list[bool | None] | None,
) -> Row:
    """Work out when an item was first judged, and since when as it is today."""
    first_at = known_at = None
    is_error = False
    if moments and errors and errors[-1] is not None:
        first_at, is_error = moments[0], errors[-1]
        others = [at for at, one in enumerate(errors) if one is not is_error]
        known_at = min(moments[max(others, default=-1) + 1 :])
    begun = min(one for one in (begun_at, first_at, _NEVER) if one)
    return (
        _number(begun),
        _number(min(first_at or due_at, due_at)),
        _number(known_at or _NEVER),
        _number(routed_at),
        draw,
        is_error,
        blind,
    )


def _number(at: datetime) -> int:
    return NEVER if at == _NEVER else microseconds(at)
