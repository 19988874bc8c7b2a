"""What people were sent in a segment, before and since its last move, as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import orjson
from django.db import connection
from numpy.typing import NDArray

from predictions.learning.features import columns_from_json, feature_matrix
from predictions.masking import masked_values
from predictions.queries.measured import features_sql
from reviewqueue.models import Segment

# Ranks take memory for the square of what is ranked, and old values say little.
N_WINDOWS: Final = 4
N_IN_WINDOW: Final = 500

# Who is sent to people is drawn, so these are a sample of all items of the segment; a
# hash of the id thins it out, and puts each window into an order without a clock.
_SENT = """
WITH sent AS (
    SELECT r.item_id, md5(r.item_id::text) AS lot,
           floor(extract(epoch FROM r.routed_at - s.moved_at) / %(seconds)s) AS number
    FROM reviewqueue_segment s
    JOIN {sent}
        AND (r.routed_at >= %(known_since)s AND r.routed_at < %(known_until)s
             OR r.routed_at >= %(since)s AND r.routed_at < %(until)s)
    WHERE s.id = %(segment)s
), thinned AS (
    SELECT *, row_number() OVER (PARTITION BY number ORDER BY lot) AS place FROM sent
)
SELECT number < %(n_spent)s, {score}, {features}
FROM thinned t
JOIN predictions_item i ON i.id = t.item_id
JOIN predictions_prediction p
    ON p.item_id = t.item_id AND p.model_version_id = %(version)s
{fields}
WHERE place <= %(limit)s
ORDER BY number, lot
"""
# What another part asked for is no sample of the segment.
_SENT_FOR_LABEL = """reviewqueue_route r ON r.segment_id = s.id AND r.kind = 'review'
    AND (r.parts IS NULL OR r.draw < r.part_probabilities[1])"""
_SENT_FOR_FIELD = "reviewqueue_fieldobservation r ON r.segment_id = s.id"
_FIELDS = "JOIN predictions_predictedfields f ON f.prediction_id = p.id"


@dataclass(frozen=True, slots=True)
class Sent:
    """What the champion said and read of n items, window by window.

    Of a field's segment, `probability` is how sure it was of the field.

    The first `n_before` are what the others are held against. Within a window the order
    is by lot: hours of a day, or days of a week, are no order.
    """

    probability: NDArray[np.float64]
    inputs: Mapping[str, NDArray[np.float64]]
    n_before: int


def sent_in(segment: Segment, *, window: timedelta, now: datetime) -> Sent:
    """Read at most 500 items of each whole window around a segment's last move.

    Up to four before it, or the first one since it where the evidence began later than
    that; and of the others since it, in blocks of four, the block that the last one
    belongs to.
    """
    n_known = (segment.moved_at - segment.evidence_since) // window
    n_spent = 0 if n_known else 1
    n_since = max((now - segment.moved_at) // window, n_spent)
    n_left = max(n_since - n_spent - 1, 0) // N_WINDOWS * N_WINDOWS
    version = segment.model_version
    values: dict[str, Any] = {
        "segment": segment.pk,
        "version": version.pk,
        "seconds": window.total_seconds(),
        "n_spent": n_spent,
        "known_since": segment.moved_at - window * min(n_known, N_WINDOWS),
        "known_until": segment.moved_at + window * n_spent,
        "since": segment.moved_at + window * (n_spent + n_left),
        "until": segment.moved_at + window * n_since,
        "limit": N_IN_WINDOW,
        "field": segment.field,
    }
    features = features_sql(segment.workflow.declaration)
    statement = _SENT.format(
        features=features,
        sent=_SENT_FOR_FIELD if segment.field else _SENT_FOR_LABEL,
        score="(f.confidences ->> %(field)s)::float"
        if segment.field
        else "p.probability",
        fields=_FIELDS if segment.field else "",
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchall()
    columns = columns_from_json(version.columns)
    declaration = segment.workflow.declaration
    known = [masked_values(orjson.loads(one), declaration) for _, _, one in found]
    inputs = feature_matrix(known, columns)
    return Sent(
        np.array([said for _, said, _ in found], dtype=np.float64),
        {one.name: inputs[:, at] for at, one in enumerate(columns)},
        sum(is_before for is_before, _, _ in found),
    )
