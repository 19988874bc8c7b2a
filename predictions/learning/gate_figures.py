"""Figures that gates ask for, each with a 95 % interval."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from predictions.learning.calibration import expected_calibration_error
from predictions.learning.evaluation import (
    LEVEL,
    NOTHING_COUNTED,
    Difference,
    Interval,
    wilson_interval,
)
from predictions.learning.features import Column
from predictions.learning.weighted_calls import (
    ROUNDING,
    Calls,
    WeightedSteps,
    equal_rows,
    weighted_share,
)

N_RESAMPLES: Final = 399
ALMOST_ONE: Final = 1 - 1e-12

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """An expected calibration error of n rows with its interval.

    `by_chance` is what a perfectly calibrated model exceeds at this n with a chance of
    2.5 %.
    """

    value: float
    low: float
    high: float
    n: int
    by_chance: float


@dataclass(frozen=True, slots=True)
class Paired:
    """Who was right on the same held-out rows: flags [n], and which are of a segment.

    `segments` holds flags [n] by name; a row may be of several. `weights` [n] are 1 /
    review probability.
    """

    candidate: Flags
    champion: Flags
    is_positive: Flags
    segments: Mapping[str, Flags]
    weights: Floats | None = None

    def of(self, rows: Flags) -> "Paired":
        """Return the same of some rows, without their segments."""
        weights = None if self.weights is None else self.weights[rows]
        return Paired(
            self.candidate[rows],
            self.champion[rows],
            self.is_positive[rows],
            {},
            weights,
        )

    def counts(self) -> tuple[int, int, int]:
        """Return in how many rows the candidate alone was right, the champion alone.

        And of how many: with weights, those of a sample of equal weights that knows as
        much, in doubt against the candidate.
        """
        won, lost = self.candidate & ~self.champion, self.champion & ~self.candidate
        if self.weights is None:
            return int(won.sum()), int(lost.sum()), won.size
        n = equal_rows(won.astype(np.float64) - lost, self.weights)
        n_lost = (
            math.ceil(n * weighted_share(lost, self.weights) - ROUNDING) if n else 0
        )
        n_won = math.floor(n * weighted_share(won, self.weights) + ROUNDING) if n else 0
        return min(n_won, n - n_lost), n_lost, n


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of a model version; None is what was not.

    `calls`: at the workflow's threshold on the held-out rows, and `steps`, of labels in
    an order, how far they are from the truth. `latencies_ms` [m] and
    `peak_memory_mb`: of scoring the recorded batch. `leaks`: the columns that it reads
    and that know the label too well, `schema_problems` and `artifact_problems`: all in
    words, empty when there are none. Without a champion there is nothing to be worse
    than. `failure` says why the model gave no scores, where it gave none.
    """

    calls: Calls | None = None
    steps: WeightedSteps | None = None
    calibration: CalibrationError | None = None
    paired: Paired | None = None
    has_champion: bool = True
    latencies_ms: Floats | None = None
    peak_memory_mb: float | None = None
    leaks: Sequence[str] | None = None
    schema_problems: Sequence[str] | None = None
    artifact_problems: Sequence[str] | None = None
    failure: str = ""


def calibration_error(
    probabilities: Floats, is_true: Flags, weights: Floats | None = None, *, seed: int
) -> CalibrationError:
    """Return the expected calibration error of float [n] in 0..1 against bool [n].

    Ten bins of equal width, weighted; a 95 % percentile bootstrap over rows drawn with
    `seed`. The figure is too high for few rows, and the bootstrap's still more so: its
    upper end errs on the safe side. NaN throughout when n = 0.
    Source: Naeini, Cooper and Hauskrecht 2015; Efron 1979; `by_chance` from truths
    drawn from the probabilities, Bröcker and Smith 2007.
    """
    n = probabilities.size
    if n == 0:
        return CalibrationError(math.nan, math.nan, math.nan, 0, math.nan)
    w = np.ones(n) if weights is None else weights
    rng = np.random.default_rng(seed)
    drawn, perfect = np.empty(N_RESAMPLES), np.empty(N_RESAMPLES)
    for index in range(N_RESAMPLES):
        rows = rng.integers(0, n, n)
        drawn[index] = expected_calibration_error(
            probabilities[rows], is_true[rows], w[rows]
        )
        truth = rng.random(n) < probabilities
        perfect[index] = expected_calibration_error(probabilities, truth, w)
    tail = (1 - LEVEL) / 2
    low, high, by_chance = (
        float(np.quantile(values, q))
        for values, q in ((drawn, tail), (drawn, 1 - tail), (perfect, 1 - tail))
    )
    value = expected_calibration_error(probabilities, is_true, w)
    return CalibrationError(value, min(low, value), max(high, value), n, by_chance)


