"""The recorded history of a champion's segments, for a replay on other terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from predictions.models import Workflow
from reviewqueue.models import Segment
from reviewqueue.trust.what_if import NEVER, Recorded, Replayed

# What is replayed at most: a page waits for it.
MAX_REVIEWED: Final = 100_000
MAX_ROUTED: Final = 1_000_000
MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class History:
    """What is known of segments from `since` to `until`, by their ids.

    `is_capped`: there is more before `since` than is replayed. `n_waiting` items were
    sent to people and are not resolved.
    """

    since: datetime
    until: datetime
    is_capped: bool
    n_waiting: int
    recorded: dict[UUID, Recorded]


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when to when a segment would have stood at a review probability."""

    segment_id: UUID
    since: datetime
    until: datetime
    share: float


@dataclass(frozen=True, slots=True)
class Counted:
    """A day (UTC) of a segment: items routed, sent to people, and what if.

    Of the `n_seen` that people would have been sent, `n_unknown` were not in reality.
    """

    segment_id: UUID
    day: date
    n_routed: int
    n_reviewed: int
    n_seen: int
    n_unknown: int


@dataclass(frozen=True, slots=True)
class Truth:
    """Items of a segment that passed without people and whose truth is known.

    `n` and `n_wrong` in reality; `n_passing` and `n_passing_wrong` of them would have
    passed as well.
    """

    n: int = 0
    n_wrong: int = 0
    n_passing: int = 0
    n_passing_wrong: int = 0


def microseconds(at: datetime) -> int:
    """Return a moment as whole microseconds since 1970."""
    return (at - _EPOCH) // MICROSECOND


def moment(at: int) -> datetime:
    """Return the moment so many microseconds after 1970."""
    return _EPOCH + at * MICROSECOND


_CAP = """
SELECT routed_at FROM reviewqueue_route
WHERE workflow_id = %(workflow)s AND routed_at >= %(since)s AND routed_at < %(until)s
ORDER BY routed_at DESC OFFSET %(max_routed)s LIMIT 1
"""
# An item counts from when on it was known as it is known today. Open it is until its
# first label, or until it is due. What is recommended in a segment is its label.
_FIRST_AT = """CASE
WHEN o.is_error IS NULL THEN NULL WHEN o.label_version = 1 THEN o.labelled_at
ELSE (SELECT v.created_at FROM reviewqueue_label v
      WHERE v.item_id = o.item_id AND v.version = 1) END
"""
# What was said blind before a version of the label counts with it: `_LABEL` in
# `models/observing.py`, at the moment of each version.
_KNOWN_AT = """CASE
WHEN o.is_error IS NULL THEN NULL WHEN o.label_version = 1 THEN o.labelled_at
ELSE (SELECT min(w.created_at) FROM reviewqueue_label w
      WHERE w.item_id = o.item_id AND w.version > COALESCE((
          SELECT max(v.version) FROM reviewqueue_label v
          WHERE v.item_id = o.item_id
            AND (NULLIF(v.label, '') <> s.label OR (
                v.label <> '' AND v.source = 'decision' AND o.is_blind AND EXISTS (
                    SELECT FROM reviewqueue_decision b
                    WHERE b.case_id = o.case_id AND b.blind
                      AND b.label NOT IN ('', s.label) AND b.decided_at <= v.created_at
                )
            )) IS DISTINCT FROM o.is_error), 0)
) END
"""
# A column at a time, as PostgreSQL has it in memory: rows of Python's numbers and
# dates take a second longer. What has not happened is infinitely late.
_REVIEWED = f"""
SELECT string_agg(int4send(o.segment), ''), string_agg(timestamptz_send(o.begun), ''),
       string_agg(timestamptz_send(o.open_until), ''),
       string_agg(timestamptz_send(o.resolved), ''),
       string_agg(timestamptz_send(o.routed_at), ''),
       string_agg(float8send(o.draw), ''),
       string_agg(boolsend(o.wrong), ''), string_agg(boolsend(o.is_blind), ''),
       string_agg(uuid_send(o.item_id), '')
FROM (
    SELECT array_position(%(segments)s::uuid[], o.segment_id) - 1 AS segment,
           COALESCE(LEAST(o.claimed_at, o.first_at), 'infinity') AS begun,
           LEAST(o.first_at, o.due_at) AS open_until,
           COALESCE(o.known_at, 'infinity') AS resolved, o.routed_at, o.draw,
           COALESCE(o.is_error, false) AS wrong, o.is_blind, o.item_id
    FROM (
        SELECT o.*, {_FIRST_AT} AS first_at, {_KNOWN_AT} AS known_at
        FROM (
            SELECT * FROM reviewqueue_observation
            WHERE segment_id = ANY(%(segments)s) AND routed_at >= %(since)s
              AND routed_at < %(until)s
            ORDER BY routed_at DESC LIMIT %(limit)s
        ) o
        JOIN reviewqueue_segment s ON s.id = o.segment_id
        OFFSET 0
    ) o
) o
"""  # noqa: S608 -- our own text


