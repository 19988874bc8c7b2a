"""The labelled rows of a workflow as they stood at a moment."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from predictions.intake.values import parse_moment
from reviewqueue.enums import LabelSource
from reviewqueue.queries.settled import WRITERS


@dataclass(frozen=True, slots=True)
class SnapshotFilters:
    """Which labelled items are wanted; empty means all. Moments are of the label."""

    labelled_from: datetime | None = None
    labelled_to: datetime | None = None
    sources: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    only_blind: bool = False
    only_audit: bool = False
    unmasked: bool = False  # whether personal data can be read in it

    def to_json(self) -> dict[str, Any]:
        """Return JSON data that `from_json` reads."""
        data = asdict(self)
        for name in ("labelled_from", "labelled_to"):
            moment = data[name]
            data[name] = moment.isoformat() if moment else None
        if not self.unmasked:
            del data["unmasked"]  # as in those that were made before it was known
        data["sources"], data["labels"] = sorted(self.sources), sorted(self.labels)
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SnapshotFilters":
        """Read JSON data that `to_json` wrote."""
        return cls(
            labelled_from=parse_moment(data.get("labelled_from")),
            labelled_to=parse_moment(data.get("labelled_to")),
            sources=tuple(data.get("sources") or ()),
            labels=tuple(data.get("labels") or ()),
            only_blind=bool(data.get("only_blind")),
            only_audit=bool(data.get("only_audit")),
            unmasked=bool(data.get("unmasked")),
        )


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How many rows have a label from a source."""

    label: str
    source: str
    n: int


KNOWN_SOURCES = (LabelSource.DECISION, LabelSource.ADJUDICATION, LabelSource.OUTCOME)

# Whatever came after the moment does not exist here. The label in force is the highest
# version of that moment; the decision beside it is the one that made it, or the last
# one that was live then (a label from an outcome has no decision of its own). Each
# table is told where to begin: PostgreSQL carries no `>` over a join, and would read
# every table from its start for every list.
_LABELS = """
FROM (
    SELECT DISTINCT ON (item_id) *
    FROM reviewqueue_label
    WHERE workflow_id = %(workflow)s AND created_at <= %(as_of)s
      AND item_id > %(after)s
    ORDER BY item_id, version DESC
) l
JOIN reviewqueue_route r ON r.item_id = l.item_id AND r.routed_at <= %(as_of)s
     AND r.item_id > %(after)s
"""
_DETAILS = """
JOIN predictions_item i ON i.id = l.item_id AND i.id > %(after)s
JOIN reviewqueue_policy p ON p.id = r.policy_id
LEFT JOIN predictions_modelversion m ON m.id = r.model_version_id
"""
# The retraction is looked up one by one: as a join it is read whole for every row.
_DECISION = """
LEFT JOIN LATERAL (
    SELECT d.*, count(*) OVER () AS n_decisions
    FROM reviewqueue_decision d
    WHERE d.item_id = l.item_id AND d.decided_at <= %(as_of)s
      AND d.case_kind <> 'gold'
      AND COALESCE((SELECT t.at FROM reviewqueue_retraction t
                    WHERE t.decision_id = d.id), 'infinity') > %(as_of)s
    ORDER BY (d.id = l.decision_id) DESC NULLS LAST, d.decided_at DESC, d.id DESC
    LIMIT 1
) d ON true
"""
_WANTED = """
WHERE l.source <> 'retracted'
  AND (%(labelled_from)s::timestamptz IS NULL OR l.created_at >= %(labelled_from)s)
  AND (%(labelled_to)s::timestamptz IS NULL OR l.created_at < %(labelled_to)s)
  AND (%(sources)s::text[] = '{}' OR l.source = ANY(%(sources)s))
  AND (%(labels)s::text[] = '{}' OR l.label = ANY(%(labels)s))
  AND (NOT %(only_audit)s OR r.reason = 'audit')
"""
_BLIND = "  AND d.blind\n"
_COLUMNS = """
SELECT i.external_id, i.id, i.subject, i.occurred_at, i.received_at, {features},
       l.label, l.source, l.version, l.created_at,
       d.verdict, d.reason_code, r.label, m.number, r.score, r.probability,
       r.threshold, r.kind, r.reason, r.review_probability, p.version,
       d.blind, r.second_opinion, COALESCE(d.n_decisions, 0), u.pseudonym,
       d.claimed_at, d.opened_at, d.decided_at,
       l.fields, (SELECT f.values FROM predictions_predictedfields f
                  WHERE f.prediction_id = r.prediction_id), d.corrected
"""
# By slot: id and sha256. Neither ever changes, whatever becomes of the file.
_MEDIA = """, (
    SELECT jsonb_object_agg(im.slot, jsonb_build_array(f.id, f.sha256))::text
    FROM predictions_itemmedia im JOIN predictions_mediafile f ON f.id = im.media_id
    WHERE im.item_id = i.id
)
"""
_REVIEWER = "LEFT JOIN accounts_user u ON u.id = d.reviewer_id"
_ROUTED = """
SELECT reason, count(*) FROM reviewqueue_route
WHERE workflow_id = %s AND routed_at <= %s
GROUP BY 1 ORDER BY 1
"""
_OLDER_WRITERS = f"SELECT count(*) {WRITERS} AND xact_start <= %s"


