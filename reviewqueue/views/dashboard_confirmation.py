"""How often people follow the recommendation: tables and charts of the dashboard."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from django.utils.safestring import SafeString

from reviewqueue.chart_scales import Point
from reviewqueue.charts import dot_chart, rate_chart
from reviewqueue.enums import CaseKind
from reviewqueue.queries.metrics import Confirmation, Row
from reviewqueue.queries.rates import Proportion
from reviewqueue.queries.tallies import Days
from reviewqueue.views.dashboard_links import (
    Links,
    period_word,
    rate_point,
    rate_words,
    start_of,
)


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
    def gold_url(self) -> str:
        query = {key: one for key, one in self.row.query.items() if key != "readings"}
        return self.links.decisions(**query, kind=CaseKind.GOLD, judged="1")

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
        return rate_chart(
            self._points(lambda one: (one.row.shown, "when shown", one.shown_url)),
            beside=self._points(lambda one: (one.row.blind, "blind", one.blind_url)),
            title="Confirmed, shown and blind",
            unit=f"% of judged, by {period_word(self._periods)}",
            names=("shown", "blind"),
        )

    def _points(
        self, of: Callable[[Rates], tuple[Proportion, str, str]]
    ) -> list[Point]:
        found = {one.row.key: of(one) for one in self.over_time}
        nothing = Proportion(0, 0, None, None, None), "", ""
        return [
            rate_point(start_of(period), *found.get(period.first.isoformat(), nothing))
            for period in self._periods
        ]

    @property
    def band_chart(self) -> SafeString:
        rows = self._rates(self._figures.by_band)
        shown = [
            rate_point(row.row.name, row.row.shown, "shown", row.shown_url)
            for row in rows
        ]
        blind = [
            rate_point(row.row.name, row.row.blind, "blind", row.blind_url)
            for row in rows
        ]
        return dot_chart(
            shown,
            blind,
            title="Confirmed by probability, shown and blind",
            unit="% of judged, by probability of a positive label",
        )

    @property
    def legend(self) -> tuple[str, str]:
        return "recommendation shown", "blind"

    def _rates(self, rows: list[Row]) -> list[Rates]:
        return [Rates(row, self._links) for row in rows]
