"""Say which features and scores have moved away from what a model was trained on."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predictions.learning.evaluation import Difference, newcombe_difference
from predictions.learning.features import Column, Matrix, feature_value

MIN_ROWS: Final = 30
MIN_DISTANCE: Final = 0.1
MAX_ROWS: Final = 5_000
MIN_PERMUTATIONS: Final = 199
CHUNK: Final = 200  # permutations at a time: about 16 MB for 10,000 rows
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
MAX_VALUES: Final = 10
MISSING: Final = "missing"

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
type Indexes = NDArray[np.intp]
type Verdict = Literal["moved", "slight", "still", "too_few"]


@dataclass(frozen=True, slots=True)
class Change:
    """What one line of a table shows, before and after.

    Of `quantile` the value at it (None where all are missing), of `share` the share of
    rows, 0..1, with the value `of`, or missing.
    """

    what: Literal["quantile", "share"]
    of: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How far one column moved.

    `distance`, 0..1: of a number the greatest difference of its two distributions, of a
    category or boolean the share of rows that would have to change their value; what is
    missing is a value. `p_value` is corrected for all columns; both are NaN with too
    few rows. `moved`: surely, and by the least distance that counts; `slight`: surely,
    but by less; `still`: not surely.
    """

    name: str
    verdict: Verdict
    distance: float
    p_value: float
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All columns, in their order.

    `decisions` is how the share of positive recommendations changed, after less before,
    with its interval; None when not given.
    """

    features: tuple[FeatureDrift, ...]
    n_before: int
    n_after: int
    budget: float
    decisions: Difference | None

    @property
    def moved(self) -> tuple[FeatureDrift, ...]:
        """Those that moved, the farthest first."""
        moved = [one for one in self.features if one.verdict == "moved"]
        return tuple(sorted(moved, key=lambda one: -one.distance))

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON data, with null for what is not a number."""
        decisions = None if self.decisions is None else self.decisions._asdict()
        features = [
            {
                **asdict(one),
                "distance": _or_null(one.distance),
                "p_value": _or_null(one.p_value),
            }
            for one in self.features
        ]
        return {
            "features": features,
            "n_before": self.n_before,
            "n_after": self.n_after,
            "budget": self.budget,
            "decisions": decisions
            and {key: _or_null(value) for key, value in decisions.items()},
        }


def find_drift(
    before: Matrix,
    after: Matrix,
    columns: Sequence[Column],
    *,
    budget: float,
    seed: int,
    min_distance: float = MIN_DISTANCE,
    max_rows: int = MAX_ROWS,
    calls: tuple[Flags, Flags] | None = None,
) -> DriftReport:
    """Hold rows `after` [m, k] against the training reference `before` [n, k].

    A score is a column like any other. While all rows are exchangeable, the chance that
    any column is found to have moved, even slightly, is at most `budget` for one look
    (0 < budget < 1): over all columns together. With fewer than 30 rows on a side, or
    no columns, nothing is said. Beyond `max_rows` a side is sampled with `seed`, which
    also draws the permutations. `calls` are flags [n], [m]: who was recommended as
    positive. Rows that are not exchangeable, as many of one subject, or one side of
    another time of the day or week, are not noise to it: cut both sides alike.
    Raises: ValueError for shapes that differ and a budget out of range.
    Source: permutation test of the Kolmogorov-Smirnov distance (numbers) and the total
    variation (categories), each in units of its own null; over all columns by the
    greatest of them (maxT, Westfall and Young 1993): no Holm and no shares of the
    budget, which would need more permutations and find less in correlated columns.
    """
    k = len(columns)
    if before.ndim != 2 or after.ndim != 2 or {before.shape[1], after.shape[1]} != {k}:
        raise ValueError(f"shapes: {before.shape}, {after.shape} for {k} columns")
    if not 0 < budget < 1:
        raise ValueError(f"budget: expected a number between 0 and 1, got {budget}")
    rng = np.random.default_rng(seed)
    old, new = _sampled(before, max_rows, rng), _sampled(after, max_rows, rng)
    is_enough = min(len(old), len(new)) >= MIN_ROWS and k > 0
    distances, p_values = np.full(k, math.nan), np.full(k, math.nan)
    if is_enough:
        distances, p_values = _tested(old, new, columns, budget, rng)
    found = []
    for index, column in enumerate(columns):
        distance, p_value = float(distances[index]), float(p_values[index])
        verdict = _verdict(distance, p_value, budget, min_distance)
        changes = _changes(column, old[:, index], new[:, index])
        found.append(FeatureDrift(column.name, verdict, distance, p_value, changes))
    decisions = None if calls is None else _share_difference(*calls)
    return DriftReport(tuple(found), len(before), len(after), budget, decisions)


