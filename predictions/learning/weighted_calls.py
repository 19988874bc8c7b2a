"""Rates of calls on rows that stand for unequally many others.

A row that was drawn for review with a chance p stands for 1 / p rows. The rates are
weighted; how sure they are is said by a number of equally weighted rows.
"""

import math
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from predictions.learning.evaluation import Rate, wilson_interval

ROUNDING: Final = 1e-9

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


class Calls(Protocol):
    """Calls (positive or not) against the truth, as rates."""

    @property
    def precision(self) -> Rate: ...

    @property
    def recall(self) -> Rate: ...

    @property
    def false_positive_rate(self) -> Rate: ...


@dataclass(frozen=True, slots=True)
class WeightedCalls:
    """Calls [n] against the truth [n], each row with its weight [n], above 0.

    k and n of a rate are those of `equal_rows`, rounded against the model.
    """

    is_called: Flags
    is_positive: Flags
    weights: Floats

    @property
    def precision(self) -> Rate:
        """Of the positive calls, how many were right."""
        return _at_least(self.is_positive, self.is_called, self.weights)

    @property
    def recall(self) -> Rate:
        """Of the positives, how many were called."""
        return _at_least(self.is_called, self.is_positive, self.weights)

    @property
    def false_positive_rate(self) -> Rate:
        """Of the negatives, how many were called positive."""
        opposite = _at_least(~self.is_called, ~self.is_positive, self.weights)
        k, n = opposite.n - opposite.k, opposite.n
        return Rate(1 - opposite.value, *wilson_interval(k, n), k, n)


@dataclass(frozen=True, slots=True)
class WeightedSteps:
    """Labels in an order against the truth: places [n], each row with its weight [n].

    A place of -1 is a row without an answer: it counts as under and as over. k and n
    of a rate are those of `equal_rows`, rounded against the model.
    """

    said: NDArray[np.int64]
    truth: NDArray[np.int64]
    weights: Floats

    @property
    def under(self) -> Rate:
        """Of all rows, how many were said lower than true."""
        return _at_most(self.said < self.truth, self.weights)

    @property
    def over(self) -> Rate:
        """Of all rows, how many were said higher than true."""
        return _at_most((self.said > self.truth) | (self.said < 0), self.weights)


def _at_most(is_so: Flags, weights: Floats) -> Rate:
    opposite = _at_least(~is_so, np.ones(is_so.size, dtype=np.bool_), weights)
    k, n = opposite.n - opposite.k, opposite.n
    return Rate(1 - opposite.value, *wilson_interval(k, n), k, n)


def _at_least(is_so: Flags, among: Flags, weights: Floats) -> Rate:
    found, w = is_so[among], weights[among]
    n = equal_rows(found.astype(np.float64), w)
    share = weighted_share(found, w)
    k = math.floor(n * share + ROUNDING) if n else 0
    return Rate(share, *wilson_interval(k, n), k, n)


def weighted_share(is_so: Flags, weights: Floats) -> float:
    """Return the weighted share of the flags [n], in 0..1; NaN without rows."""
    if is_so.size == 0:
        return math.nan
    return float(weights[is_so].sum() / weights.sum())


def equal_rows(values: Floats, weights: Floats) -> int:
    """Return how many rows of equal weight know the mean of values [n] as well.

    The smaller of what the weights alone say and of what the values say too: a few
    heavy rows with values of their own leave little knowledge. n with equal weights,
    0 without rows.
    Source: Kish 1965, section 11.7; Korn and Graubard 1998 for the second.
    """
    if values.size == 0:
        return 0
    total = float(weights.sum())
    by_weights = total**2 / float((weights**2).sum())
    mean = float((weights * values).sum() / total)
    plain = float((weights * (values - mean) ** 2).sum() / total)
    clustered = float((weights**2 * (values - mean) ** 2).sum()) / total**2
    by_values = plain / clustered if clustered > 0 else math.inf
    return max(1, math.floor(min(by_weights, by_values) + ROUNDING))
