"""Say when values have moved away from those on which evidence was gathered."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predictions.learning.monitoring import greatest_difference, missing_lowest
from reviewqueue.trust.withdrawal import watch_steps

MIN_MOVED: Final = 30  # fewer values have no distance worth the name

# Bets on where a value ranks among those before it: higher or lower than most, far
# from or near to the middle. Each is 1 in the mean where nothing has moved.
LOCATION: Final = (-1.8, -1.0, 1.0, 1.8)
SPREAD: Final = (-0.45, 0.9)
N_BETS: Final = len(LOCATION) + len(SPREAD)

MAX_LOG: Final = 700.0  # its exponential is a number still

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the evidence of a move has come, and how far what moved the most did.

    `evidence` is at least 0; with `limit` = 1 / alpha reached, values have moved.
    `name` is the row that moved the most, `distance` (0..1) the greatest difference
    between its distribution before and after; None with too few values to say.
    """

    evidence: float
    limit: float
    name: str
    distance: float | None

    def is_beyond(self, distance: float) -> bool:
        """Say whether the move is sure, and as far as `distance` or farther."""
        is_sure = self.evidence >= self.limit
        return is_sure and self.distance is not None and self.distance >= distance


def detect_drift(
    rows: Mapping[str, ArrayLike], *, n_before: int, alpha: float, seed: int
) -> Drift:
    """Watch numbers in their order and say when they stopped being like those before.

    `rows` holds one row of n numbers each (scores, features; NaN is missing, and
    missing more often is a move, too). The first `n_before` (0..n) are what the others
    are held against. While all n are exchangeable, the chance that `evidence` is at
    1 / `alpha` (0 < alpha < 1) by the m-th of the others is at most m x alpha, however
    often anyone looks; over all rows together. Ties are broken by `seed`.

    Takes memory for the square of the others: give it no more than a block of them.
    Raises: ValueError outside these ranges, and for rows of unequal length.
    Source: conformal test martingales, Vovk, Nouretdinov and Gammerman 2005, as a
    CUSUM: Vovk, Petej, Nouretdinov, Ahlberg, Carlsson and Gammerman 2021; the mean of
    several such detectors is one, Shin, Ramdas and Rinaldo 2024.
    """
    table = {name: np.asarray(row, dtype=np.float64) for name, row in rows.items()}
    n = _length(list(table.values()))
    if not (0 <= n_before <= n and 0 < alpha < 1):
        msg = f"0 <= n_before <= {n}, 0 < alpha < 1 needed, not {n_before}, {alpha}."
        raise ValueError(msg)
    limit = 1 / alpha
    if n_before in {0, n}:
        return Drift(0.0, limit, "", None)
    ranks = [
        _ranks(row[:n_before], row[n_before:], np.random.default_rng([seed, number]))
        for number, row in enumerate(table.values())
    ]
    watch = watch_steps(np.hstack([_log_bets(one) for one in ranks]))
    at = int(watch.log_evidence.argmax())
    name = list(table)[int(watch.states[at].argmax()) // N_BETS]
    moved = table[name][n_before + watch.began(at) :]
    evidence = math.exp(min(watch.log_evidence[at], MAX_LOG))
    distance = distance_between(table[name][:n_before], moved)
    return Drift(evidence, limit, name, distance)


def distance_between(before: ArrayLike, after: ArrayLike) -> float | None:
    """Return the greatest difference of two distributions, 0..1; NaN is a value.

    None with fewer than 30 on one side: so few differ by chance alone.
    Source: as `greatest_difference`.
    """
    if min(np.size(before), np.size(after)) < MIN_MOVED:
        return None
    return greatest_difference(before, after)


def _ranks(before: ArrayLike, after: ArrayLike, rng: np.random.Generator) -> Floats:
    """Return where each of `after` ranks among all until it: even in 0..1 by chance."""
    known, new = np.sort(missing_lowest(before)), missing_lowest(after)
    below = np.searchsorted(known, new, "left")
    equal = np.searchsorted(known, new, "right") - below
    earlier = np.tri(new.size, k=-1, dtype=bool)
    below = below + ((new[None, :] < new[:, None]) & earlier).sum(axis=1)
    equal = equal + ((new[None, :] == new[:, None]) & earlier).sum(axis=1) + 1
    n_until = known.size + 1 + np.arange(new.size)
    return np.asarray((below + rng.random(new.size) * equal) / n_until)


def _log_bets(ranks: Floats) -> Floats:
    """Return what each rank [n] adds to each bet's log evidence [n, N_BETS]."""
    off = ranks[:, None] - 0.5
    location = np.log1p(np.array(LOCATION) * off)
    spread = np.log1p(np.array(SPREAD) * (12 * off**2 - 1))
    return np.hstack((location, spread))


def _length(rows: Sequence[Floats]) -> int:
    lengths = {row.shape for row in rows}
    if len(lengths) != 1 or any(len(shape) != 1 for shape in lengths):
        msg = f"Rows of one length are needed, not of {sorted(lengths)}."
        raise ValueError(msg)
    return rows[0].size
