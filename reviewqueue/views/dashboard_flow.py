"""How the work flows: tables and charts of the dashboard."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from django.utils.safestring import SafeString

from reviewqueue.charts import count_chart, rate_chart
from reviewqueue.enums import CaseStatus, RouteKind, RouteReason
from reviewqueue.queries.lists import FAILED
from reviewqueue.queries.metrics import Query, window_query
from reviewqueue.queries.operations import (
    Operations,
    Percentiles,
    Period,
    Reason,
    Truth,
)
from reviewqueue.queries.rates import Proportion
from reviewqueue.queries.tallies import Days
from reviewqueue.views.dashboard_links import (
    Links,
    count_point,
    period_word,
    rate_point,
    start_of,
)

REASON_WORDS = {
    RouteReason.POLICY: "the policy sends it to people",
    RouteReason.AUDIT: "audit sample of what the policy passes",
    RouteReason.PASSED: "passed by the policy",
    RouteReason.NO_CHAMPION: "no model in force",
    RouteReason.MODEL_FAILED: "the model failed",
    RouteReason.UNCALIBRATED: "no calibrated probability",
    RouteReason.UNLIKE: "unlike what the model learnt from",
    RouteReason.UNSURE_FIELD: "a field not sure enough",
}


@dataclass(frozen=True, slots=True)
class Count:
    """A number that opens what it counts."""

    name: str
    n: int
    url: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class LinkedRate:
    name: str
    rate: Proportion
    url: str = ""


@dataclass(frozen=True, slots=True)
class TruthRow:
    name: str
    cells: list[LinkedRate]


@dataclass(frozen=True, slots=True)
class Speed:
    """Percentiles in seconds."""

    name: str
    n: int
    p50: float | None
    p90: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class LinkedPeriod:
    """What happened in a period, with the ways to its cases and items."""

    figures: Period
    period: Days
    links: Links

    @property
    def decided_url(self) -> str:
        return self.links.decisions(**window_query(self.period))

    @property
    def review_url(self) -> str:
        return self.links.routed(self.period, route=RouteKind.REVIEW)

    @property
    def audit_url(self) -> str:
        return self.links.routed(self.period, route_reason=RouteReason.AUDIT)


class FlowPart:
    """How the work flows."""

    def __init__(self, figures: Operations, links: Links) -> None:
        self.figures = figures
        self._links = links

    @property
    def sla_url(self) -> str:
        return self._links.decisions_of_window(sla="kept")

    @property
    def late_url(self) -> str:
        return self._links.decisions_of_window(sla="late")

    @property
    def review_url(self) -> str:
        return self._links.routed(route=RouteKind.REVIEW)

    @property
    def review_chart(self) -> SafeString:
        points = [
            rate_point(
                start_of(one.period),
                one.figures.review_rate,
                "sent to people",
                one.review_url,
            )
            for one in self._over_time
        ]
        unit = f"% of routed items, by {self.period}"
        return rate_chart(points, title="Sent to people", unit=unit)

    @property
    def throughput_chart(self) -> SafeString:
        decided = [
            count_point(start_of(one.period), one.figures.n_decided, "decided", url)
            for one in self._over_time
            if (url := one.decided_url)
        ]
        sent = [
            count_point(
                start_of(one.period),
                one.figures.review_rate.k,
                "sent to people",
                one.review_url,
            )
            for one in self._over_time
        ]
        unit = f"number, by {self.period}"
        return count_chart(decided, sent, title="Decided", unit=unit)

    @property
    def over_time(self) -> list[LinkedPeriod]:
        """Return the periods in which anything happened."""
        return [
            one
            for one in self._over_time
            if one.figures.n_routed or one.figures.n_decided
        ]

    @cached_property
    def _over_time(self) -> list[LinkedPeriod]:
        return [
            LinkedPeriod(one, Days(one.first, one.last), self._links)
            for one in self.figures.over_time
        ]

    @property
    def period(self) -> str:
        return period_word([one.period for one in self._over_time])

    @property
    def throughput_legend(self) -> tuple[str, str]:
        return "decided", "sent to people"

    @property
    def waiting_url(self) -> str:
        return self._links.cases(status=CaseStatus.PENDING)

    @property
    def n_late(self) -> int:
        return self.figures.sla_kept.n - self.figures.sla_kept.k

    @property
    def backlog(self) -> list[Count]:
        found, links = self.figures.backlog, self._links
        return [
            Count("waiting", found.n_waiting, self.waiting_url),
            Count("held", found.n_held, links.cases(status=CaseStatus.LEASED)),
            Count("snoozed", found.n_snoozed, links.cases(status=CaseStatus.SNOOZED)),
            Count("due within an hour", found.n_due_soon, links.cases(due_soon="1")),
            Count("overdue", found.n_overdue, links.cases(overdue="1"), is_late=True),
            Count("not scored yet", found.n_unscored),
            Count("in quarantine", found.n_quarantined, links.quarantine()),
        ]

    @property
    def speeds(self) -> list[Speed]:
        found = self.figures
        return [
            _speed("a person's decision, from opening", found.seconds_per_decision),
            _speed("an item, received to routed", found.seconds_to_route),
            _speed("scoring, an item's share of its batch", found.scoring_ms, 0.001),
        ]

    @property
    def reasons(self) -> list[LinkedRate]:
        return [
            LinkedRate(
                _reason_words(one),
                one.share,
                self._links.routed(route=one.kind, route_reason=one.reason),
            )
            for one in self.figures.reasons
        ]

    @property
    def failed_url(self) -> str:
        return self._links.routed(route_reason=FAILED)

    @property
    def refused_url(self) -> str:
        window = window_query(self._links.days)
        return self._links.quarantine(
            status="",
            received_from=window["decided_from"],
            received_to=window["decided_to"],
        )

    @property
    def has_truth(self) -> bool:
        return self.figures.late_truth.recommended.accuracy.n > 0

    @property
    def truths(self) -> list[TruthRow]:
        found = self.figures.late_truth
        return [
            self._truth_row("the recommendation", found.recommended),
            *(
                self._truth_row(f"by {name}", one, model_version=name[1:])
                for name, one in found.by_model.items()
                if len(found.by_model) > 1
            ),
            self._truth_row("what was done", found.done, done="1"),
        ]

    def _truth_row(self, name: str, truth: Truth, **query: str) -> TruthRow:
        window = window_query(self._links.days)
        query |= {
            "outcome_from": window["decided_from"],
            "outcome_to": window["decided_to"],
        }
        return TruthRow(
            name, _truth_cells(truth, lambda one: self._links.items(**query, **one))
        )


def _reason_words(reason: Reason) -> str:
    return REASON_WORDS.get(RouteReason(reason.reason), reason.reason)


def _speed(name: str, found: Percentiles, unit_seconds: float = 1.0) -> Speed:
    p50, p90, p99 = (
        None if value is None else value * unit_seconds
        for value in (found.p50, found.p90, found.p99)
    )
    return Speed(name, found.n, p50, p90, p99)


def _truth_cells(truth: Truth, url_of: Callable[[Query], str]) -> list[LinkedRate]:
    """Return the rates, each with the way to the items that it is a share of."""
    return [
        LinkedRate("Right", truth.accuracy, url_of({"outcome": "any"})),
        LinkedRate(
            "False positives",
            truth.false_positive_rate,
            url_of({"outcome": "negative"}),
        ),
        LinkedRate("Recall", truth.recall, url_of({"outcome": "positive"})),
        LinkedRate(
            "Precision",
            truth.precision,
            url_of({"outcome": "any", "said": "positive"}),
        ),
    ]
