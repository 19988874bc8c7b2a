"""The one metric of a workflow, estimated for all items from those that people saw."""

import math
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from lifecycle.judging.found import Found, alarm, fine, too_few
from predictions.declaration_life import Measure
from predictions.learning.evaluation import wilson_interval
from reviewqueue.trust.estimates import WeightedRate, weighted_performance
from ui import numbers

MIN_TRUTHS: Final = 30
LEVEL: Final = 0.95
HIGHER_IS_BETTER: Final = frozenset({"precision", "recall"})
IN_ITS_OWN_UNIT: Final = frozenset({"cost_per_item", "false_alarms_per_hit"})

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Items that were drawn for people and whose truth is known, in groups alike [m].

    `copies` counts the items of a group; `p` is their review probability, in (0, 1].
    `costs`: what their errors cost, where that depends on more than on the two sides.
    """

    said_positive: Flags
    is_positive: Flags
    p: Floats
    copies: Floats
    costs: Floats | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What errors cost in a workflow, and reviews per item, on average.

    `dearest`: what any of them costs at most, where they go from label to label.
    """

    false_positive: float
    false_negative: float
    review_per_item: float
    dearest: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure over all items with its interval; None where nothing is known."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def is_known(self) -> bool:
        return self.value is not None


NOTHING: Final = Measured(None, None, None, 0)


def measure(
    what: Measure,
    rows: Rows,
    *,
    terms: Terms,
    seen: tuple[int, int],
    level: float = LEVEL,
) -> Measured:
    """Estimate a workflow's metric over all items.

    `seen` is how many of how many items people were sent. `cost_per_item` counts the
    errors among the items that nobody saw, and the time of reviews: what people saw is
    taken as put right. `false_alarms_per_hit` is of recommendations: false positives
    for each true one; infinite ends are None.
    """
    if what == "review_share":
        return _share(*seen, level=level)
    if what == "cost_per_item":
        return cost_per_item(rows, terms, level=level)
    rates = weighted_performance(
        rows.said_positive, rows.is_positive, rows.p, counts=rows.copies, level=level
    )
    if what == "precision":
        return _measured(rates.precision)
    if what == "recall":
        return _measured(rates.recall)
    if what == "false_positive_rate":
        return _measured(rates.false_positive_rate)
    return _per_hit(rates.precision)


def cost_per_item(rows: Rows, terms: Terms, *, level: float = LEVEL) -> Measured:
    """Estimate what errors that nobody saw cost, and reviews, per item.

    An item with review probability p stands for 1 / p items, of which 1 / p - 1 were
    seen by nobody and cost what their error costs. Source: Horvitz and Thompson 1952,
    as a ratio (Hájek 1971); the variance of the linearised ratio, as if drawn with
    replacement. Where no error was seen the upper end is that of a share of errors of
    zero (Wilson), each as dear as the dearer one.
    """
    n = int(rows.copies.sum())
    if n == 0:
        return NOTHING
    costs = _costs_of(rows, terms)
    stands_for, unseen = 1 / rows.p, 1 / rows.p - 1
    total = float(rows.copies @ stands_for)
    mean = float(rows.copies @ (unseen * costs)) / total
    residuals = unseen * costs - mean * stands_for
    spread = math.sqrt(float(rows.copies @ residuals**2)) / total
    half = float(scipy.special.ndtri(0.5 + level / 2)) * spread
    low, high = max(0.0, mean - half), mean + half
    if mean == 0:
        # all of the unseen items, as those that were drawn from among them
        drawn = float(rows.copies[unseen > 0].sum())
        part = float(rows.copies @ unseen) / total
        dearest = max(terms.false_positive, terms.false_negative, terms.dearest)
        high = (
            dearest
            * part
            * (wilson_interval(0, int(drawn), level=level).high if drawn else 0.0)
        )
    shift = terms.review_per_item
    return Measured(mean + shift, low + shift, high + shift, n)


def _costs_of(rows: Rows, terms: Terms) -> Floats:
    """Return what the errors of each group cost [m], 0 where there is none."""
    if rows.costs is not None:
        return rows.costs
    return np.where(
        rows.said_positive & ~rows.is_positive,
        terms.false_positive,
        np.where(~rows.said_positive & rows.is_positive, terms.false_negative, 0.0),
    )


def change_of(before: Measured, after: Measured) -> Measured:
    """Return after less before, of independent estimates, with its interval.

    Source: Zou and Donner 2008 (MOVER): the intervals of the two, combined.
    """
    values = (before.value, before.low, before.high, after.value, after.low, after.high)
    if any(one is None for one in values):
        return Measured(None, None, None, min(before.n, after.n))
    b, b_low, b_high, a, a_low, a_high = (
        float(one) for one in values if one is not None
    )
    value = a - b
    return Measured(
        value,
        value - math.hypot(a - a_low, b_high - b),
        value + math.hypot(a_high - a, b - b_low),
        min(before.n, after.n),
    )


def judge_business(
    what: Measure,
    found: Measured,
    surely: Measured,
    *,
    aim: float | None,
    currency: str,
    **data: object,
) -> Found:
    """Hold the metric against the aim; `surely`: its interval at the look's budget."""
    shown = {**data, "measure": what, "figure": asdict(found), "aim": aim}
    if found.value is None or found.n < MIN_TRUTHS:
        return too_few(f"{found.n} items have their truth.", found.n, **shown)
    words = in_words(what, found.value, currency)
    says = f"{NAMES[what]}: {words}, n = {numbers.thousands(found.n)}"
    if aim is None or not is_worse(what, surely, aim):
        return fine(f"{says}.", found.value, found.n, **shown)
    says += f"; the aim is {in_words(what, aim, currency)}."
    return alarm(says, found.value, found.n, **shown)


def is_worse(what: Measure, found: Measured, aim: float) -> bool:
    """Say whether the whole interval is on the wrong side of the aim."""
    if what in HIGHER_IS_BETTER:
        return found.high is not None and found.high < aim
    return found.low is not None and found.low > aim


NAMES: Final = {
    "cost_per_item": "Cost per item",
    "false_alarms_per_hit": "False alarms per hit",
    "precision": "Precision",
    "recall": "Recall",
    "false_positive_rate": "False-positive rate",
    "review_share": "Share seen by people",
}


def in_words(what: str, value: float, currency: str) -> str:
    """Write a value of the metric with its unit."""
    if what == "cost_per_item":
        return f"{numbers.amount(value)} {currency}"
    if what == "false_alarms_per_hit":
        return numbers.amount(value)
    return numbers.percent(value)


def _measured(rate: WeightedRate) -> Measured:
    if math.isnan(rate.value):
        return NOTHING
    return Measured(rate.value, rate.low, rate.high, rate.n)


def _per_hit(precision: WeightedRate) -> Measured:
    def odds(share: float) -> float | None:
        return None if share <= 0 else (1 - share) / share

    if math.isnan(precision.value):
        return NOTHING
    return Measured(
        odds(precision.value), odds(precision.high), odds(precision.low), precision.n
    )


def _share(k: int, n: int, *, level: float) -> Measured:
    if n == 0:
        return NOTHING
    low, high = wilson_interval(k, n, level=level)
    return Measured(k / n, low, high, n)
