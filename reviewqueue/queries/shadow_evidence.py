"""What people found about items that a new champion had predicted in shadow."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

from predictions.enums import BESIDE, Stage
from predictions.models import ModelEvent, ModelVersion, Workflow
from reviewqueue.enums import MoveKind
from reviewqueue.models import Segment, TrustMove
from reviewqueue.queries.trust import value_sql
from reviewqueue.trust.bounds import Weighted

MAX_AGE: Final = timedelta(days=90)
MOST_REVIEWED: Final = 100_000  # the newest, among as many that were routed at most:
MOST_ROUTED: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """The moments of routing, `since` ≤ moment < `until`, whose items may count."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ShadowEvidence:
    """The reviewed items of one segment: (review probability, reviews, errors).

    Of the errors, `n_unresolved` are items without a label when their time was over.
    """

    rows: Sequence[tuple[float, int, int]] = field(default=())
    n_unresolved: int = 0

    @property
    def seen(self) -> Weighted:
        shares, reviews, errors = (
            zip(*self.rows, strict=True) if self.rows else [()] * 3
        )
        return Weighted.of(shares, reviews, errors)


# The draw of the other version's route decides who is in it, by a chance that is known;
# a prediction that came later than the route might know what people found. What was
# routed without a recommendation was judged blind, whatever was drawn. Each part is
# materialized for the plan: the few segments would otherwise be joined first.
_SHADOW = """
WITH latest AS MATERIALIZED (
    SELECT item_id, prediction_id, policy_id, review_probability, routed_at
    FROM (
        SELECT * FROM reviewqueue_route
        WHERE workflow_id = %(workflow)s
          AND routed_at >= %(since)s AND routed_at < %(until)s
        ORDER BY routed_at DESC, item_id DESC
        LIMIT %(most_routed)s
    ) newest
    WHERE kind = 'review' AND model_version_id IS DISTINCT FROM %(version)s
      AND (blind OR prediction_id IS NULL OR NOT %(is_blind)s)
    ORDER BY routed_at DESC, item_id DESC
    LIMIT %(most_reviewed)s
), drawn AS MATERIALIZED (
    SELECT p.label, p.probability, {value} AS value,
           r.review_probability * CASE
               WHEN %(is_blind)s AND r.prediction_id IS NOT NULL THEN y.blind_share
               ELSE 1 END AS share,
           l.label IS NULL AS is_unresolved,
           COALESCE(l.label, '') <> p.label OR (
               %(is_blind)s AND l.source = 'decision' AND EXISTS (
                   SELECT FROM reviewqueue_decision b
                   JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'
                   WHERE k.item_id = r.item_id AND b.blind
                     AND b.label <> '' AND b.label <> p.label
               )
           ) AS is_error
    FROM latest r
    JOIN predictions_prediction p ON p.item_id = r.item_id
        AND p.model_version_id = %(version)s AND p.created_at <= r.routed_at
    JOIN reviewqueue_policy y ON y.id = r.policy_id
    {items}
    LEFT JOIN LATERAL (
        SELECT NULLIF(v.label, '') AS label, v.source, v.decision_id
        FROM reviewqueue_label v WHERE v.item_id = r.item_id
        ORDER BY v.version DESC LIMIT 1
    ) l ON true
    {reviewers}
    WHERE {is_known}
)
SELECT s.id, w.share, count(*), count(*) FILTER (WHERE w.is_error),
       count(*) FILTER (WHERE w.is_unresolved)
FROM drawn w
JOIN reviewqueue_segment s ON s.id = ANY(%(segments)s) AND s.label = w.label
    AND w.probability >= s.low AND (w.probability < s.high OR s.high = 1)
    AND s.value = CASE WHEN (w.label, w.value) IN (
        SELECT o.label, o.value FROM reviewqueue_segment o
        WHERE o.id = ANY(%(segments)s)
    ) THEN w.value ELSE '' END
GROUP BY s.id, w.share
ORDER BY s.id, w.share
"""
# What is rarely needed is not read: each costs a look-up for every item.
_REVIEWERS = "LEFT JOIN reviewqueue_decision d ON d.id = l.decision_id"
_IS_KNOWN = "(d.reviewer_id IS NULL OR d.reviewer_id <> ALL(%(excluded)s))"
_ITEMS = "JOIN predictions_item i ON i.id = r.item_id"