def paired_difference(
    only_first: int, only_second: int, n: int, *, level: float = LEVEL
) -> Difference:
    """Return the difference of two shares of the same n rows, first minus second.

    With its interval, within -1..1; NaN when n = 0. `only_first` rows count for the
    first share and not for the second, `only_second` the other way about.
    Raises: ValueError for impossible counts or level.
    Source: Tango 1998: the differences that his score test, which is McNemar's at 0,
    does not refute. Newcombe's method 10 of the same year refutes a true difference up
    to four times too often where the two nearly always agree.
    """
    wilson_interval(only_first + only_second, n, level=level)  # refuses what cannot be
    if n == 0:
        return Difference(math.nan, math.nan, math.nan)
    z = float(scipy.special.ndtri(0.5 + level / 2))
    brentq = scipy.optimize.brentq
    value = (only_first - only_second) / n

    def excess(difference: float) -> float:
        return _score(only_first, only_second, n, difference)

    low, high = -1.0, 1.0
    if only_second < n:
        low = float(brentq(lambda at: excess(at) - z, -ALMOST_ONE, value))
    if only_first < n:
        high = float(brentq(lambda at: excess(at) + z, value, ALMOST_ONE))
    return Difference(value, low, high)


def quantile_interval(values: Floats, q: float, *, level: float = LEVEL) -> Interval:
    """Return an interval for the q-quantile of what values [n] are drawn from.

    Free of any assumption on their distribution but that they are 0 or more: 0 or
    infinity where too few values say nothing of that end. NaN when n = 0.
    Source: order statistics, Thompson 1936.
    """
    n = values.size
    if n == 0:
        return NOTHING_COUNTED
    ordered = np.sort(values)
    below, above = order_numbers(n, q, level=level)
    low = float(ordered[below - 1]) if below >= 1 else 0.0
    return Interval(low, float(ordered[above - 1]) if above <= n else math.inf)


def schema_problems(
    columns: Sequence[Column], declared: Sequence[Column]
) -> tuple[str, ...]:
    """Return in words where a model's columns are not as the workflow declares them."""
    known = {column.name: column for column in declared}
    problems = []
    for column in columns:
        there = known.get(column.name)
        if there is None:
            problems.append(f"{column.name}: the workflow does not declare it")
        elif there.kind != column.kind:
            problems.append(
                f"{column.name}: a {column.kind} to the model, declared as {there.kind}"
            )
        elif unknown := [v for v in there.values if v not in column.values]:
            listed = ", ".join(unknown)
            problems.append(f"{column.name}: the model does not know {listed}")
    return tuple(problems)


def order_numbers(n: int, q: float, *, level: float = LEVEL) -> tuple[int, int]:
    """Return which of n ordered values, from 1 on, enclose the q-quantile.

    0 and n + 1 where none does. Source: as `quantile_interval`.
    """
    tail = (1 - level) / 2
    low, high = scipy.stats.binom.ppf([tail, 1 - tail], n, q)
    return int(low), int(high) + 1


def _score(only_first: int, only_second: int, n: int, difference: float) -> float:
    """Return how many standard errors the counts are above a true difference."""
    a = 2 * n
    b = (2 * n - only_first + only_second) * difference - only_first - only_second
    c = -only_second * difference * (1 - difference)
    # the likeliest share of `only_second` rows with this difference
    share = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = n * (2 * share + difference * (1 - difference))
    gap = only_first - only_second - n * difference
    if variance <= 0:
        return math.copysign(math.inf, gap) if gap else 0.0
    return gap / math.sqrt(variance)
