"""Figures of a workflow over a window: what the dashboard and the API show.

Confirmation is counted over live decisions (not undone, not amended away) of first and
second readers on cases that had a recommendation and that routing opened: what a
person put back was chosen, not drawn. The counts are kept by the database
(`reviewqueue.models.tally`); `docs/figures.md` says what each figure means.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from predictions.declaration import Declaration
from predictions.learning.evaluation import newcombe_difference
from predictions.models import ModelVersion, Workflow
from reviewqueue.models.tally import BAND_ENDS, NO_BAND
from reviewqueue.queries.estimates import AllItems, all_items
from reviewqueue.queries.gold import Answer, judged_gold
from reviewqueue.queries.lists import NO_REASON
from reviewqueue.queries.operations import Operations, operations_of
from reviewqueue.queries.rates import Proportion, proportion
from reviewqueue.queries.tallies import (
    EVERYTHING,
    Days,
    Narrowing,
    Sum,
    by_period,
    grouped,
    sums,
)

BANDS = (0.0, *BAND_ENDS, 1.0)
type Query = dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a dimension: confirmed and overridden of judged, shown and blind.

    `gold` are the right answers of those to gold items. `query` leads to the readings
    behind it, on the list of decisions.
    """

    key: str
    name: str
    shown: Proportion
    overridden: Proportion
    blind: Proportion
    gold: Proportion
    n_unsure: int
    query: Query


@dataclass(frozen=True, slots=True)
class Gap:
    """Agreement when shown minus agreement when blind, with its 95 % interval."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Confirmation:
    total: Row
    gap: Gap | None
    over_time: list[Row]
    by_model: list[Row]
    by_label: list[Row]
    by_band: list[Row]
    by_reviewer: list[Row]
    by_reason: list[Row]


@dataclass(frozen=True, slots=True)
class WorkflowMetrics:
    """`since` and `until` are the ends of whole days (UTC).

    `all_items` is about the champion in force; missing without one.
    """

    since: datetime
    until: datetime
    confirmation: Confirmation
    all_items: AllItems | None
    operations: Operations

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the API."""
        return asdict(self)


def workflow_metrics(
    workflow: Workflow,
    *,
    days: Days,
    now: datetime,
    narrowing: Narrowing = EVERYTHING,
    period_days: int = 1,
) -> WorkflowMetrics:
    """Return every figure over whole days, of the sites of `narrowing`.

    The label and the version that it names hold for confirmation alone.
    What is shown over time is cut into periods of `period_days`.
    """
    periods = days.periods(period_days)
    sites = narrowing.sites
    of_sites = Narrowing(sites=sites)
    everything = sums(workflow.pk, days, of_sites)
    narrowed = (
        everything if narrowing == of_sites else sums(workflow.pk, days, narrowing)
    )
    return WorkflowMetrics(
        since=days.since,
        until=days.until,
        confirmation=_confirmation(workflow, narrowed, days, periods, narrowing),
        all_items=all_items(workflow, days, sites),
        operations=operations_of(
            workflow, everything, days=days, periods=periods, now=now, sites=sites
        ),
    )


def band_name(band: int) -> str:
    """Write a band: `5-10 %`."""
    if band == NO_BAND:
        return "not calibrated"
    low, high = band_ends(band)
    return f"{low * 100:g}–{high * 100:g} %"  # noqa: RUF001 -- a range of figures


def band_ends(band: int) -> tuple[float, float]:
    """Return the ends of a band; the upper one belongs to the next band."""
    return BANDS[band], BANDS[band + 1]


def window_query(days: Days) -> Query:
    """Return the query of the lists for a window."""
    return {"decided_from": _moment(days.since), "decided_to": _moment(days.until)}


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%MZ")


def _confirmation(
    workflow: Workflow,
    found: list[Sum],
    days: Days,
    periods: list[Days],
    narrowing: Narrowing,
) -> Confirmation:
    declaration = workflow.declaration
    numbers = _version_numbers(workflow)
    people = _usernames(grouped(found, "reviewer", lambda one: one.key))
    gold = [
        one
        for one in judged_gold(
            workflow, since=days.since, until=days.until, sites=narrowing.sites
        )
        if narrowing.label in ("", one.recommended_label)
        and narrowing.model in (None, one.model)
    ]
    rows = _Rows(found, gold, _base_query(days, narrowing, numbers))
    total = rows.total()
    return Confirmation(
        total=total,
        gap=_gap(total),
        over_time=rows.over_time(periods),
        by_model=sorted(
            rows.by(
                "model",
                lambda key: f"v{numbers[key]}",
                lambda key: {"model_version": str(numbers[key])},
                only=str(narrowing.model or ""),
            ),
            key=lambda row: numbers[row.key],
        ),
        by_label=sorted(
            rows.by(
                "label",
                declaration.label_name,
                lambda key: {"recommended_label": key},
                only=narrowing.label,
            ),
            key=lambda row: declaration.label_place(row.key),
        ),
        by_band=sorted(
            rows.by("band", lambda key: band_name(int(key)), lambda key: {"band": key}),
            key=lambda row: int(row.key),
        ),
        by_reviewer=rows.by(
            "reviewer", people.__getitem__, lambda key: {"reviewer": people[key]}
        ),
        by_reason=rows.by(
            "reason",
            lambda key: _reason_name(declaration, key),
            lambda key: {"reason": key or NO_REASON},
        ),
    )


