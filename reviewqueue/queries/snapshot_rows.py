"""The labelled rows of a workflow as they stood at a moment."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from predictions.intake.values import parse_moment
from reviewqueue.enums import LabelSource


@dataclass(frozen=True, slots=True)
class SnapshotFilters:
    """Which labelled items are wanted; empty means all. Moments are of the label."""

    labelled_from: datetime | None = None
    labelled_to: datetime | None = None
    sources: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    only_blind: bool = False
    only_audit: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return JSON data that `from_json` reads."""
        data = asdict(self)
        for name in ("labelled_from", "labelled_to"):
            moment = data[name]
            data[name] = moment.isoformat() if moment else None
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
# one that was live then (a label from an outcome has no decision of its own).
_FROM = """
FROM (
    SELECT DISTINCT ON (item_id) *
    FROM reviewqueue_label
    WHERE workflow_id = %(workflow)s AND created_at <= %(as_of)s
      AND item_id > %(after)s
    ORDER BY item_id, version DESC
) l
JOIN predictions_item i ON i.id = l.item_id
JOIN reviewqueue_route r ON r.item_id = l.item_id
JOIN reviewqueue_policy p ON p.id = r.policy_id
LEFT JOIN predictions_modelversion m ON m.id = r.model_version_id
LEFT JOIN LATERAL (
    SELECT d.*, count(*) OVER () AS n_decisions
    FROM reviewqueue_decision d
    WHERE d.item_id = l.item_id AND d.decided_at <= %(as_of)s
      AND NOT EXISTS (SELECT 1 FROM reviewqueue_retraction t
                      WHERE t.decision_id = d.id AND t.at <= %(as_of)s)
    ORDER BY (d.id = l.decision_id) DESC NULLS LAST, d.decided_at DESC, d.id DESC
    LIMIT 1
) d ON true
LEFT JOIN accounts_user u ON u.id = d.reviewer_id
WHERE l.source <> 'retracted'
  AND (%(labelled_from)s::timestamptz IS NULL OR l.created_at >= %(labelled_from)s)
  AND (%(labelled_to)s::timestamptz IS NULL OR l.created_at < %(labelled_to)s)
  AND (%(sources)s::text[] = '{}' OR l.source = ANY(%(sources)s))
  AND (%(labels)s::text[] = '{}' OR l.label = ANY(%(labels)s))
  AND (NOT %(only_blind)s OR d.blind)
  AND (NOT %(only_audit)s OR r.reason = 'audit')
"""
_ROWS = (
    """
SELECT i.external_id, i.id, i.subject, i.occurred_at, i.received_at, i.features,
       l.label, l.source, l.version, l.created_at,
       d.verdict, d.reason_code, r.label, m.number, r.score, r.probability,
       r.threshold, r.kind, r.reason, r.review_probability, p.version,
       d.blind, r.second_opinion, COALESCE(d.n_decisions, 0), u.pseudonym,
       d.claimed_at, d.opened_at, d.decided_at
"""
    + _FROM
    + "ORDER BY l.item_id LIMIT %(size)s"
)
_COUNT = "SELECT l.label, l.source, count(*) " + _FROM + "GROUP BY 1, 2 ORDER BY 1, 2"
_OLDER_WRITERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_xid IS NOT NULL AND xact_start <= %s
"""


def count_rows(
    workflow_pk: UUID, filters: SnapshotFilters, *, as_of: datetime
) -> list[LabelCount]:
    """Count the rows by label and source."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _parameters(workflow_pk, filters, as_of))
        return [LabelCount(*row) for row in cursor.fetchall()]


def read_rows(
    workflow_pk: UUID, filters: SnapshotFilters, *, as_of: datetime, size: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows in a total order (item id), in lists of at most `size`.

    What is read is append-only and bounded by the moment: every list is a query of its
    own and they still fit together. `features` come as JSON text.
    """
    after = UUID(int=0)
    while True:
        parameters = _parameters(workflow_pk, filters, as_of)
        parameters |= {"after": after, "size": size}
        with connection.cursor() as cursor:
            cursor.execute(_ROWS, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = rows[-1][1]


def n_older_writers(as_of: datetime) -> int:
    """Count transactions that began before a moment and may still write rows of it."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDER_WRITERS, [as_of])
        return int(cursor.fetchone()[0])


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
        "only_blind": filters.only_blind,
        "only_audit": filters.only_audit,
    }
