"""The ways from a figure of the dashboard to its cases, and its points on a chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from django.urls import reverse

from reviewqueue.chart_scales import Point
from reviewqueue.queries.metrics import Query, window_query
from reviewqueue.queries.rates import Proportion
from reviewqueue.queries.tallies import Days
from ui import numbers


@lru_cache(maxsize=1000)
def _address(name: str, slug: str) -> str:
    # A page holds hundreds of links to three lists.
    return reverse(f"reviewqueue:{name}", args=[slug])


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the lists that hold the cases behind a figure."""

    slug: str
    days: Days
    within: Query  # what every list is cut by besides

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
        return f"{_address(name, self.slug)}?{urlencode(self.within | query)}"


def rate_words(rate: Proportion) -> str:
    """Write a rate for a pointer or a screen reader."""
    if rate.share is None or rate.low is None or rate.high is None:
        return "nothing yet"
    return (
        f"{numbers.percent(rate.share)} (n = {numbers.thousands(rate.n)}, "
        f"95 % interval {numbers.interval(rate.low, rate.high)})"
    )


def start_of(period: Days) -> str:
    return f"{period.first.day} {period.first:%b}"


def period_word(periods: Sequence[Days]) -> str:
    return "week" if periods and periods[-1].n > 1 else "day"


def rate_point(at: str, rate: Proportion, what: str, href: str) -> Point:
    if rate.share is None:
        return Point(at, None, "")
    words = f"{at}: {rate_words(rate)} {what}"
    return Point(at, rate.share, words, href, rate.low, rate.high)


def count_point(at: str, n: int, what: str, href: str) -> Point:
    return Point(at, n, f"{at}: {numbers.thousands(n)} {what}", href)
