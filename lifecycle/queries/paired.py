"""What two versions said of the same items that people were sent, and what was true."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from django.db import connection

from predictions.declaration_life import Slice
from predictions.enums import BESIDE
from predictions.models import ModelEvent, ModelVersion
from predictions.queries.measured import features_sql
from predictions.queries.model_versions import champion_of
from reviewqueue.enums import EvidenceKind
from reviewqueue.queries.gold import reviewers_below_floor
from reviewqueue.queries.trust import plan_in_force

# The oldest: what is held against a bound at every look must only ever grow.
MOST_REVIEWED: Final = 200_000
MOST_LISTED: Final = 3_000

type Truth = Literal["outcome", "adjudication", "blind", "shown", "open"]


class Pair(NamedTuple):
    """`n` items alike: what each said, the truth (empty: none yet) and who said it.

    `share` is the chance with which they were drawn; `met` the version whose
    recommendation was met; `slices` has a 1 for each declared slice that they are in.
    """

    day: date
    champion: str
    challenger: str
    truth: str
    kind: Truth
    share: float
    met: UUID | None
    slices: str
    n: int


@dataclass(frozen=True, slots=True)
class Basis:
    """Which items are compared: routed `since` ≤ moment < `until`.

    With `is_blind` only what was drawn to be judged blind; decisions of `excluded`
    reviewers are left out altogether.
    """

    champion: ModelVersion
    challenger: ModelVersion
    since: datetime
    until: datetime
    is_blind: bool
    excluded: frozenset[UUID]


def basis_of(challenger: ModelVersion, *, now: datetime) -> Basis | None:
    """Return what a version is compared on; None unless it runs beside a champion.

    It begins when the second of the two began, and ends where the time to review is
    over: who has looked at an item by then does not matter.
    """
    champion = champion_of(challenger.workflow)
    if challenger.stage not in BESIDE or champion is None:
        return None
    workflow = challenger.workflow
    plan = plan_in_force(workflow)
    minutes = workflow.declaration.queue.sla_minutes
    return Basis(
        champion=champion,
        challenger=challenger,
        since=max(champion.stage_changed_at, _beside_since(challenger)),
        until=now - timedelta(minutes=minutes),
        is_blind=plan.evidence == EvidenceKind.BLIND,
        excluded=frozenset(reviewers_below_floor(workflow, plan)),
    )


def _beside_since(version: ModelVersion) -> datetime:
    began = ModelEvent.objects.filter(
        model_version=version, to_stage__in=BESIDE
    ).exclude(from_stage__in=BESIDE)
    at = began.order_by("-id").values_list("at", flat=True).first()
    return at or version.stage_changed_at


# Whatever was drawn by a known chance counts, whoever recommended. A prediction that
# came later than the route might know what people found. Who judged blind sees the
# recommendation then: the first label counts, unless adjudication or late truth says
# otherwise.
_PAIRS = """
WITH drawn AS MATERIALIZED (
    SELECT r.item_id, r.model_version_id, r.blind, r.routed_at,
           r.review_probability
               * CASE WHEN %(is_blind)s THEN y.blind_share ELSE 1 END AS share
    FROM reviewqueue_route r JOIN reviewqueue_policy y ON y.id = r.policy_id
    WHERE r.workflow_id = %(workflow)s AND r.kind = 'review'
      AND r.routed_at >= %(since)s AND r.routed_at < %(until)s
      AND (r.blind OR NOT %(is_blind)s)
    ORDER BY {order}
    LIMIT %(most)s
), known AS (
    SELECT r.item_id, (r.routed_at AT TIME ZONE 'UTC')::date AS day,
           p.label AS champion, q.label AS challenger,
           COALESCE(f.label, l.label, '') AS truth,
           CASE WHEN l.label IS NULL THEN 'open'
                WHEN l.source IN ('outcome', 'adjudication') THEN l.source
                WHEN r.blind THEN 'blind' ELSE 'shown' END AS kind,
           r.share, r.model_version_id AS met, {slices} AS slices
    FROM drawn r
    JOIN predictions_prediction p ON p.item_id = r.item_id
        AND p.model_version_id = %(champion)s AND p.created_at <= r.routed_at
    JOIN predictions_prediction q ON q.item_id = r.item_id
        AND q.model_version_id = %(challenger)s AND q.created_at <= r.routed_at
    {items}
    LEFT JOIN LATERAL (
        SELECT NULLIF(v.label, '') AS label, v.source, v.decision_id
        FROM reviewqueue_label v WHERE v.item_id = r.item_id
        ORDER BY v.version DESC LIMIT 1
    ) l ON true
    LEFT JOIN LATERAL (
        SELECT b.label FROM reviewqueue_decision b
        WHERE r.blind AND l.source = 'decision' AND b.item_id = r.item_id
          AND b.case_kind = 'review' AND b.blind AND b.label <> ''
        ORDER BY b.id LIMIT 1
    ) f ON l.label IS NOT NULL
    {reviewers}
)
"""
_COUNTED = """
SELECT day, champion, challenger, truth, kind, share, met, slices, count(*)
FROM known GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
"""
_APART = """
SELECT item_id, champion, challenger, truth, kind, met
FROM known WHERE champion <> challenger ORDER BY item_id DESC LIMIT %(limit)s
"""
_OLDEST = "r.routed_at, r.item_id"
_NEWEST = "r.routed_at DESC, r.item_id DESC"
_ITEMS = "JOIN predictions_item i ON i.id = r.item_id"
_REVIEWERS = """
LEFT JOIN reviewqueue_decision d ON d.id = l.decision_id
WHERE d.reviewer_id IS NULL OR d.reviewer_id <> ALL(%(excluded)s)
"""


def pairs_of(basis: Basis, slices: Sequence[Slice]) -> list[Pair]:
    """Count the items of a basis by all that matters, at most the oldest 200,000."""
    statement, values = _statement(basis, slices, order=_OLDEST)
    with connection.cursor() as cursor:
        cursor.execute(statement + _COUNTED, values)
        return [Pair(*row) for row in cursor.fetchall()]


class Apart(NamedTuple):
    """An item of which the two said different things."""

    item_id: UUID
    champion: str
    challenger: str
    truth: str
    kind: Truth
    met: UUID | None


def told_apart(basis: Basis, *, limit: int) -> list[Apart]:
    """Return items of which the two said different things, among the newest 3,000."""
    statement, values = _statement(basis, (), order=_NEWEST)
    values |= {"limit": limit, "most": MOST_LISTED}
    with connection.cursor() as cursor:
        cursor.execute(statement + _APART, values)
        return [Apart(*row) for row in cursor.fetchall()]


def _statement(
    basis: Basis, slices: Collection[Slice], *, order: str
) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {
        "workflow": basis.champion.workflow_id,
        "champion": basis.champion.pk,
        "challenger": basis.challenger.pk,
        "since": basis.since,
        "until": basis.until,
        "is_blind": basis.is_blind,
        "excluded": list(basis.excluded),
        "most": MOST_REVIEWED,
    }
    features = features_sql(basis.champion.workflow.declaration)
    within = []
    for at, one in enumerate(slices):
        within.append(_is_in(one, at, features))
        values |= {
            f"feature_{at}": one.feature,
            f"values_{at}": [str(value) for value in one.values],
            f"minimum_{at}": one.minimum,
            f"maximum_{at}": one.maximum,
        }
    # What is rarely needed is not read: each costs a look-up for every item.
    statement = _PAIRS.format(
        order=order,
        slices=" || ".join(within) or "''",
        items=_ITEMS if within else "",
        reviewers=_REVIEWERS if basis.excluded else "",
    )
    return statement, values


def _is_in(one: Slice, at: int, features: str) -> str:
    """Return SQL that says 1 for an item in the slice, else 0."""
    feature = f"{features} -> %(feature_{at})s::text"
    if one.values:
        inside = f"{features} ->> %(feature_{at})s::text = ANY(%(values_{at})s::text[])"
    else:
        value = f"({feature})::float8"
        inside = (
            f"CASE WHEN jsonb_typeof({feature}) = 'number' THEN"
            f" {value} >= COALESCE(%(minimum_{at})s::float8, '-infinity')"
            f" AND {value} < COALESCE(%(maximum_{at})s::float8, 'infinity') END"
        )
    return f"CASE WHEN {inside} THEN '1' ELSE '0' END"