def history_of(
    workflow: Workflow, segments: Sequence[Segment], *, now: datetime
) -> History:
    """Read what people found in segments since they were cut, in the order begun.

    Reads the newest 100,000 items that people were sent, among the newest 1,000,000
    items of the workflow; a history that is longer says so.
    """
    values: dict[str, Any] = {
        "workflow": workflow.pk,
        "segments": [one.pk for one in segments],
        "since": min(one.created_at for one in segments),
        "until": now,
        "max_routed": MAX_ROUTED,
        "limit": MAX_REVIEWED + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CAP, values)
        beyond = cursor.fetchone()
        if beyond is not None:
            values["since"] = beyond[0] + MICROSECOND
        cursor.execute(_REVIEWED, values)
        table = _table(*(column or b"" for column in cursor.fetchone()))
    since, is_capped = values["since"], beyond is not None
    if table.size > MAX_REVIEWED:
        # All of the oldest moment go: some of it may lie beyond.
        since = moment(int(table["routed_at"].min()) + 1)
        is_capped = True
    table = table[table["routed_at"] >= microseconds(since)]
    return History(
        since=since,
        until=now,
        is_capped=is_capped,
        n_waiting=int((table["resolved_at"] == NEVER).sum()),
        recorded=_by_segment(table, values["segments"]),
    )


_MOMENTS: Final = ("begun_at", "open_until", "resolved_at", "routed_at")
_COLUMNS = np.dtype(
    [
        ("segment", np.int64),
        *((name, np.int64) for name in _MOMENTS),
        ("draw", np.float64),
        ("is_error", np.bool_),
        ("is_blind", np.bool_),
    ]
)
_SENT: Final = (">i4", *(">i8" for _ in _MOMENTS), ">f8", "?", "?")
_INFINITY: Final = 2**63 - 1
_EPOCH_OF_SENT = datetime(2000, 1, 1, tzinfo=UTC)


def _table(*sent: bytes) -> NDArray[np.void]:
    """Put columns together, in the order begun; the last are the items' ids."""
    *columns, items = sent
    high, low = np.frombuffer(items, dtype=">u8").reshape(-1, 2).T
    table = np.empty(high.size, dtype=_COLUMNS)
    for name, column, kind in zip(_COLUMNS.names or (), columns, _SENT, strict=True):
        table[name] = np.frombuffer(column, dtype=kind)
    for name in _MOMENTS:
        is_never = table[name] == _INFINITY
        table[name] += microseconds(_EPOCH_OF_SENT)
        table[name][is_never] = NEVER
    return table[np.lexsort((low, high, table["begun_at"]))]


def _by_segment(
    table: NDArray[np.void], segment_ids: Sequence[UUID]
) -> dict[UUID, Recorded]:
    """Sort what people began; a case that nobody opened says nothing."""
    begun = table[table["begun_at"] < NEVER]
    found = {}
    for at, pk in enumerate(segment_ids):
        own = begun[begun["segment"] == at]
        columns = (own[name] for name in _COLUMNS.names or () if name != "segment")
        found[pk] = Recorded(*columns)
    return found


