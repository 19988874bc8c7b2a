"""Evidence worked out of the rows themselves: what observations must add up to."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection

from reviewqueue.models import Segment

_EVIDENCE = """
WITH found AS (
    SELECT s.id, s.moved_at, r.item_id, r.routed_at, c.due_at < %(now)s AS is_due,
           r.blind OR NOT %(is_blind)s AS is_evidence,
           d.reviewer_id IS NULL OR d.reviewer_id <> ALL(%(excluded)s) AS is_trusted,
           l.label IS NULL AS is_unresolved,
           COALESCE(l.label, '') <> r.label OR (
               r.blind AND l.source = 'decision' AND r.label <> ANY(b.said_blind)
           ) AS is_error,
           COALESCE(b.begun_at, l.created_at) AS begun_at
    FROM reviewqueue_segment s
    JOIN reviewqueue_route r ON r.segment_id = s.id AND r.routed_at >= s.evidence_since
        AND r.kind = 'review'
    JOIN reviewqueue_case c ON c.item_id = r.item_id AND c.kind = 'review'
    LEFT JOIN LATERAL (
        SELECT NULLIF(v.label, '') AS label, v.source, v.created_at, v.decision_id
        FROM reviewqueue_label v WHERE v.item_id = r.item_id
        ORDER BY v.version DESC LIMIT 1
    ) l ON true
    LEFT JOIN reviewqueue_decision d ON d.id = l.decision_id
    LEFT JOIN LATERAL (
        SELECT min(e.at) AS begun_at, ARRAY(
            SELECT said.label FROM reviewqueue_decision said
            WHERE said.case_id = c.id AND said.blind AND said.label <> ''
        ) AS said_blind
        FROM reviewqueue_caseevent e
        WHERE e.case_id = c.id AND e.kind = 'claimed'
    ) b ON true
    WHERE s.id = ANY(%(segments)s)
), ordered AS (
    SELECT *, is_trusted AND begun_at IS NOT NULL AND (is_due OR NOT is_unresolved)
               AS counts,
           bool_or(is_unresolved AND NOT is_due AND begun_at IS NOT NULL
                   AND is_evidence AND is_trusted) OVER (
               PARTITION BY id ORDER BY begun_at NULLS LAST, item_id
           ) AS is_behind_open,
           CASE WHEN is_due AND routed_at >= moved_at THEN row_number() OVER (
               PARTITION BY id, is_due AND routed_at >= moved_at
               ORDER BY routed_at DESC, item_id DESC
           ) END AS due_number
    FROM found
)
SELECT id,
       array_agg(is_error ORDER BY begun_at, item_id)
           FILTER (WHERE counts AND is_evidence),
       count(*) FILTER (WHERE counts AND is_evidence AND NOT is_behind_open),
       count(*) FILTER (WHERE counts AND is_evidence AND begun_at > moved_at),
       array_agg(is_error ORDER BY begun_at, item_id)
           FILTER (WHERE counts AND begun_at > moved_at),
       count(*) FILTER (WHERE is_unresolved AND due_number <= 100),
       count(*) FILTER (WHERE due_number <= 100)
FROM ordered
GROUP BY id
"""

type FromRows = tuple[list[bool], int, int, list[bool], int, int]


def evidence_from_rows(
    segments: Collection[Segment],
    *,
    is_blind: bool,
    now: datetime,
    excluded_reviewers: Collection[UUID] = (),
) -> dict[UUID, FromRows]:
    """Return the fields of `Evidence` by segment, in their order."""
    found: dict[UUID, FromRows] = {one.pk: ([], 0, 0, [], 0, 0) for one in segments}
    values = {
        "segments": list(found),
        "is_blind": is_blind,
        "now": now,
        "excluded": list(excluded_reviewers),
    }
    with connection.cursor() as cursor:
        cursor.execute(_EVIDENCE, values)
        for pk, is_error, n_ahead, n_since, watched, *late in cursor.fetchall():
            found[pk] = (is_error or [], n_ahead, n_since, watched or [], *late)
    return found
