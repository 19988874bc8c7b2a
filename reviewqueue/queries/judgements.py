"""What people judged in a window, as they first judged it and did not take back."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.sites import ALL_SITES, Sites, as_array
from predictions.models import Workflow
from reviewqueue.enums import CaseKind

MAX_ROWS: Final = 20_000


class Judgement(NamedTuple):
    """One judgement; `truth` is empty where it is not known."""

    reviewer: UUID
    item: UUID
    kind: str
    label: str
    recommended: str
    blind: bool
    seconds: float
    truth: str


_JUDGEMENTS = f"""
SELECT d.reviewer_id, d.item_id, d.case_kind, d.label, d.recommended_label, d.blind,
       greatest(extract(epoch FROM d.decided_at - d.opened_at), 0)::float8,
       COALESCE(g.label, t.label, '')
FROM (
    SELECT * FROM reviewqueue_decision d
    WHERE workflow_id = %(workflow)s
      AND decided_at >= %(since)s AND decided_at < %(until)s
      AND (%(sites)s::uuid[] IS NULL OR site_id = ANY(%(sites)s::uuid[]))
      AND case_kind = ANY(%(kinds)s) AND supersedes_id IS NULL AND label <> ''
      AND NOT EXISTS (SELECT 1 FROM reviewqueue_retraction x
                      WHERE x.decision_id = d.id AND x.kind = 'undo')
    ORDER BY decided_at DESC, id DESC LIMIT {MAX_ROWS}
) d
LEFT JOIN reviewqueue_goldplacement p ON p.case_id = d.case_id
LEFT JOIN reviewqueue_golditem g ON g.id = p.gold_id
LEFT JOIN LATERAL (
    SELECT CASE WHEN v.source IN ('outcome', 'adjudication') THEN v.label END AS label
    FROM reviewqueue_label v WHERE v.item_id = d.item_id
    ORDER BY v.version DESC LIMIT 1
) t ON true
ORDER BY d.decided_at, d.id
"""  # noqa: S608 -- a constant


def read_judgements(
    workflow: Workflow,
    *,
    since: datetime,
    until: datetime,
    sites: Sites = ALL_SITES,
) -> list[Judgement]:
    """Return the newest 20,000 judgements of a window, the oldest first."""
    values: dict[str, Any] = {
        "workflow": workflow.pk,
        "since": since,
        "until": until,
        "sites": as_array(sites),
        "kinds": [CaseKind.REVIEW.value, CaseKind.SECOND.value, CaseKind.GOLD.value],
    }
    with connection.cursor() as cursor:
        cursor.execute(_JUDGEMENTS, values)
        return [Judgement(*row) for row in cursor.fetchall()]


def judged_by_several(rows: Sequence[Judgement]) -> dict[UUID, list[Judgement]]:
    """Return the judgements of items that several people judged, one of each person.

    Without gold, which is the same item before everybody but no work of the queue.
    """
    by_item: dict[UUID, dict[UUID, Judgement]] = defaultdict(dict)
    for one in rows:
        if one.kind != CaseKind.GOLD:
            by_item[one.item].setdefault(one.reviewer, one)
    return {
        item: list(readings.values())
        for item, readings in by_item.items()
        if len(readings) > 1
    }
