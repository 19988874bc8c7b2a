"""The parts of the dashboard: figures with their charts and the way to their cases."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString

from predictions.models import Workflow
from reviewqueue.charts import Point, count_chart, dot_chart, rate_chart
from reviewqueue.enums import CaseStatus, RouteKind, RouteReason
from reviewqueue.queries.lists import FAILED
from reviewqueue.queries.metrics import Confirmation, Gap, Query, Row, window_query
from reviewqueue.queries.operations import (
    MAX_COUNTED,
    Backlog,
    Operations,
    Percentiles,
    Period,
    Reason,
    Truth,
)
from reviewqueue.queries.rates import Proportion
from reviewqueue.queries.tallies import Days
from ui import numbers

REASON_WORDS = {
    RouteReason.POLICY: "the policy sends it to people",
    RouteReason.AUDIT: "audit sample of what the policy passes",
    RouteReason.PASSED: "passed by the policy",
    RouteReason.NO_CHAMPION: "no model in force",
    RouteReason.MODEL_FAILED: "the model failed",
    RouteReason.UNCALIBRATED: "no calibrated probability",
}


@lru_cache(maxsize=1000)
def _address(name: str, slug: str) -> str:
    # A page holds hundreds of links to three lists.
    return reverse(f"reviewqueue:{name}", args=[slug])


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the lists that hold the cases behind a figure."""

    slug: str
    days: Days

    def decisions(self, **query: str) -> str:
        return self._list("decision-list", query)

    def decisions_of_window(self, **query: str) -> str:
        return self._list("decision-list", window_query(self.days) | query)

    def routed(self, days: Days | None = None, **query: str) -> str:
        window = window_query(days or self.days)
        moments = {
            "routed_from": window["decided_from"],
            "routed_to": window["decided_to"],
        }
        return self.items(**moments | query)

    def cases(self, **query: str) -> str:
        return self._list("case-list", query)

    def items(self, **query: str) -> str:
        return self._list("item-list", query)

    def quarantine(self, **query: str) -> str:
        return self._list("quarantine-list", query)

    def _list(self, name: str, query: Query) -> str:
        return f"{_address(name, self.slug)}?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class Rates:
    """One row of a table of rates, each with the way to its cases."""

    row: Row
    links: Links

    @property
    def shown_url(self) -> str:
        return self._readings(blind="0", judged="1")

    @property
    def overridden_url(self) -> str:
        return self._readings(blind="0", verdict="override")

    @property
    def blind_url(self) -> str:
        return self._readings(blind="1", judged="1")

    @property
    def unsure_url(self) -> str:
        return self._readings(verdict="unsure")

    @property
    def words(self) -> str:
        return f"{self.row.name}: {rate_words(self.row.shown)}"

    def _readings(self, **query: str) -> str:
        return self.links.decisions(**self.row.query, **query)


