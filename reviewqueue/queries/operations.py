"""How the work flows: backlog, speed, scoring, quarantine, review rate, late truth.

What adds up over days comes from the counts that the database keeps; what waits now and
how long things took is read from the rows, within bounds that hold at any size.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import QuerySet

from accounts.sites import ALL_SITES, Sites, as_array, within_sites
from predictions.enums import ModelEventKind, QuarantineStatus
from predictions.models import ModelEvent, PendingScore, QuarantinedItem, Workflow
from reviewqueue.enums import (
    CLAIMABLE_STATUSES,
    CaseKind,
    CaseStatus,
    RetractionKind,
    RouteKind,
    RouteReason,
)
from reviewqueue.models import Case
from reviewqueue.queries import tallies
from reviewqueue.queries.lists import DUE_SOON, FAILURES
from reviewqueue.queries.rates import Proportion, proportion
from reviewqueue.queries.tallies import Days, by_period, grouped

MAX_COUNTED = 100_000  # counts of rows stop here: the page is fast with any backlog
N_NEWEST = 5_000  # percentiles are over the newest so many


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Over the newest `n` of the window, 5,000 at most; None without any."""

    n: int
    p50: float | None
    p90: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is open now; counts stop at 100,000."""

    n_waiting: int
    n_held: int
    n_snoozed: int
    n_overdue: int
    n_due_soon: int
    oldest_at: datetime | None
    n_unscored: int
    oldest_unscored_at: datetime | None
    n_quarantined: int


@dataclass(frozen=True, slots=True)
class Period:
    """Routes and decisions from the first day to the last, both in it (UTC)."""

    first: date
    last: date
    n_routed: int
    n_audit: int
    review_rate: Proportion
    n_decided: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What was said about items, held against late truth.

    `false_positive_rate` is of the items that were not positive, `recall` of those
    that were; `precision` of the items said to be positive.
    """

    accuracy: Proportion
    false_positive_rate: Proportion
    recall: Proportion
    precision: Proportion