def count_rows(
    workflow_pk: UUID, filters: SnapshotFilters, *, as_of: datetime
) -> list[LabelCount]:
    """Count the rows by label and source."""
    with connection.cursor() as cursor:
        cursor.execute(_count_sql(filters), _parameters(workflow_pk, filters, as_of))
        return [LabelCount(*row) for row in cursor.fetchall()]


def read_rows(
    workflow_pk: UUID,
    filters: SnapshotFilters,
    *,
    as_of: datetime,
    size: int,
    with_media: bool = False,
    features: str = "i.features",
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows in a total order (item id), in lists of at most `size`.

    `features` is SQL for the values of item `i`. With media, a last column holds them
    as JSON text: `{slot: [id, sha256]}` or None.

    What is read is append-only and bounded by the moment: every list is a query of its
    own and they still fit together. Features and fields come as JSON text.
    """
    columns = _COLUMNS.format(features=features)
    sql = _rows_sql(filters, columns + _MEDIA if with_media else columns)
    after = UUID(int=0)
    while True:
        parameters = _parameters(workflow_pk, filters, as_of)
        parameters |= {"after": after, "size": size}
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = rows[-1][1]


def count_routed(workflow_pk: UUID, *, as_of: datetime) -> dict[str, int]:
    """Count all items that were routed by a moment, by the reason of their route."""
    with connection.cursor() as cursor:
        cursor.execute(_ROUTED, [workflow_pk, as_of])
        return dict(cursor.fetchall())


def seconds_since(moment: datetime) -> float:
    """Return how long ago a moment was, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp() - %s)", [moment])
        return float(cursor.fetchone()[0])


def n_older_writers(as_of: datetime) -> int:
    """Count transactions that began before a moment and may still write rows of it."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDER_WRITERS, [as_of])
        return int(cursor.fetchone()[0])


def _rows_sql(filters: SnapshotFilters, columns: str) -> str:
    tables = _LABELS + _DETAILS + _DECISION + _REVIEWER
    return columns + tables + _wanted(filters) + "ORDER BY l.item_id LIMIT %(size)s"


def _count_sql(filters: SnapshotFilters) -> str:
    """Return the same rows' count; what no filter asks about is left out."""
    tables = _LABELS + (_DECISION if filters.only_blind else "")
    counted = "SELECT l.label, l.source, count(*)" + tables + _wanted(filters)
    return counted + "GROUP BY 1, 2 ORDER BY 1, 2"


def _wanted(filters: SnapshotFilters) -> str:
    return _WANTED + (_BLIND if filters.only_blind else "")


def _parameters(
    workflow_pk: UUID, filters: SnapshotFilters, as_of: datetime
) -> dict[str, Any]:
    return {
        "workflow": workflow_pk,
        "as_of": as_of,
        "after": UUID(int=0),
        "labelled_from": filters.labelled_from,
        "labelled_to": filters.labelled_to,
        "sources": list(filters.sources),
        "labels": list(filters.labels),
        "only_audit": filters.only_audit,
    }