def stretches_of(
    replayed: Replayed, *, segment_id: UUID, since: datetime, until: datetime
) -> list[Stretch]:
    """Return the review probabilities of a replay, one after the other."""
    begins = [since, *(moment(one.at) for one in replayed.moves)]
    levels = [0, *(one.to_level for one in replayed.moves)]
    ends = [*begins[1:], until]
    return [
        Stretch(segment_id, begin, end, replayed.ladder[level])
        for begin, end, level in zip(begins, ends, levels, strict=True)
    ]


_STRETCHES = """
unnest(%(segments)s::uuid[], %(since)s::timestamptz[], %(until)s::timestamptz[],
       %(shares)s::float8[]) s(segment_id, since, until, share)
"""
# For each day of a stretch a range of an index: to group a million rows takes longer.
_COUNTED = f"""
SELECT s.segment_id, (d.day AT TIME ZONE 'UTC')::date, sum(c.n)::bigint,
       sum(c.n_review)::bigint, sum(c.n_seen)::bigint, sum(c.n_unknown)::bigint
FROM {_STRETCHES}
CROSS JOIN LATERAL generate_series(
    date_trunc('day', s.since, 'UTC'), s.until, interval '24 hours') d(day)
CROSS JOIN LATERAL (
    SELECT count(*) AS n, count(*) FILTER (WHERE r.kind = 'review') AS n_review,
           count(*) FILTER (WHERE r.draw < s.share) AS n_seen,
           count(*) FILTER (WHERE r.draw < s.share AND r.kind = 'auto') AS n_unknown
    FROM reviewqueue_route r
    WHERE r.segment_id = s.segment_id
      AND r.routed_at >= GREATEST(s.since, d.day)
      AND r.routed_at < LEAST(s.until, d.day + interval '24 hours')
) c
WHERE c.n > 0
GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 -- our own text
# Late truth, and what people found when items were put back.
_TRUTH = f"""
SELECT s.segment_id, count(*), count(*) FILTER (WHERE l.label <> r.label),
       count(*) FILTER (WHERE r.draw >= s.share),
       count(*) FILTER (WHERE r.draw >= s.share AND l.label <> r.label)
FROM (
    SELECT l.item_id, l.label FROM reviewqueue_label l
    WHERE l.workflow_id = %(workflow)s AND l.created_at >= %(first)s AND l.label <> ''
      AND NOT EXISTS (SELECT 1 FROM reviewqueue_observation o
                      WHERE o.item_id = l.item_id)
      AND NOT EXISTS (SELECT 1 FROM reviewqueue_label later
                      WHERE later.item_id = l.item_id AND later.version > l.version)
    OFFSET 0  -- labels first: they are few where routes are many
) l
JOIN reviewqueue_route r ON r.item_id = l.item_id AND r.kind = 'auto'
JOIN {_STRETCHES} ON r.segment_id = s.segment_id
    AND r.routed_at >= s.since AND r.routed_at < s.until
GROUP BY 1
"""  # noqa: S608 -- our own text


def counted_under(stretches: Sequence[Stretch]) -> list[Counted]:
    """Count what was routed, and who would have seen it, by segment and day."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, _arrays(stretches))
        return [Counted(*row) for row in cursor.fetchall()]


def truth_under(
    workflow: Workflow, stretches: Sequence[Stretch], *, since: datetime
) -> dict[UUID, Truth]:
    """Return what became known of the items that passed without people."""
    values = {**_arrays(stretches), "workflow": workflow.pk, "first": since}
    with connection.cursor() as cursor:
        cursor.execute(_TRUTH, values)
        return {row[0]: Truth(*row[1:]) for row in cursor.fetchall()}


def _arrays(stretches: Sequence[Stretch]) -> dict[str, Any]:
    return {
        "segments": [one.segment_id for one in stretches],
        "since": [one.since for one in stretches],
        "until": [one.until for one in stretches],
        "shares": [one.share for one in stretches],
    }