@dataclass(frozen=True, slots=True)
class LateTruth:
    """Recommendations, and what was done in the end, against outcomes that came."""

    recommended: Truth
    done: Truth
    by_model: dict[str, Truth]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why items went where they went."""

    reason: str
    kind: str
    share: Proportion


@dataclass(frozen=True, slots=True)
class Operations:
    backlog: Backlog
    n_decided: int
    n_undone: int
    n_amended: int
    sla_kept: Proportion
    seconds_per_decision: Percentiles
    seconds_to_route: Percentiles
    scoring_ms: Percentiles
    scoring_failed: Proportion
    n_failed_batches: int | None
    quarantine: Proportion
    review_rate: Proportion
    reasons: list[Reason]
    over_time: list[Period]
    late_truth: LateTruth


def operations_of(
    workflow: Workflow,
    found: list[tallies.Sum],
    *,
    days: Days,
    periods: list[Days],
    now: datetime,
    sites: Sites = ALL_SITES,
) -> Operations:
    """Return how the work flowed over a window, and what waits now.

    `found` are the sums of the window over everything, of the same `sites`.
    """
    window = {
        "workflow": workflow.pk,
        "since": days.since,
        "until": days.until,
        "sites": as_array(sites),
    }
    routes, decided = _total(found, "routes"), _total(found, "kind")
    n_routed = routes.total()
    sla, retracted = _total(found, "sla"), _total(found, "retracted")
    n_refused = _refused(workflow, days, sites)
    n_failed = sum(
        one.n for one in found if one.figure == "routes" and one.key in FAILURES
    )
    return Operations(
        backlog=backlog_of(workflow, now=now, sites=sites),
        n_decided=decided.total(),
        n_undone=retracted[RetractionKind.UNDO],
        n_amended=retracted[RetractionKind.AMEND],
        sla_kept=proportion(sla["kept"], sla.total()),
        seconds_per_decision=_percentiles(_DECISION_SECONDS, window),
        seconds_to_route=_percentiles(_ROUTE_SECONDS, window),
        scoring_ms=_percentiles(_SCORING_MS, window),
        scoring_failed=proportion(n_failed, n_routed),
        # A batch has items of several sites.
        n_failed_batches=None if sites is not None else _failed_batches(workflow, days),
        quarantine=proportion(n_refused, n_refused + n_routed),
        review_rate=proportion(routes[RouteKind.REVIEW], n_routed),
        reasons=_reasons(found, n_routed),
        over_time=_periods(found, periods),
        late_truth=_late_truth(workflow, found),
    )


def backlog_of(
    workflow: Workflow, *, now: datetime, sites: Sites = ALL_SITES
) -> Backlog:
    """Return what waits now; gold cases are no work that waits."""
    cases = within_sites(Case.objects.filter(workflow=workflow), sites)
    gold = _open_gold(cases)
    waiting = cases.filter(status=CaseStatus.PENDING)
    claimable = cases.filter(status__in=CLAIMABLE_STATUSES)
    oldest = (
        waiting.exclude(kind=CaseKind.GOLD)
        .order_by("pk")
        .values_list("created_at", flat=True)
        .first()
    )
    soon = now + DUE_SOON
    pending = PendingScore.objects.filter(workflow=workflow)
    pending = within_sites(pending, sites, "item__site")
    unscored = pending.order_by("item_id").values_list("filed_at", flat=True).first()
    return Backlog(
        n_waiting=_capped(waiting)
        - sum(status == CaseStatus.PENDING for status, _ in gold),
        n_held=_capped(cases.filter(status=CaseStatus.LEASED))
        - sum(status == CaseStatus.LEASED for status, _ in gold),
        n_snoozed=_capped(
            cases.filter(status=CaseStatus.SNOOZED).exclude(kind=CaseKind.GOLD)
        ),
        n_overdue=_capped(claimable.filter(due_at__lt=now))
        - sum(due_at < now for _, due_at in gold),
        n_due_soon=_capped(claimable.filter(due_at__gte=now, due_at__lt=soon))
        - sum(now <= due_at < soon for _, due_at in gold),
        oldest_at=oldest,
        n_unscored=_capped(pending),
        oldest_unscored_at=unscored,
        n_quarantined=_capped(
            within_sites(
                QuarantinedItem.objects.filter(workflow=workflow), sites
            ).filter(status=QuarantineStatus.OPEN)
        ),
    )


def _open_gold(cases: QuerySet[Case]) -> list[tuple[str, datetime]]:
    """Return state and deadline of open gold cases: few, found by their assignment."""
    rows = cases.filter(
        assigned_to__isnull=False,
        status__in=CLAIMABLE_STATUSES,
        kind=CaseKind.GOLD,
    )
    return list(rows.values_list("status", "due_at"))


_OF_SITES = "(%(sites)s::uuid[] IS NULL OR site_id = ANY(%(sites)s::uuid[]))"
_DECISION_SECONDS = f"""
SELECT extract(epoch FROM decided_at - opened_at)::float8 FROM (
    SELECT decided_at, opened_at, supersedes_id FROM reviewqueue_decision
    WHERE workflow_id = %(workflow)s AND case_kind <> 'gold'
      AND decided_at >= %(since)s AND decided_at < %(until)s AND {_OF_SITES}
    ORDER BY decided_at DESC, id DESC LIMIT {N_NEWEST}
) newest WHERE supersedes_id IS NULL
"""  # noqa: S608 -- a constant
_ROUTE_SECONDS = f"""
SELECT extract(epoch FROM r.routed_at - i.received_at)::float8
FROM (SELECT item_id, routed_at FROM reviewqueue_route
      WHERE workflow_id = %(workflow)s
        AND routed_at >= %(since)s AND routed_at < %(until)s AND {_OF_SITES}
      ORDER BY routed_at DESC LIMIT {N_NEWEST}) r
JOIN predictions_item i ON i.id = r.item_id
"""  # noqa: S608 -- a constant
_SCORING_MS = f"""
SELECT p.latency_ms
FROM (SELECT prediction_id FROM reviewqueue_route
      WHERE workflow_id = %(workflow)s
        AND routed_at >= %(since)s AND routed_at < %(until)s AND {_OF_SITES}
      ORDER BY routed_at DESC LIMIT {N_NEWEST}) r
