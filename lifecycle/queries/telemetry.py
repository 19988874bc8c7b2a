"""Figures of all workflows at once, for whoever collects them every few seconds.

None of them reads items, predictions or decisions one by one: they are sums of the
counts that the database keeps, small tables, or a bounded number of the newest rows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from lifecycle.enums import MailStatus
from predictions.enums import SCORING_STAGES, ModelEventKind, Stage
from reviewqueue.enums import DeliveryStatus

# Upper ends in ms; what takes longer than a call of a person's patience is one bucket.
LATENCY_ENDS_MS = (
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    25.0,
    50.0,
    100.0,
    250.0,
    1000.0,
)
LATENCY_WINDOW = timedelta(minutes=5)
N_NEWEST = 2_000  # scores a workflow


class Count(NamedTuple):
    """How many of a workflow, by up to two labels."""

    workflow: UUID
    figure: str
    key: str
    slot: str
    n: int


# One statement, so one moment: an item is either waiting or routed, never neither.
_FLOW = """
SELECT workflow_id, figure, key, slot, sum(n)::bigint
FROM reviewqueue_tally
WHERE workflow_id = ANY(%(workflows)s) AND site = '' AND label = ''
  AND model = ''
  AND figure IN ('routes', 'kind', 'retracted')
GROUP BY 1, 2, 3, 4
UNION ALL
SELECT workflow_id, 'pending', '', '', count(*)
FROM predictions_pendingscore WHERE workflow_id = ANY(%(workflows)s) GROUP BY 1
"""


def flow_counts(workflows: Sequence[UUID]) -> list[Count]:
    """Count all routes, decisions and retractions ever, and the items that wait."""
    return [Count(*row) for row in _rows(_FLOW, workflows=list(workflows))]


class Latency(NamedTuple):
    """How many of the newest scores took at most each of `LATENCY_ENDS_MS`, or more."""

    workflow: UUID
    counts: list[int]
    total_ms: float


_LATENCY = """
SELECT w.id, width_bucket(p.latency_ms, %(ends)s::float8[]), count(*),
       sum(p.latency_ms)::float8
FROM unnest(%(workflows)s::uuid[]) AS w(id)
CROSS JOIN LATERAL (
    SELECT prediction_id FROM reviewqueue_route
    WHERE workflow_id = w.id AND routed_at >= %(since)s AND prediction_id IS NOT NULL
    ORDER BY routed_at DESC LIMIT %(most)s
) r
JOIN predictions_prediction p ON p.id = r.prediction_id
GROUP BY 1, 2
"""


def scoring_latencies(workflows: Sequence[UUID], *, now: datetime) -> list[Latency]:
    """Return how long scoring took in the last five minutes, for each workflow."""
    found = {pk: Latency(pk, [0] * (len(LATENCY_ENDS_MS) + 1), 0.0) for pk in workflows}
    rows = _rows(
        _LATENCY,
        workflows=list(workflows),
        ends=list(LATENCY_ENDS_MS),
        since=now - LATENCY_WINDOW,
        most=N_NEWEST,
    )
    for pk, bucket, n, total in rows:
        one = found[pk]
        one.counts[bucket] += n
        found[pk] = one._replace(total_ms=one.total_ms + total)
    return list(found.values())


class Failures(NamedTuple):
    """How often a version that scores now failed to answer a batch."""

    workflow: UUID
    number: int
    is_champion: bool
    n: int


_FAILURES = """
SELECT v.workflow_id, v.number, v.stage = %(champion)s,
       (SELECT count(*) FROM predictions_modelevent e
        WHERE e.model_version_id = v.id AND e.kind = %(failed)s)
