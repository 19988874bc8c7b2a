"""How much of a workflow the model has earned: what the trust page and API show."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from predictions.models import Workflow
from reviewqueue.enums import RouteKind
from reviewqueue.models import TrustMove
from reviewqueue.queries.rates import Proportion, proportion
from reviewqueue.queries.tallies import Days, by_period, sums
from reviewqueue.trust.parts import Together

RECENT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was routed in a segment over the last seven days."""

    n: int = 0
    n_auto: int = 0


_TRAFFIC = """
SELECT segment_id, count(*), count(*) FILTER (WHERE kind = 'auto')
FROM reviewqueue_route
WHERE segment_id = ANY(%s) AND routed_at >= %s AND routed_at < %s
GROUP BY segment_id
"""


def traffic_of(segment_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, Traffic]:
    """Count what was routed in segments over the last seven days."""
    found = {pk: Traffic() for pk in segment_ids}
    with connection.cursor() as cursor:
        cursor.execute(_TRAFFIC, [list(segment_ids), now - RECENT, now])
        for pk, n, n_auto in cursor.fetchall():
            found[pk] = Traffic(n, n_auto)
    return found


_TOGETHER = """
SELECT parts, count(*), count(*) FILTER (WHERE kind = 'auto')
FROM reviewqueue_route
WHERE workflow_id = %s AND routed_at >= %s AND routed_at < %s AND parts && %s
GROUP BY parts
"""


def together_of(
    workflow: Workflow, segment_ids: Sequence[UUID], *, now: datetime
) -> list[Together[UUID]]:
    """Count the items of the last seven days by the segments of all their parts."""
    values = [workflow.pk, now - RECENT, now, list(segment_ids)]
    with connection.cursor() as cursor:
        cursor.execute(_TOGETHER, values)
        return [Together(tuple(parts), n, auto) for parts, n, auto in cursor.fetchall()]


def traffic_in(
    groups: Sequence[Together[UUID]], segment_ids: Sequence[UUID]
) -> dict[UUID, Traffic]:
    """Return the same for each segment: an item counts in those of all its parts."""
    n: Counter[UUID] = Counter()
    n_auto: Counter[UUID] = Counter()
    for group in groups:
        for one in group.segments:
            n[one] += group.n
            n_auto[one] += group.n_auto
    return {pk: Traffic(n[pk], n_auto[pk]) for pk in segment_ids}


def moves_of(workflow: Workflow) -> QuerySet[TrustMove]:
    """Return the grants and withdrawals of a workflow, newest first."""
    moves = TrustMove.objects.filter(workflow=workflow)
    return moves.select_related("segment", "by", "plan").order_by("-id")


@dataclass(frozen=True, slots=True)
class SeenShare:
    """The share of items that people were sent over a period."""

    days: Days
    share: Proportion


def seen_shares(workflow: Workflow, days: Days, *, length: int) -> list[SeenShare]:
    """Return the share of items sent to people by periods of so many days."""
    periods = days.periods(length)
    found = by_period(sums(workflow.pk, days), "routes", periods)
    shares = []
    for period in periods:
        kinds = found.get(period)
        n_review = kinds[RouteKind.REVIEW] if kinds else 0
        shares.append(
            SeenShare(period, proportion(n_review, kinds.total() if kinds else 0))
        )
    return shares


@dataclass(frozen=True, slots=True)
class LetThrough:
    """What the present levels pass without people, by the last seven days' items.

    `at_most` bounds the errors among them in a week: it holds for all segments at
    once, as their bounds do.
    """

    n: int
    n_auto: int
    at_most: float

    @property
    def per_thousand(self) -> float | None:
        return 1000 * self.at_most / self.n if self.n else None


def let_through(entries: Sequence[tuple[Traffic, float]]) -> LetThrough:
    """Add up segments of labels: traffic, and errors let through at most."""
    return LetThrough(
        n=sum(traffic.n for traffic, _ in entries),
        n_auto=sum(traffic.n_auto for traffic, _ in entries),
        at_most=sum(at_most for _, at_most in entries),
    )