JOIN predictions_prediction p ON p.id = r.prediction_id
"""  # noqa: S608 -- a constant


def _periods(found: list[tallies.Sum], periods: list[Days]) -> list[Period]:
    audits = [one for one in found if one.key == RouteReason.AUDIT]
    routed, audited, decided = (
        by_period(sums, figure, periods)
        for sums, figure in ((found, "routes"), (audits, "routes"), (found, "kind"))
    )
    nothing: Counter[str] = Counter()
    return [
        Period(
            first=period.first,
            last=period.last,
            n_routed=(kinds := routed.get(period, nothing)).total(),
            n_audit=audited.get(period, nothing).total(),
            review_rate=proportion(kinds[RouteKind.REVIEW], kinds.total()),
            n_decided=decided.get(period, nothing).total(),
        )
        for period in periods
    ]


def _total(found: list[tallies.Sum], figure: str) -> Counter[str]:
    return grouped(found, figure, lambda _: "").get("", Counter())


def _reasons(found: list[tallies.Sum], n_routed: int) -> list[Reason]:
    groups = grouped(found, "routes", lambda one: (one.key, one.slot))
    rows = [
        Reason(reason, kind, proportion(slots.total(), n_routed))
        for (reason, kind), slots in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row.share.k, row.reason, row.kind))


def _late_truth(workflow: Workflow, found: list[tallies.Sum]) -> LateTruth:
    positive = frozenset(workflow.declaration.positive_labels)
    versions = workflow.model_versions.values_list("id", "number").order_by("number")
    by_model = grouped(found, "said", lambda one: one.key)
    return LateTruth(
        recommended=_truth(_total(found, "said"), positive),
        done=_truth(_total(found, "done"), positive),
        by_model={
            f"v{number}": _truth(by_model[str(pk)], positive)
            for pk, number in versions
            if str(pk) in by_model
        },
    )


def _truth(slots: Mapping[str, int], positive: frozenset[str]) -> Truth:
    cells: Counter[tuple[bool, bool, bool]] = Counter()
    for slot, n in slots.items():
        said, truth = slot.split(">")
        cells[said in positive, truth in positive, said == truth] += n

    def count(*, said: bool | None = None, truth: bool | None = None) -> int:
        return sum(
            n
            for (is_said, is_true, _), n in cells.items()
            if said in (None, is_said) and truth in (None, is_true)
        )

    n_right = sum(n for (_, _, same), n in cells.items() if same)
    n_found = count(said=True, truth=True)
    return Truth(
        accuracy=proportion(n_right, cells.total()),
        false_positive_rate=proportion(
            count(said=True, truth=False), count(truth=False)
        ),
        recall=proportion(n_found, count(truth=True)),
        precision=proportion(n_found, count(said=True)),
    )


def _refused(workflow: Workflow, days: Days, sites: Sites) -> int:
    refused = QuarantinedItem.objects.filter(workflow=workflow)
    refused = within_sites(refused, sites)
    return _capped(
        refused.filter(received_at__gte=days.since, received_at__lt=days.until)
    )


def _failed_batches(workflow: Workflow, days: Days) -> int:
    versions: list[UUID] = list(workflow.model_versions.values_list("id", flat=True))
    return _capped(
        ModelEvent.objects.filter(
            model_version__in=versions,
            kind=ModelEventKind.FAILED,
            at__gte=days.since,
            at__lt=days.until,
        )
    )


def _percentiles(statement: str, window: dict[str, Any]) -> Percentiles:
    with connection.cursor() as cursor:
        cursor.execute(statement, window)
        values = [row[0] for row in cursor.fetchall() if row[0] is not None]
    if not values:
        return Percentiles(0, None, None, None)
    p50, p90, p99 = np.percentile(values, [50, 90, 99])
    return Percentiles(len(values), float(p50), float(p90), float(p99))


def _capped(rows: QuerySet[Any]) -> int:
    return rows.order_by()[:MAX_COUNTED].count()
