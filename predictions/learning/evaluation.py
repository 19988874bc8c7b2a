"""Rates with their intervals, and how good recommendations are at a threshold."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

LEVEL: Final = 0.95

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


class Interval(NamedTuple):
    """A two-sided interval; both ends are NaN when nothing was counted."""

    low: float
    high: float


NOTHING_COUNTED: Final = Interval(math.nan, math.nan)


def wilson_interval(k: int, n: int, *, level: float = LEVEL) -> Interval:
    """Return the Wilson score interval of k successes in n trials, within 0..1.

    n = 0 gives NaN ends.
    Raises: ValueError unless 0 <= k <= n and 0 < level < 1.
    Source: Wilson 1927, without continuity correction.
    """
    _check_counts(k, n, level)
    if n == 0:
        return NOTHING_COUNTED
    z = _normal_quantile(0.5 + level / 2)
    share, z2 = k / n, z * z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # the ends are exactly 0 and 1 at k = 0 and k = n; rounding would miss them
    low = 0.0 if k == 0 else max(0.0, centre - half)
    return Interval(low, 1.0 if k == n else min(1.0, centre + half))


@lru_cache(maxsize=8)
def _normal_quantile(q: float) -> float:
    # A page of figures asks hundreds of times for the same one.
    return float(scipy.special.ndtri(q))


def clopper_pearson(k: int, n: int, *, level: float = LEVEL) -> Interval:
    """Return the exact (conservative) interval of k successes in n trials.

    n = 0 gives NaN ends.
    Raises: ValueError unless 0 <= k <= n and 0 < level < 1.
    Source: Clopper & Pearson 1934, by quantiles of the beta distribution.
    """
    _check_counts(k, n, level)
    if n == 0:
        return NOTHING_COUNTED
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(scipy.special.betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(scipy.special.betaincinv(k + 1, n - k, 1 - tail))
    return Interval(low, high)


class Difference(NamedTuple):
    """The difference of two proportions, first minus second, with its interval."""

    value: float
    low: float
    high: float


def newcombe_difference(
    k1: int, n1: int, k2: int, n2: int, *, level: float = LEVEL
) -> Difference:
    """Return k1/n1 - k2/n2 of independent samples with its interval, within -1..1.

    All three are NaN when either sample is empty.
    Raises: ValueError for impossible counts or level.
    Source: Newcombe 1998, method 10 (Wilson score intervals combined).
    """
    first = wilson_interval(k1, n1, level=level)
    second = wilson_interval(k2, n2, level=level)
    if n1 == 0 or n2 == 0:
        return Difference(math.nan, math.nan, math.nan)
    p1, p2 = k1 / n1, k2 / n2
    down = math.hypot(p1 - first.low, second.high - p2)
    up = math.hypot(first.high - p1, p2 - second.low)
    value = p1 - p2
    return Difference(value, max(-1.0, value - down), min(1.0, value + up))


class Rate(NamedTuple):
    """A share k of n with its Wilson interval; NaN throughout when n is 0."""

    value: float
    low: float
    high: float
    k: int
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        """Return the rate as JSON data, with null for what is not defined."""
        return {key: _null_if_nan(value) for key, value in self._asdict().items()}


def rate(k: int, n: int, *, level: float = LEVEL) -> Rate:
    """Return k of n as a share with its Wilson interval."""
    low, high = wilson_interval(k, n, level=level)
    return Rate(k / n if n else math.nan, low, high, k, n)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of calls (positive or not) against the truth."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def precision(self) -> Rate:
        """Of the positive calls, how many were right."""
        return rate(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> Rate:
        """Of the positives, how many were called."""
        return rate(self.true_positive, self.true_positive + self.false_negative)

    @property
    def false_positive_rate(self) -> Rate:
        """Of the negatives, how many were called positive."""
        return rate(self.false_positive, self.false_positive + self.true_negative)

    @property
    def accuracy(self) -> Rate:
        """Of all, how many calls were right."""
        right = self.true_positive + self.true_negative
        return rate(right, right + self.false_positive + self.false_negative)


def confusion(
    probabilities: ArrayLike, is_positive: ArrayLike, *, threshold: float
) -> Confusion:
    """Count calls against the truth, calling positive at probability >= threshold.

    `probabilities` float [n], `is_positive` bool [n]; a NaN is never called positive.
    Raises: ValueError when the shapes differ.
    """
    called = np.asarray(probabilities, dtype=np.float64) >= threshold
    truth = np.asarray(is_positive, dtype=np.bool_)
    _check_same_shape(called, truth)
    return Confusion(
        true_positive=int(np.sum(called & truth)),
        false_positive=int(np.sum(called & ~truth)),
        false_negative=int(np.sum(~called & truth)),
        true_negative=int(np.sum(~called & ~truth)),
    )


def _check_counts(k: int, n: int, level: float) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"counts: expected 0 <= k <= n, got k={k}, n={n}")
    if not 0 < level < 1:
        raise ValueError(f"level: expected a number between 0 and 1, got {level}")


def _check_same_shape(first: NDArray[np.generic], second: NDArray[np.generic]) -> None:
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"shapes: expected [n] twice: {first.shape}, {second.shape}")


def _null_if_nan(value: float) -> float | int | None:
    return None if math.isnan(value) else value
