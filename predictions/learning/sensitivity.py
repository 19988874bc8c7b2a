"""Sensitivity first: the threshold that finds a wanted share of the positives."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class SensitiveThreshold:
    """From which probability on a positive is recommended, and what that rests on.

    `sensitivity` is what was asked for, `n` how many positives there were to set it by.
    With too few for it (`is_enough` is false) it is the lowest of them.
    """

    threshold: float
    sensitivity: float
    n: int
    is_enough: bool


def sensitive_threshold(
    probabilities: ArrayLike,
    is_positive: ArrayLike,
    *,
    sensitivity: float,
    at_most: float,
) -> SensitiveThreshold:
    """Return a threshold that a further positive reaches with that chance at least.

    Of probabilities [n] and flags [n] of rows that the model was not fitted on; the
    chance is over those rows and the further one, all exchangeable. Never above
    `at_most`, so that it asks for no less than the costs do. 1 / (1 - sensitivity) - 1
    positives are the fewest that say anything.
    Raises: ValueError unless 0 < sensitivity < 1 and some row is positive.
    Source: split conformal prediction within a class, Vovk 2012, proposition 3.
    """
    if not 0 < sensitivity < 1:
        raise ValueError(f"sensitivity: between 0 and 1, got {sensitivity}")
    found = np.asarray(probabilities, dtype=np.float64)
    reached = np.sort(found[np.asarray(is_positive, dtype=np.bool_)])
    n = int(reached.size)
    if n == 0:
        raise ValueError("sensitivity: no positive row to set a threshold by")
    # of n + 1 positives in any order, this many may be below; rounding would lose one
    missed = math.floor((n + 1) * (1 - sensitivity) + 1e-9)
    lowest = float(reached[max(missed, 1) - 1])
    return SensitiveThreshold(min(lowest, at_most), sensitivity, n, missed >= 1)
