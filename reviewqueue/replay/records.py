"""What a replay left in the database, as rows for the figures."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from django.db import connection

from predictions.models import Workflow
from reviewqueue.models import Segment, TrustMove
from reviewqueue.queries.trust import plan_in_force, tolerated_of
from reviewqueue.replay.rows import Move, Routed, Slice

_ROUTED = """
SELECT i.external_id, r.routed_at, r.segment_id, r.label, r.probability,
       r.review_probability, r.kind = 'review', r.blind, COALESCE(d.label, '')
FROM reviewqueue_route r
JOIN predictions_item i ON i.id = r.item_id
LEFT JOIN LATERAL (
    SELECT label FROM reviewqueue_decision
    WHERE item_id = r.item_id ORDER BY id DESC LIMIT 1
) d ON r.kind = 'review'
WHERE r.workflow_id = %s ORDER BY r.routed_at, r.item_id
"""


def routed_rows(
    workflow: Workflow, *, truth: Mapping[str, str], start: datetime
) -> Routed:
    """Read every routed item, in order, with the truth that only the replay knows."""
    places = {one.pk: place for place, one in enumerate(_segments(workflow))}
    with connection.cursor() as cursor:
        cursor.execute(_ROUTED, [workflow.pk])
        rows = cursor.fetchall()
    names, moments, segments, said, p, asked, reviewed, blind, found = zip(
        *rows, strict=True
    )
    return Routed(
        days=np.array([days_after(start, moment) for moment in moments]),
        segments=np.array([places.get(one, -1) for one in segments]),
        said=np.array(said, dtype=str),
        truth=np.array([truth[name] for name in names], dtype=str),
        found=np.array(found, dtype=str),
        probabilities=np.array(p, dtype=np.float64),
        review_probabilities=np.array(asked, dtype=np.float64),
        is_reviewed=np.array(reviewed, dtype=np.bool_),
        is_blind=np.array(blind, dtype=np.bool_),
    )


def slices_of(workflow: Workflow, *, start: datetime) -> list[Slice]:
    """List the segments of every champion, as `Routed.segments` counts them."""
    plan = plan_in_force(workflow)
    return [
        Slice(
            version=one.model_version.number,
            label=one.label,
            low=one.low,
            high=one.high,
            n_sharing=one.n_sharing,
            tolerated=tolerated_of(one.label, plan, workflow.declaration),
            cut_day=days_after(start, one.created_at),
            review_probability=one.review_probability,
        )
        for one in _segments(workflow)
    ]


def moves_of(workflow: Workflow, *, start: datetime) -> list[Move]:
    """List the grants and withdrawals in their order."""
    places = {one.pk: place for place, one in enumerate(_segments(workflow))}
    moves = TrustMove.objects.filter(workflow=workflow, segment__field="")
    rows = moves.order_by("at", "id")
    return [
        Move(
            day=days_after(start, one.at),
            segment=places[one.segment_id],
            kind=one.kind,
            cause=one.cause,
            to_probability=one.to_probability,
            reviews=one.evidence["reviews"],
            errors=one.evidence["errors"],
            bound=one.evidence["bound"],
            delta=one.evidence["delta"],
            since_day=days_after(start, datetime.fromisoformat(one.evidence["since"])),
        )
        for one in rows
    ]


def days_after(start: datetime, moment: datetime) -> float:
    return (moment - start).total_seconds() / 86_400


def _segments(workflow: Workflow) -> list[Segment]:
    rows = Segment.objects.filter(workflow=workflow, field="")
    rows = rows.select_related("model_version")
    return list(rows.order_by("model_version__number", "label", "low", "id"))