def greatest_difference(before: ArrayLike, after: ArrayLike) -> float:
    """Return the greatest difference of two distributions [n], [m], 0..1.

    What is missing (NaN) is one value, below all others. Neither may be empty.
    Source: Kolmogorov 1933, Smirnov 1939.
    """
    one, other = (np.sort(missing_lowest(row)) for row in (before, after))
    at = np.concatenate((one, other))
    shares = (np.searchsorted(row, at, "right") / row.size for row in (one, other))
    return float(np.abs(next(shares) - next(shares)).max())


def n_permutations(budget: float) -> int:
    """Return how many permutations can refute at this budget, with some to spare."""
    return max(MIN_PERMUTATIONS, math.ceil(2 / budget) - 1)


def _tested(
    old: Matrix,
    new: Matrix,
    columns: Sequence[Column],
    budget: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return each column's distance and its p-value over all columns, both [k]."""
    pooled = np.vstack((old, new))
    ordered = [_order(pooled[:, index]) for index in range(len(columns))]
    is_new = np.arange(len(pooled)) >= len(old)
    parts = [_distances(is_new[None, :], ordered, columns)]
    left = n_permutations(budget)
    while left > 0:
        rows = np.tile(is_new, (min(CHUNK, left), 1))
        parts.append(_distances(rng.permuted(rows, axis=1), ordered, columns))
        left -= CHUNK
    drawn = np.vstack(parts)
    # the observed counts among its null, which keeps all of them exchangeable
    spread = drawn.std(axis=0)
    moves = (drawn - drawn.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    # equal ones may differ by rounding
    is_as_far = moves.max(axis=1)[:, None] >= moves[0][None, :] - 1e-9
    return drawn[0], is_as_far.mean(axis=0)


def _order(cells: Floats) -> tuple[Indexes, Indexes]:
    """Return the rows in ascending order, and where in it each value ends."""
    values = missing_lowest(cells)
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    is_end = np.append(ascending[1:] != ascending[:-1], True)
    return order, np.flatnonzero(is_end)


def _distances(
    is_new: Flags,
    ordered: Sequence[tuple[Indexes, Indexes]],
    columns: Sequence[Column],
) -> Floats:
    """Return the distance of each column for each way [m, n] of cutting: [m, k]."""
    n, n_new = is_new.shape[1], int(is_new[0].sum())
    found = np.empty((len(is_new), len(columns)))
    for index, (order, ends) in enumerate(ordered):
        new = np.cumsum(is_new[:, order], axis=1, dtype=np.int32)[:, ends]
        gaps = new / n_new - (ends + 1 - new) / (n - n_new)
        if columns[index].is_number:
            found[:, index] = np.abs(gaps).max(axis=1)
        else:
            steps = np.diff(gaps, axis=1, prepend=0.0)
            found[:, index] = np.abs(steps).sum(axis=1) / 2
    return found


def _verdict(
    distance: float, p_value: float, budget: float, min_distance: float
) -> Verdict:
    if math.isnan(p_value):
        return "too_few"
    if p_value > budget:
        return "still"
    return "moved" if distance >= min_distance else "slight"


def _changes(column: Column, old: Floats, new: Floats) -> tuple[Change, ...]:
    gone = Change("share", MISSING, _missing_share(old), _missing_share(new))
    if column.is_number:
        quantiles = zip(QUANTILES, _quantiles(old), _quantiles(new), strict=True)
        lines = [Change("quantile", f"{q:g}", one, two) for q, one, two in quantiles]
        return (*lines, gone)
    codes = np.unique(np.concatenate((old, new)))
    shares = [
        Change(
            "share",
            str(feature_value(column, float(code))),
            _share(old == code),
            _share(new == code),
        )
        for code in codes[~np.isnan(codes)]
    ]
    shares.sort(key=lambda one: -abs((one.after or 0) - (one.before or 0)))
    return (*shares[:MAX_VALUES], gone)


def _quantiles(cells: Floats) -> list[float | None]:
    known = cells[~np.isnan(cells)]
    if known.size == 0:
        return [None] * len(QUANTILES)
    return [float(value) for value in np.quantile(known, QUANTILES)]


def _missing_share(cells: Floats) -> float | None:
    return _share(np.isnan(cells))


def _share(flags: Flags) -> float | None:
    return float(flags.mean()) if flags.size else None


def _share_difference(before: Flags, after: Flags) -> Difference:
    return newcombe_difference(
        int(after.sum()), after.size, int(before.sum()), before.size
    )


def _sampled(matrix: Matrix, max_rows: int, rng: np.random.Generator) -> Matrix:
    if len(matrix) <= max_rows:
        return matrix
    return matrix[np.sort(rng.choice(len(matrix), size=max_rows, replace=False))]


def missing_lowest(row: ArrayLike) -> Floats:
    """Return numbers in which what is missing is one value, below all others."""
    return np.nan_to_num(np.asarray(row, dtype=np.float64), nan=-np.inf, neginf=-np.inf)


def _or_null(value: float) -> float | None:
    return value if math.isfinite(value) else None