class ConfirmationPart:
    """How often people follow the recommendation."""

    def __init__(
        self, figures: Confirmation, periods: list[Days], links: Links
    ) -> None:
        self._figures = figures
        self._periods = periods
        self._links = links
        self.gap = figures.gap
        self.total = Rates(figures.total, links)

    @property
    def tables(self) -> list[dict[str, object]]:
        found = self._figures
        named = [
            ("by-label", "By recommended label", "Label", found.by_label),
            ("by-band", "By probability band", "Probability", found.by_band),
            ("by-model", "By model version", "Version", found.by_model),
            ("by-reviewer", "By reviewer", "Reviewer", found.by_reviewer),
            ("by-reason", "By reason", "Reason", found.by_reason),
        ]
        return [
            {"id": key, "title": title, "head": head, "rows": self._rates(rows)}
            for key, title, head, rows in named
        ]

    @cached_property
    def over_time(self) -> list[Rates]:
        return self._rates(self._figures.over_time)

    @property
    def chart(self) -> SafeString:
        found = {one.row.key: one for one in self.over_time}
        points = [
            _rate_point(_start(period), one.row.shown, "confirmed", one.shown_url)
            if (one := found.get(period.first.isoformat()))
            else Point(_start(period), None, "")
            for period in self._periods
        ]
        unit = f"% of judged, by {period_word(self._periods)}"
        return rate_chart(points, title="Confirmed when shown", unit=unit)

    @property
    def band_chart(self) -> SafeString:
        rows = self._rates(self._figures.by_band)
        shown = [
            _rate_point(row.row.name, row.row.shown, "shown", row.shown_url)
            for row in rows
        ]
        blind = [
            _rate_point(row.row.name, row.row.blind, "blind", row.blind_url)
            for row in rows
        ]
        return dot_chart(
            shown,
            blind,
            title="Confirmed by probability, shown and blind",
            unit="% of judged, by probability of a positive label",
        )

    @property
    def band_legend(self) -> tuple[str, str]:
        return "recommendation shown", "blind"

    def _rates(self, rows: list[Row]) -> list[Rates]:
        return [Rates(row, self._links) for row in rows]


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

    def __init__(self, figures: Operations, workflow: Workflow, links: Links) -> None:
        self.figures = figures
        self._workflow = workflow
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
            _rate_point(
                _start(one.period),
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
            _count_point(_start(one.period), one.figures.n_decided, "decided", url)
            for one in self._over_time
            if (url := one.decided_url)
        ]
        sent = [
            _count_point(
                _start(one.period),
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
            TruthRow("what was done", _truth_cells(found.done)),
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


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One of the large numbers at the top."""

    title: str
    value: str
    note: str
    url: str = ""
    unit: str = ""


def key_figures(
    confirmation: ConfirmationPart, flow: FlowPart, *, now: datetime
) -> list[KeyFigure]:
    """Return the figures that the page begins with."""
    total, figures = confirmation.total, flow.figures
    row = total.row
    return [
        _key_rate("Confirmed when shown", row.shown, total.shown_url),
        _key_rate("Overridden", row.overridden, total.overridden_url),
        _key_rate("Agreed when blind", row.blind, total.blind_url),
        _key_gap(confirmation.gap),
        _key_rate("Seen by people", figures.review_rate, flow.review_url),
        _key_rate("Decided in time", figures.sla_kept, flow.sla_url),
        _key_time(figures.seconds_per_decision),
        _key_backlog(figures.backlog, flow.waiting_url, now=now),
    ]


def _key_rate(title: str, rate: Proportion, url: str) -> KeyFigure:
    if rate.share is None or rate.low is None or rate.high is None:
        return KeyFigure(title, numbers.NOTHING, "no case yet", url)
    note = (
        f"n = {numbers.thousands(rate.n)}, "
        f"95 % interval {numbers.interval(rate.low, rate.high)}"
    )
    return KeyFigure(title, numbers.percent(rate.share), note, url)


def _key_gap(gap: Gap | None) -> KeyFigure:
    title = "Shown minus blind"
    if gap is None:
        return KeyFigure(title, numbers.NOTHING, "needs both shown and blind cases")
    note = f"95 % interval {numbers.points(gap.low)} to {numbers.points(gap.high)}"
    return KeyFigure(title, numbers.points(gap.difference), note, unit="points")


def _key_time(found: Percentiles) -> KeyFigure:
    title = "Time per decision"
    if found.p50 is None or found.p90 is None:
        return KeyFigure(title, numbers.NOTHING, "no decision yet")
    note = (
        f"median of the newest {numbers.thousands(found.n)}; "
        f"90 % under {numbers.duration(found.p90)}"
    )
    return KeyFigure(title, numbers.duration(found.p50), note)


def _key_backlog(found: Backlog, url: str, *, now: datetime) -> KeyFigure:
    more = "+" if found.n_waiting == MAX_COUNTED else ""
    note = "nothing waits"
    if found.oldest_at is not None:
        age = numbers.duration((now - found.oldest_at).total_seconds())
        note = f"oldest {age}, {numbers.thousands(found.n_overdue)} overdue"
    value = f"{numbers.thousands(found.n_waiting)}{more}"
    return KeyFigure("Waiting now", value, note, url)


def rate_words(rate: Proportion) -> str:
    """Write a rate for a pointer or a screen reader."""
    if rate.share is None or rate.low is None or rate.high is None:
        return "nothing yet"
    return (
        f"{numbers.percent(rate.share)} (n = {numbers.thousands(rate.n)}, "
        f"95 % interval {numbers.interval(rate.low, rate.high)})"
    )


def _start(period: Days) -> str:
    return f"{period.first.day} {period.first:%b}"


def period_word(periods: list[Days]) -> str:
    return "week" if periods and periods[-1].n > 1 else "day"


def _rate_point(at: str, rate: Proportion, what: str, href: str) -> Point:
    if rate.share is None:
        return Point(at, None, "")
    words = f"{at}: {rate_words(rate)} {what}"
    return Point(at, rate.share, words, href, rate.low, rate.high)


def _count_point(at: str, n: int, what: str, href: str) -> Point:
    return Point(at, n, f"{at}: {numbers.thousands(n)} {what}", href)


def _reason_words(reason: Reason) -> str:
    return REASON_WORDS.get(RouteReason(reason.reason), reason.reason)


def _speed(name: str, found: Percentiles, unit_seconds: float = 1.0) -> Speed:
    p50, p90, p99 = (
        None if value is None else value * unit_seconds
        for value in (found.p50, found.p90, found.p99)
    )
    return Speed(name, found.n, p50, p90, p99)


def _truth_cells(
    truth: Truth, url_of: Callable[[Query], str] = lambda _: ""
) -> list[LinkedRate]:
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