def _reason_name(declaration: Declaration, key: str) -> str:
    return declaration.reason_name(key) if key else "no reason given"


class _Rows:
    """Makes the rows of each dimension from the sums and the answers to gold."""

    def __init__(self, found: list[Sum], gold: list[Answer], query: Query) -> None:
        self._found = found
        self._gold = gold
        self._query = query

    def total(self) -> Row:
        slots = grouped(self._found, "total", lambda _: "").get("", Counter())
        return _row("", "all", slots, _right(self._gold), self._query)

    def over_time(self, periods: list[Days]) -> list[Row]:
        """Return a row for each period in which anything was decided."""
        groups = by_period(self._found, "total", periods)
        return [
            _row(
                period.first.isoformat(),
                period.words,
                groups[period],
                _right([one for one in self._gold if _is_in(period, one)]),
                self._query | window_query(period),
            )
            for period in periods
            if period in groups
        ]

    def by(
        self,
        figure: str,
        name_of: Callable[[str], str],
        query_of: Callable[[str], Query],
        *,
        only: str = "",
    ) -> list[Row]:
        """Return a row for each key, in the order of their names.

        Where the sums are of one key alone, `only` names it.
        """
        groups = (
            grouped(self._found, "total", lambda _: only)
            if only
            else grouped(self._found, figure, lambda one: one.key)
        )
        gold: dict[str, list[Answer]] = defaultdict(list)
        for one in self._gold:
            gold[only or _GOLD_KEYS[figure](one)].append(one)
        rows = [
            _row(
                key,
                name_of(key),
                slots,
                _right(gold[key]),
                self._query | query_of(key),
            )
            for key, slots in groups.items()
        ]
        return sorted(rows, key=lambda row: (row.name, row.key))


def _right(answers: list[Answer]) -> Proportion:
    return proportion(sum(one.is_right for one in answers), len(answers))


def _is_in(period: Days, one: Answer) -> bool:
    return period.since <= one.at < period.until


def _band_of(one: Answer) -> str:
    """Return the band as the database counts it."""
    if one.probability is None:
        return str(NO_BAND)
    return str(bisect_right(BAND_ENDS, one.probability))


# The key of an answer to gold in each dimension, as the readings have it.
_GOLD_KEYS: Mapping[str, Callable[[Answer], str]] = {
    "model": lambda one: str(one.model or ""),
    "label": lambda one: one.recommended_label,
    "band": _band_of,
    "reviewer": lambda one: str(one.reviewer),
    "reason": lambda one: one.reason_code,
}


def _row(
    key: str, name: str, slots: Counter[str], gold: Proportion, query: Query
) -> Row:
    shown, blind = _judged(slots, "shown"), _judged(slots, "blind")
    return Row(
        key=key,
        name=name,
        shown=shown,
        overridden=shown.others(),
        blind=blind,
        gold=gold,
        n_unsure=slots["shown.unsure"] + slots["blind.unsure"],
        query=query,
    )


def _judged(slots: Counter[str], way: str) -> Proportion:
    k = slots[f"{way}.confirm"]
    return proportion(k, k + slots[f"{way}.override"])


def _gap(total: Row) -> Gap | None:
    shown, blind = total.shown, total.blind
    if not shown.n or not blind.n:
        return None
    found = newcombe_difference(shown.k, shown.n, blind.k, blind.n)
    return Gap(found.value, found.low, found.high)


def _base_query(days: Days, narrowing: Narrowing, numbers: Mapping[str, int]) -> Query:
    query = {"readings": "1", **window_query(days)}
    if narrowing.label:
        query["recommended_label"] = narrowing.label
    if narrowing.model:
        query["model_version"] = str(numbers[str(narrowing.model)])
    return query


def _version_numbers(workflow: Workflow) -> dict[str, int]:
    rows = ModelVersion.objects.filter(workflow=workflow).values_list("id", "number")
    return {str(pk): number for pk, number in rows}


def _usernames(ids: Mapping[str, object]) -> dict[str, str]:
    rows = User.objects.filter(pk__in=[UUID(key) for key in ids])
    return {str(pk): name for pk, name in rows.values_list("pk", "username")}


def parse_day(text: str) -> date | None:
    """Read a day of the query string: 2026-03-02."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
