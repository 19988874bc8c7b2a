"""Rates over all items, reviewed or not, from the reviewed ones and their weights."""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WeightedRate:
    """A share of all items with a 95 % interval; NaN throughout without any review.

    `n` items were reviewed; they say as much as `n_effective` drawn evenly would.
    """

    value: float
    low: float
    high: float
    n: int
    n_effective: float


def weighted_share(
    is_true: ArrayLike,
    probabilities: ArrayLike,
    *,
    counts: ArrayLike | None = None,
    level: float = 0.95,
) -> WeightedRate:
    """Estimate the share of true ones among all items from the reviewed ones [n].

    Each reviewed item stands for 1 / its review probability (0 < p <= 1) of all. With
    `counts` [n], a row stands for so many reviewed items alike. For one look: never a
    ground for a grant. Raises: ValueError for lengths that differ, p outside its range,
    a count below 0.
    Source: Hájek 1971; the variance of the linearised ratio as if drawn with
    replacement (large where p is near 1); its interval is Wilson's at the effective
    number, as Korn and Graubard 1998 do it for Clopper-Pearson, so that it has a width
    where all answers agree. The effective number is never above Kish's.
    """
    truth, weights, copies = _checked(is_true, probabilities, counts)
    n = int(copies.sum())
    if n == 0:
        return WeightedRate(math.nan, math.nan, math.nan, 0, 0.0)
    mass = copies * weights
    total = float(mass.sum())
    # the same sum over the same rows where all are true: exactly 1
    value = float(np.where(truth, mass, 0.0).sum()) / total
    n_effective = total**2 / float(mass @ weights)
    residuals = weights * (truth - value)
    variance = float(copies @ residuals**2) / total**2
    if variance > 0:
        n_effective = min(n_effective, value * (1 - value) / variance)
    low, high = _wilson(value, n_effective, level)
    return WeightedRate(value, low, high, n, n_effective)


@dataclass(frozen=True, slots=True)
class Performance:
    """How recommendations do over all items; "positive" as the workflow declares."""

    accuracy: WeightedRate
    precision: WeightedRate
    recall: WeightedRate
    false_positive_rate: WeightedRate
    prevalence: WeightedRate


def weighted_performance(
    recommended_positive: ArrayLike,
    is_positive: ArrayLike,
    probabilities: ArrayLike,
    *,
    counts: ArrayLike | None = None,
    level: float = 0.95,
) -> Performance:
    """Estimate accuracy, precision, recall and false-positive rate over all items.

    Arrays [n] of the reviewed items: what was recommended, what is true, the review
    probability; how many are alike, one by default. A rate whose group has no reviewed
    item is NaN. Raises: as `weighted_share`.
    """
    said = np.asarray(recommended_positive, dtype=np.bool_)
    truth = np.asarray(is_positive, dtype=np.bool_)
    p = np.asarray(probabilities, dtype=np.float64)
    n = np.ones(p.shape) if counts is None else np.asarray(counts, dtype=np.float64)
    if not said.shape == truth.shape == p.shape == n.shape:
        msg = f"Rows of one length are needed: {said.shape}, {truth.shape}, {p.shape}."
        raise ValueError(msg)

    def share(is_true: Flags, of: Flags) -> WeightedRate:
        return weighted_share(is_true[of], p[of], counts=n[of], level=level)

    everything = np.ones(said.shape, dtype=np.bool_)
    return Performance(
        accuracy=share(said == truth, everything),
        precision=share(truth, said),
        recall=share(said, truth),
        false_positive_rate=share(said, ~truth),
        prevalence=share(truth, everything),
    )


def _wilson(value: float, n: float, level: float) -> tuple[float, float]:
    z = float(scipy.special.ndtri(0.5 + level / 2))
    z2 = z * z
    centre = (value + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(value * (1 - value) / n + z2 / (4 * n * n))
    # the ends are exactly 0 and 1 where all agree; rounding would miss them
    low = 0.0 if value == 0 else max(0.0, centre - half)
    return low, 1.0 if value == 1 else min(1.0, centre + half)


def _checked(
    is_true: ArrayLike, probabilities: ArrayLike, counts: ArrayLike | None
) -> tuple[Flags, Floats, Floats]:
    truth = np.asarray(is_true, dtype=np.bool_)
    p = np.asarray(probabilities, dtype=np.float64)
    n = np.ones(p.shape) if counts is None else np.asarray(counts, dtype=np.float64)
    if not truth.shape == p.shape == n.shape or truth.ndim != 1:
        msg = f"Rows of one length are needed: {truth.shape}, {p.shape}, {n.shape}."
        raise ValueError(msg)
    if not np.all((p > 0) & (p <= 1)):
        msg = "A review probability is above 0 and at most 1."
        raise ValueError(msg)
    if not np.all(n >= 0):
        msg = "A count is not below 0."
        raise ValueError(msg)
    return truth, np.asarray(1.0 / p, dtype=np.float64), n