def shadow_evidence_of(
    segments: Collection[Segment],
    *,
    window: Window,
    is_blind: bool,
    excluded_reviewers: Collection[UUID] = (),
) -> dict[UUID, ShadowEvidence]:
    """Read shadow evidence by segment, for all segments of one slicing of a version.

    An item belongs to the segment in which the version's own prediction falls. With
    `is_blind` only items drawn to be blind count, their chance multiplied by the
    policy's blind share. Decisions of `excluded_reviewers` are left out altogether.
    Of a long history only the newest items count.
    """
    found: dict[UUID, list[tuple[float, int, int]]] = {one.pk: [] for one in segments}
    if not found:
        return {}
    n_unresolved = dict.fromkeys(found, 0)
    first = next(iter(segments))
    statement = _SHADOW.format(
        value=value_sql(first.feature, first.workflow.declaration)
        if first.feature
        else "''",
        items=_ITEMS if first.feature else "",
        reviewers=_REVIEWERS if excluded_reviewers else "",
        is_known=_IS_KNOWN if excluded_reviewers else "true",
    )
    values: dict[str, Any] = {
        "version": first.model_version_id,
        "workflow": first.workflow_id,
        "segments": list(found),
        "feature": first.feature,
        "since": window.since,
        "until": window.until,
        "most_routed": MOST_ROUTED,
        "most_reviewed": MOST_REVIEWED,
        "is_blind": is_blind,
        "excluded": list(excluded_reviewers),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        for pk, share, n, n_errors, n_open in cursor.fetchall():
            found[pk].append((share, int(n), int(n_errors)))
            n_unresolved[pk] += int(n_open)
    return {pk: ShadowEvidence(rows, n_unresolved[pk]) for pk, rows in found.items()}


def shadow_window(workflow: Workflow, *, cut_at: datetime, now: datetime) -> Window:
    """Return when items were routed that may count for segments cut at a moment.

    At most 90 days before, and not before the last withdrawal; the deadline of each
    is over, so that who has looked at it by now does not matter.
    """
    since = cut_at - MAX_AGE
    withdrawals = TrustMove.objects.filter(
        workflow=workflow, kind=MoveKind.WITHDRAW, at__lte=cut_at
    )
    last = withdrawals.order_by("-id").values_list("at", flat=True).first()
    minutes = workflow.declaration.queue.sla_minutes
    return Window(max(since, last or since), now - timedelta(minutes=minutes))


def has_run_in_shadow(version: ModelVersion) -> bool:
    """Say whether a version has ever scored beside a champion."""
    events = ModelEvent.objects.filter(model_version=version, to_stage__in=BESIDE)
    return events.exists()


def n_tried(version: ModelVersion) -> int:
    """Count the versions of which a champion was chosen, itself among them.

    Those that scored beside the former champion, at any time since that took its place.
    """
    champions = ModelEvent.objects.filter(
        model_version__workflow_id=version.workflow_id, to_stage=Stage.CHAMPION
    )
    own = champions.filter(model_version=version).order_by("id").first()
    if own is None:
        return 1
    before = champions.filter(id__lt=own.pk).order_by("-id").first()
    tried = ModelVersion.objects.filter(
        workflow_id=version.workflow_id,
        events__to_stage__in=BESIDE,
        events__id__lt=own.pk,
    )
    if before is not None:
        still = Q(stage__in=BESIDE) | Q(stage_changed_at__gte=before.at)
        tried = tried.filter(still).exclude(pk=before.model_version_id)
    return max(tried.distinct().count(), 1)