FROM predictions_modelversion v
WHERE v.workflow_id = ANY(%(workflows)s) AND v.stage = ANY(%(stages)s)
ORDER BY v.workflow_id, v.number
"""


def model_failures(workflows: Sequence[UUID]) -> list[Failures]:
    """Count failed batches of each version that scores now."""
    rows = _rows(
        _FAILURES,
        workflows=list(workflows),
        champion=Stage.CHAMPION.value,
        failed=ModelEventKind.FAILED.value,
        stages=[stage.value for stage in SCORING_STAGES],
    )
    return [Failures(*row) for row in rows]


_FEW = """
SELECT workflow_id, 'runs', status, '', count(*) FROM lifecycle_trainingrun
WHERE workflow_id = ANY(%(workflows)s) GROUP BY 1, 3
UNION ALL
SELECT workflow_id, 'alerts', kind, status, count(*) FROM lifecycle_alert
WHERE workflow_id = ANY(%(workflows)s) AND status IN ('raised', 'acknowledged')
GROUP BY 1, 3, 4
UNION ALL
SELECT h.workflow_id, 'deliveries', d.status, '', count(*)
FROM reviewqueue_delivery d JOIN reviewqueue_webhook h ON h.id = d.webhook_id
WHERE d.status = ANY(%(deliveries)s) GROUP BY 1, 3
UNION ALL
SELECT a.workflow_id, 'mails', m.status, '', count(*)
FROM lifecycle_alertmail m
JOIN lifecycle_alertevent e ON e.id = m.event_id
JOIN lifecycle_alert a ON a.id = e.alert_id
WHERE m.status = ANY(%(mails)s) GROUP BY 1, 3
UNION ALL
SELECT s.workflow_id, 'segments', s.level::text, '', count(*)
FROM reviewqueue_segment s
JOIN predictions_modelversion v ON v.id = s.model_version_id AND v.stage = 'champion'
WHERE s.slicing = (SELECT max(slicing) FROM reviewqueue_segment
                   WHERE model_version_id = s.model_version_id AND field = s.field)
  AND s.slicing >= (SELECT max(slicing) FROM reviewqueue_segment
                    WHERE model_version_id = s.model_version_id AND field = '')
GROUP BY 1, 3
"""


def few_counts(workflows: Sequence[UUID]) -> list[Count]:
    """Count runs, open alerts, unsent deliveries and mails, and segments by level."""
    rows = _rows(
        _FEW,
        workflows=list(workflows),
        deliveries=[DeliveryStatus.WAITING.value, DeliveryStatus.GIVEN_UP.value],
        mails=[MailStatus.WAITING.value, MailStatus.GIVEN_UP.value],
    )
    return [Count(*row) for row in rows]


class Last(NamedTuple):
    """The newest reading of a monitor; `features` of drift alone."""

    workflow: UUID
    monitor: str
    kind: str
    verdict: str
    value: float | None
    n: int
    at: datetime
    features: list[dict[str, Any]]


_READINGS = """
SELECT w.id, m.key, r.kind, r.verdict, r.value, r.n, r.at, r.features
FROM unnest(%(workflows)s::uuid[]) AS w(id)
CROSS JOIN unnest(%(monitors)s::text[]) AS m(key)
CROSS JOIN LATERAL (
    SELECT kind, verdict, value, n, at,
           CASE WHEN monitor = 'drift_features' THEN data -> 'features' END AS features
    FROM lifecycle_reading
    WHERE workflow_id = w.id AND monitor = m.key
    ORDER BY at DESC LIMIT 1
) r
"""


def last_readings(workflows: Sequence[UUID], monitors: Sequence[str]) -> list[Last]:
    """Return the newest reading of each monitor of each workflow that has one."""
    rows = _rows(_READINGS, workflows=list(workflows), monitors=list(monitors))
    return [Last._make((*row[:-1], _read(row[-1]))) for row in rows]


def _read(told: str | None) -> list[dict[str, Any]]:
    return orjson.loads(told) if told else []


_ARRIVALS = """
SELECT w.id, (SELECT received_at FROM predictions_item
              WHERE workflow_id = w.id ORDER BY id DESC LIMIT 1)
FROM unnest(%(workflows)s::uuid[]) AS w(id)
"""


def last_arrivals(workflows: Sequence[UUID]) -> dict[UUID, datetime | None]:
    """Return when the newest item of each workflow came."""
    return dict(_rows(_ARRIVALS, workflows=list(workflows)))


def _rows(
    statement: str,
    **values: Any,  # noqa: ANN401 -- whatever the driver takes
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
