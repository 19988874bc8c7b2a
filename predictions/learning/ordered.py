"""How far judgements of ordered labels are apart: kappa, under and over, cost."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predictions.learning.evaluation import Rate, rate, wilson_interval
from predictions.learning.label_terms import LabelTerms

RESAMPLES: Final = 2000
# An interval rests on at least this share of the resamples.
MIN_DEFINED: Final = 0.95
MIN_PAIRS: Final = 30

type Floats = NDArray[np.float64]
type Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WeightedKappa:
    """Quadratic-weighted kappa of n pairs with a 95 % interval; NaN where undefined.

    1: always the same, 0: as by chance. An error of two steps counts as four of one.
    """

    value: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        """Return the figure as JSON data, with null for what is not defined."""
        found: dict[str, Any] = asdict(self)
        return {
            key: None if isinstance(one, float) and math.isnan(one) else one
            for key, one in found.items()
        }


@dataclass(frozen=True, slots=True)
class OrderedFigures:
    """What was said against what is true, of labels in an order.

    `under`: said lower than true, `over`: higher, both of all n.
    """

    kappa: WeightedKappa
    under: Rate
    over: Rate

    @property
    def is_too_few(self) -> bool:
        return self.kappa.n < MIN_PAIRS

    def to_json(self) -> dict[str, object]:
        """Return the figures as JSON data."""
        return {
            "weighted_kappa": self.kappa.to_json(),
            "under": self.under.to_json(),
            "over": self.over.to_json(),
        }


def ranks_of(labels: Sequence[str] | NDArray[np.str_], terms: LabelTerms) -> Counts:
    """Return the place of each label in the order [n]; -1 for one that has none."""
    place = {key: index for index, key in enumerate(terms.order)}
    found = (place.get(str(label), -1) for label in labels)
    return np.fromiter(found, dtype=np.int64, count=len(labels))


def ordered_figures(
    said: Sequence[str] | NDArray[np.str_],
    truth: Sequence[str] | NDArray[np.str_],
    terms: LabelTerms,
    *,
    seed: int,
) -> OrderedFigures:
    """Hold labels [n] against the true ones [n]; those outside the order do not count.

    Raises: ValueError when the lengths differ.
    """
    first, second = _both_ranked(ranks_of(said, terms), ranks_of(truth, terms))
    n = first.size
    return OrderedFigures(
        kappa=quadratic_kappa(first, second, n_labels=len(terms.order), seed=seed),
        under=rate(int((first < second).sum()), n),
        over=rate(int((first > second).sum()), n),
    )


def quadratic_kappa(
    first: ArrayLike, second: ArrayLike, *, n_labels: int, seed: int
) -> WeightedKappa:
    """Return Cohen's kappa with quadratic weights of places 0.. in an order, [n] each.

    NaN without a pair, and where both only ever say one and the same label. The 95 %
    interval is the percentile bootstrap over pairs (2000 resamples drawn with `seed`;
    those where it is not defined are left out, and when more than one in twenty is,
    there is none). Where all agree resampling shows no spread: the lower end then takes
    Wilson's of as many agreeing pairs, a disagreement as wide as the order.
    Raises: ValueError for lengths that differ.
    Source: Cohen 1968, weighted kappa; Efron 1979.
    """
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"shapes: expected [n] twice: {a.shape}, {b.shape}")
    n = a.size
    if n == 0:
        return WeightedKappa(math.nan, math.nan, math.nan, 0)
    k = max(n_labels, 1)
    cells = np.bincount(a * k + b, minlength=k * k)
    value, chance = (float(one[0]) for one in _kappas(cells[None, :], k))
    drawn = np.random.default_rng(seed).multinomial(n, cells / n, size=RESAMPLES)
    found = _kappas(drawn, k)[0]
    known = found[np.isfinite(found)]
    low = high = math.nan
    if value == 1:
        apart = 1 - wilson_interval(n, n).low
        low, high = max(-1.0, 1 - apart / chance), 1.0
    elif known.size >= MIN_DEFINED * RESAMPLES:
        low, high = (float(end) for end in np.quantile(known, [0.025, 0.975]))
    return WeightedKappa(value, low, high, n)


def mean_cost(costs: ArrayLike, *, seed: int) -> tuple[float, float, float]:
    """Return the mean of costs [n] with its 95 % interval; NaN throughout without.

    Percentile bootstrap of 2000 resamples drawn with `seed`. Source: Efron 1979.
    """
    values, counts = np.unique(np.asarray(costs, dtype=np.float64), return_counts=True)
    n = int(counts.sum())
    if n == 0:
        return math.nan, math.nan, math.nan
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, size=RESAMPLES)
    low, high = np.quantile(drawn @ values / n, [0.025, 0.975])
    return float(values @ counts / n), float(low), float(high)


def _both_ranked(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    if first.shape != second.shape:
        raise ValueError(f"shapes: expected [n] twice: {first.shape}, {second.shape}")
    known = (first >= 0) & (second >= 0)
    return first[known], second[known]


def _kappas(cells: Counts, k: int) -> tuple[Floats, Floats]:
    """Return kappa and the disagreement by chance of counts [r, k * k], each [r]."""
    tables = cells.reshape(-1, k, k).astype(np.float64)
    n = tables.sum(axis=(1, 2))
    steps = np.subtract.outer(np.arange(k), np.arange(k)).astype(np.float64)
    apart = steps**2 / max(k - 1, 1) ** 2
    observed = (tables * apart).sum(axis=(1, 2)) / n
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    chance = np.einsum("ri,ij,rj->r", rows, apart, columns) / n**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance > 0, 1 - observed / chance, np.nan), chance
