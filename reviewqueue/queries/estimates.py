"""Rates over all items that the champion routed, from the ones that people were sent.

Every reviewed item stands for as many as its review probability says: rates over
reviewed items alone would be about what the policy, or a lack of trust, sends there.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.sites import ALL_SITES, Sites, as_array
from predictions.declaration import Declaration
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from reviewqueue.queries.tallies import Days
from reviewqueue.trust.estimates import (
    Performance,
    WeightedRate,
    weighted_performance,
    weighted_share,
)

MAX_READ: Final = 5_000  # decisions of a window: the page is fast with any number


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share of all items with its 95 % interval; None where nothing is known.

    `n` items or readings stand behind it; they say as much as `n_effective` drawn
    evenly would.
    """

    share: float | None
    low: float | None
    high: float | None
    n: int
    n_effective: float


@dataclass(frozen=True, slots=True)
class Estimates:
    """How recommendations do over all items, "positive" as the workflow declares.

    `under` and `over`: said lower or higher than true, where the labels have an order;
    None where they have none.
    """

    accuracy: Estimate
    precision: Estimate
    recall: Estimate
    false_positive_rate: Estimate
    prevalence: Estimate
    under: Estimate | None
    over: Estimate | None


@dataclass(frozen=True, slots=True)
class AllItems:
    """Of the items that a version routed in the window, reviewed or not.

    `shown` and `blind`: how often readers would confirm. `by_people` takes the label
    that people settled on as the truth, `by_outcomes` late truth of the same items.
    `n_read` decisions were read, the newest; `is_capped` where there are more.
    """

    version: int
    n_read: int
    is_capped: bool
    shown: Estimate
    blind: Estimate
    by_people: Estimates
    by_outcomes: Estimates


class _Sum(NamedTuple):
    """`n` items or readings alike: said, and what was found to be true."""

    figure: str
    said: str
    found: str
    probability: float
    n: int


# Bounded before anything is looked up. What a person put back was chosen, not drawn,
# and has a route that passed. Where late truth came first, people's label is that of
# their decision: none is written over an outcome.
_SUMS = """
WITH newest AS MATERIALIZED (
    SELECT id, item_id, case_kind, blind, verdict, label FROM reviewqueue_decision
    WHERE workflow_id = %(workflow)s AND case_kind <> 'gold'
      AND (%(sites)s::uuid[] IS NULL OR site_id = ANY(%(sites)s::uuid[]))
      AND decided_at >= %(since)s AND decided_at < %(until)s
    ORDER BY decided_at DESC, id DESC LIMIT %(most)s
), drawn AS MATERIALIZED (
    SELECT d.*, r.label AS said, r.review_probability AS p
    FROM newest d JOIN reviewqueue_route r ON r.item_id = d.item_id
    WHERE r.kind = 'review' AND r.model_version_id = %(version)s AND r.label <> ''
      AND r.routed_at >= %(since)s AND r.routed_at < %(until)s
      AND NOT EXISTS (SELECT 1 FROM reviewqueue_retraction x WHERE x.decision_id = d.id)
), items AS MATERIALIZED (
    SELECT DISTINCT ON (item_id) item_id, said, p, label AS decided FROM drawn
    ORDER BY item_id, case_kind = 'adjudication' DESC, id DESC
), known AS MATERIALIZED (
    SELECT said, p, max(label) FILTER (WHERE is_outcome) AS outcome,
           COALESCE(max(label) FILTER (WHERE NOT is_outcome), max(decided)) AS people
    FROM (
        SELECT DISTINCT ON (item_id, is_outcome)
               item_id, i.said, i.p, i.decided, l.label, is_outcome
        FROM items i JOIN reviewqueue_label l USING (item_id)
        CROSS JOIN LATERAL (SELECT l.source = 'outcome' AS is_outcome) kind
        ORDER BY item_id, is_outcome, l.version DESC
    ) newest_labels
    GROUP BY item_id, said, p
)
SELECT 'read', '', '', 1::float8, count(*) FROM newest
UNION ALL
SELECT CASE WHEN blind THEN 'blind' ELSE 'shown' END, said, label, p, count(*)
FROM drawn WHERE case_kind <> 'adjudication' AND verdict <> 'unsure'
GROUP BY 1, 2, 3, 4
UNION ALL
SELECT 'people', said, people, p, count(*) FROM known WHERE people <> ''
GROUP BY 2, 3, 4
UNION ALL
SELECT 'outcomes', said, outcome, p, count(*) FROM known WHERE outcome <> ''
GROUP BY 2, 3, 4
"""


def all_items(
    workflow: Workflow, days: Days, sites: Sites = ALL_SITES
) -> AllItems | None:
    """Estimate how the champion does on all that it routed; None without one.

    With `sites`, on all that came from these.
    """
    champions = ModelVersion.objects.filter(workflow=workflow, stage=Stage.CHAMPION)
    champion = champions.values_list("pk", "number").order_by("-number").first()
    if champion is None:
        return None
    pk, number = champion
    sums = _sums(workflow, days, sites, version=pk)
    n_read = sum(one.n for one in sums if one.figure == "read")
    declaration = workflow.declaration
    return AllItems(
        version=number,
        n_read=n_read,
        is_capped=n_read == MAX_READ,
        shown=_confirmed(sums, "shown"),
        blind=_confirmed(sums, "blind"),
        by_people=_performance(sums, "people", declaration),
        by_outcomes=_performance(sums, "outcomes", declaration),
    )


def _sums(workflow: Workflow, days: Days, sites: Sites, *, version: UUID) -> list[_Sum]:
    values: dict[str, Any] = {
        "workflow": workflow.pk,
        "version": version,
        "since": days.since,
        "until": days.until,
        "most": MAX_READ,
        "sites": as_array(sites),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, values)
        return [_Sum(*row) for row in cursor.fetchall()]


def _confirmed(sums: Iterable[_Sum], figure: str) -> Estimate:
    found = [one for one in sums if one.figure == figure]
    return _estimate(
        weighted_share(
            [one.said == one.found for one in found],
            [one.probability for one in found],
            counts=[one.n for one in found],
        )
    )


def _performance(
    sums: Iterable[_Sum], figure: str, declaration: Declaration
) -> Estimates:
    positive = frozenset(declaration.positive_labels)
    found = [one for one in sums if one.figure == figure]
    rates: Performance = weighted_performance(
        [one.said in positive for one in found],
        [one.found in positive for one in found],
        [one.probability for one in found],
        counts=[one.n for one in found],
    )
    return Estimates(
        accuracy=_estimate(rates.accuracy),
        precision=_estimate(rates.precision),
        recall=_estimate(rates.recall),
        false_positive_rate=_estimate(rates.false_positive_rate),
        prevalence=_estimate(rates.prevalence),
        under=_apart(found, declaration, by=-1),
        over=_apart(found, declaration, by=1),
    )


def _apart(
    sums: Sequence[_Sum], declaration: Declaration, *, by: int
) -> Estimate | None:
    """Estimate how often less (-1) or more (1) is said than is true."""
    if not declaration.ordered:
        return None
    place = {key: index for index, key in enumerate(declaration.label_keys)}
    known = [one for one in sums if one.said in place and one.found in place]
    return _estimate(
        weighted_share(
            [(place[one.said] - place[one.found]) * by > 0 for one in known],
            [one.probability for one in known],
            counts=[one.n for one in known],
        )
    )


def _estimate(rate: WeightedRate) -> Estimate:
    if math.isnan(rate.value):
        return Estimate(None, None, None, 0, 0.0)
    return Estimate(rate.value, rate.low, rate.high, rate.n, rate.n_effective)
