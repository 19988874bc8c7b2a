"""Candidates side by side on the same held-out rows."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from predictions.learning.calibration import expected_calibration_error
from predictions.learning.evaluation import Rate, confusion
from predictions.learning.repeats import numbered

N_RESAMPLES: Final = 400
TAILS: Final = (2.5, 97.5)

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
type Indexes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its 95 % interval over `n` rows; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Rows that no candidate was fitted on, and what a wrong call costs.

    `truth` [n] says which are positive, `weights` [n] are 1 / review probability,
    `subjects` [n], where known, belong together in a resample.
    """

    truth: Flags
    weights: Floats
    threshold: float
    false_positive: float
    false_negative: float
    subjects: Sequence[str | None] | None = None


@dataclass(frozen=True, slots=True)
class OwnCalls:
    """What differs by candidate: its threshold, and what it costs in each row [n].

    None where the threshold and the costs of the rows hold.
    """

    threshold: float | None = None
    costs: Floats | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """How one candidate does.

    AUC, calibration and cost per item are weighted to all items; rates are counts of
    rows. `dearer` is by how much its cost per item is above that of the cheapest.
    """

    auc: Measured
    recall: Rate
    precision: Rate
    false_positive_rate: Rate
    calibration_error: Measured
    brier: Measured
    cost: Measured
    dearer: Measured

    def to_json(self) -> dict[str, object]:
        """Return the figures as JSON data."""
        rates = ("recall", "precision", "false_positive_rate")
        return asdict(self) | {name: getattr(self, name).to_json() for name in rates}


def side_by_side(
    scored: Mapping[str, tuple[Floats, Floats]],
    rows: HeldOut,
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    own: Mapping[str, OwnCalls] | None = None,
) -> dict[str, Figures]:
    """Return the figures of each candidate from its scores and probabilities, each [n].

    Intervals are percentiles of `n_resamples` resamples of subjects (of rows where
    there are none), the same for all candidates, drawn with `seed`; the calibration
    error has none: resampling only ever raises it.
    Source: Efron 1979; resampling of clusters as in Field and Welsh 2007.
    """
    calls = own or {}
    measured = {
        key: _Measured(*both, rows, calls.get(key, OwnCalls()))
        for key, both in scored.items()
    }
    looks: dict[str, list[tuple[float, float, float]]] = {key: [] for key in scored}
    for weights in _resampled(rows, seed, n_resamples):
        for key, one in measured.items():
            looks[key].append(one.look(weights))
    found = {key: np.array(values) for key, values in looks.items()}
    cheapest = min(found, key=lambda key: found[key][0, COST], default="")
    return {
        key: _figures(measured[key], rows, found[key], found[cheapest])
        for key in scored
    }


AUC, BRIER, COST = range(3)


class _Measured:
    """One candidate's rows, made ready to be weighed again and again."""

    def __init__(
        self, scores: Floats, probabilities: Floats, rows: HeldOut, own: OwnCalls
    ) -> None:
        self.probabilities = probabilities
        self.truth = rows.truth
        self.ranks = np.unique(scores, return_inverse=True)[1]
        self.squared = (probabilities - rows.truth) ** 2
        self.threshold = rows.threshold if own.threshold is None else own.threshold
        called = probabilities >= self.threshold
        self.costs = rows.false_positive * (
            called & ~rows.truth
        ) + rows.false_negative * (~called & rows.truth)
        if own.costs is not None:
            self.costs = own.costs

    def look(self, weights: Floats) -> tuple[float, float, float]:
        """Return AUC, Brier score and cost per item under weights [n]."""
        total = weights.sum()
        if not total:
            return math.nan, math.nan, math.nan
        squared, costs = weights @ self.squared, weights @ self.costs
        return self._auc(weights), float(squared / total), float(costs / total)

    def _auc(self, weights: Floats) -> float:
        """Return the chance that a positive scores higher, ties counted half."""
        size = int(self.ranks.max(initial=0)) + 1
        positive, other = (
            np.bincount(self.ranks, weights=weights * side, minlength=size)
            for side in (self.truth, ~self.truth)
        )
        pairs = positive.sum() * other.sum()
        below = np.cumsum(other) - other
        return float(positive @ (below + other / 2) / pairs) if pairs else math.nan


def _figures(one: _Measured, rows: HeldOut, looks: Floats, cheapest: Floats) -> Figures:
    n = len(rows.truth)
    called = confusion(one.probabilities, rows.truth, threshold=one.threshold)
    ece = expected_calibration_error(one.probabilities, rows.truth, rows.weights)
    return Figures(
        auc=_estimate(looks[:, AUC], n),
        recall=called.recall,
        precision=called.precision,
        false_positive_rate=called.false_positive_rate,
        calibration_error=Measured(_or_none(ece), None, None, n),
        brier=_estimate(looks[:, BRIER], n),
        cost=_estimate(looks[:, COST], n),
        dearer=_estimate(looks[:, COST] - cheapest[:, COST], n),
    )


def _resampled(rows: HeldOut, seed: int, n_resamples: int) -> Iterator[Floats]:
    """Yield the weights [n], then those of each resample."""
    yield rows.weights
    n = len(rows.truth)
    groups = np.arange(n) if rows.subjects is None else _groups(rows.subjects)
    n_groups = int(groups.max(initial=-1)) + 1
    rng = np.random.default_rng(seed)
    for _ in range(n_resamples):
        drawn = rng.integers(0, n_groups, n_groups) if n_groups else groups
        yield rows.weights * np.bincount(drawn, minlength=n_groups)[groups]


def _groups(subjects: Sequence[str | None]) -> Indexes:
    """Return a number per subject [n]; a row without one stands alone."""
    return numbered([i if one is None else one for i, one in enumerate(subjects)])


def _estimate(looks: Floats, n: int) -> Measured:
    """Return the first look, with the interval of those after it."""
    known = looks[1:][np.isfinite(looks[1:])]
    low, high = np.percentile(known, TAILS) if known.size else (math.nan, math.nan)
    return Measured(_or_none(looks[0]), _or_none(low), _or_none(high), n)


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
