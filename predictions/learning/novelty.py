"""How unlike its training data an item is: a distance, and a calibrated p-value. Pure.

Sources: the distance is Mahalanobis' (1936) with the shrunk covariance of Ledoit and
Wolf (2004), over values brought to one scale; the p-value is conformal: Laxhammar and
Falkman 2014, conformal anomaly detection; Bates et al. 2023, testing for outliers with
conformal p-values (Annals of Statistics 51:1), eq. 2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from predictions.learning.features import Column, Matrix
from predictions.learning.reference import Reference

type Floats = NDArray[np.float64]

# Fewer rows say neither what is usual nor how often it is left.
MIN_FITTED: Final = 100
MIN_CALIBRATED: Final = 50
# One value this rare, or this far out, is unusual by itself.
RARE: Final = 0.01
MAX_TOLD: Final = 3
# Added to each variance: what never changed has one, too.
FLOOR: Final = 1e-3
_IQR_OF_NORMAL: Final = 1.349


@dataclass(frozen=True, slots=True)
class Oddity:
    """A value that is unusual by itself, among the rows that a model learnt from.

    `kind`: a number outside of what `low` to `high` hold (99 % of the rows), a value or
    a gap met in the `share` of the rows, 0..1.
    """

    column: str
    kind: Literal["range", "rare", "missing"]
    share: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class _Scale:
    """How cells of one column become distances.

    `surprise` [v + 1] of a category: of each code, and of a code never seen.
    """

    is_number: bool
    centre: float
    spread: float
    surprise: Floats
    of_missing: float
    of_known: float


@dataclass(frozen=True, slots=True)
class Novelty:
    """What rows like the training data look like; `of` makes it from a sample.

    `precision` [2k, 2k]: inverse covariance of the scaled values and gaps; `centre`
    [2k] their mean; `held_out` [m]: distances of the rows not fitted on, ascending.
    """

    scales: tuple[_Scale, ...]
    centre: Floats
    precision: Floats
    held_out: Floats

    @classmethod
    def of(cls, reference: Reference) -> "Novelty | None":
        """Learn what is usual from a sample; None with too few rows to say.

        The rows that the model was fitted on give the distance, the others its
        distribution: nothing is calibrated on what it was made from.
        """
        fitted = reference.matrix[~reference.is_held_out]
        held_out = reference.matrix[reference.is_held_out]
        if len(fitted) < MIN_FITTED or len(held_out) < MIN_CALIBRATED:
            return None
        scales = tuple(
            _scale(fitted[:, index], column)
            for index, column in enumerate(reference.columns)
        )
        scaled = _scaled(fitted, scales)
        centre = np.asarray(scaled.mean(axis=0), dtype=np.float64)
        never_still = shrunk_covariance(scaled) + FLOOR * np.eye(len(centre))
        precision = np.asarray(np.linalg.inv(never_still), dtype=np.float64)
        made = cls(scales, centre, precision, np.empty(0))
        return cls(scales, centre, precision, np.sort(made.distances(held_out)))

    def distances(self, matrix: Matrix) -> Floats:
        """Return squared distances [n] of the rows of `matrix` [n, k], 0 or more."""
        away = _scaled(matrix, self.scales) - self.centre
        squared = ((away @ self.precision) * away).sum(axis=1)
        return np.asarray(np.maximum(squared, 0.0), dtype=np.float64)

    def p_values(self, matrix: Matrix) -> Floats:
        """Return [n] values in (0, 1]: small where a row is unlike the training data.

        Of rows that are exchangeable with those held out, at most a share `a` has a
        value of `a` or less, for each `a`. The least is 1 / (m + 1).
        """
        n_before = np.searchsorted(self.held_out, self.distances(matrix), side="left")
        n_further = len(self.held_out) - n_before
        p = (1.0 + n_further) / (1.0 + len(self.held_out))
        return np.asarray(p, dtype=np.float64)


def shrunk_covariance(rows: Floats) -> Floats:
    """Return the covariance [d, d] of rows [n, d], drawn towards equal variances.

    Source: Ledoit and Wolf 2004, eq. 14. The same as scikit-learn's `ledoit_wolf`,
    which every web process would have to load for it: a second at each start.
    """
    n, d = rows.shape
    away = rows - rows.mean(axis=0)
    sample = away.T @ away / n
    mean = np.trace(sample) / d
    spread = max(float(np.square(sample).sum() / d - mean**2), 0.0)
    squares = np.square(away)
    noise = float((squares.T @ squares).sum() / n - np.square(sample).sum()) / (d * n)
    share = min(noise, spread) / spread if spread else 0.0
    shrunk = (1 - share) * sample + share * mean * np.eye(d)
    return np.asarray(shrunk, dtype=np.float64)


def oddities(row: Floats, reference: Reference) -> list[Oddity]:
    """Return what is unusual by itself in a row [k], the rarest first, at most three.

    Empty where each value is usual: then it is their combination.
    """
    fitted = reference.matrix[~reference.is_held_out]
    found = [
        odd
        for index, column in enumerate(reference.columns)
        if (odd := _oddity(float(row[index]), fitted[:, index], column)) is not None
    ]
    return sorted(found, key=lambda odd: odd.share)[:MAX_TOLD]


def _oddity(value: float, cells: Floats, column: Column) -> Oddity | None:
    known = cells[~np.isnan(cells)]
    if math.isnan(value):
        share = 1 - len(known) / len(cells)
        return Oddity(column.name, "missing", share) if share < RARE else None
    if not len(known):
        return Oddity(column.name, "rare", 0.0)
    if not column.is_number:
        share = float(np.mean(known == value))
        return Oddity(column.name, "rare", share) if share < RARE else None
    low, high = (float(end) for end in np.quantile(known, [RARE / 2, 1 - RARE / 2]))
    if low <= value <= high:
        return None
    beyond = known >= value if value > high else known <= value
    return Oddity(column.name, "range", float(np.mean(beyond)), low, high)


def _scale(cells: Floats, column: Column) -> _Scale:
    known = cells[~np.isnan(cells)]
    n, n_known = len(cells), len(known)
    gaps = (_surprise(n - n_known, n), _surprise(n_known, n))
    if not column.is_number:
        n_values = max(len(column.values), 2)
        counts = np.bincount(known.astype(np.intp), minlength=n_values)
        surprise = np.array([_surprise(int(c), n_known) for c in (*counts, 0)])
        return _Scale(False, 0.0, 1.0, surprise, *gaps)
    if not n_known:
        return _Scale(True, 0.0, 1.0, np.empty(0), *gaps)
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    spread = (high - low) / _IQR_OF_NORMAL or known.std() or 1.0
    return _Scale(True, float(middle), float(spread), np.empty(0), *gaps)


def _surprise(count: int, n: int) -> float:
    """Return -log of a share, with one row of what never came (Laplace)."""
    return -math.log((count + 1) / (n + 2))


def _scaled(matrix: Matrix, scales: Sequence[_Scale]) -> Floats:
    """Return values and gaps [n, 2k] on one scale, of the first k cells of a row.

    A number counts its spreads from the middle, linear near it and as a logarithm far
    out (asinh), so that long tails do not hide what lies beyond them; a category how
    seldom it came. What is missing has no value, and counts how seldom it is missing.
    """
    n, k = len(matrix), len(scales)
    scaled = np.zeros((n, 2 * k))
    for index, scale in enumerate(scales):
        cells = matrix[:, index]
        known = ~np.isnan(cells)
        if scale.is_number:
            values = np.arcsinh((cells[known] - scale.centre) / scale.spread)
        else:
            last = len(scale.surprise) - 1
            values = scale.surprise[np.minimum(cells[known].astype(np.intp), last)]
        scaled[known, index] = values
        scaled[:, k + index] = np.where(known, scale.of_known, scale.of_missing)
    return scaled
