"""Say when an error rate has risen: sequential change detection on audited items."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Risen rates that are looked for, as multiples of the tolerated one; equal weights.
RISES: Final = (1.5, 2.0, 4.0, 8.0, 16.0)
MAX_RATE: Final = 0.999

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Alarm:
    """How far the evidence of a rise has come.

    `evidence` is at least 0; an alarm is due from `limit` = 1 / alpha on. `at` is the
    index of the review that raised it, None without one. `began` is the review from
    which on the rise is most likely.
    """

    evidence: float
    limit: float
    at: int | None
    began: int | None


def detect_rise(is_error: ArrayLike, *, tolerated: float, alpha: float) -> Alarm:
    """Watch reviewed items in their order and say when the rate is above `tolerated`.

    `is_error` [n] is 0 or 1 per reviewed item. While the true rate is at or below
    `tolerated` (above 0, below 1), whatever the order, the mean number of reviews until
    a false alarm is at least 1 / `alpha` (0 < alpha < 1).
    Raises: ValueError outside these ranges.
    Source: e-detectors, Shin, Ramdas and Rinaldo 2024: the mean of several e-CUSUM
    detectors, each with the likelihood ratio of one risen rate.
    """
    errors = np.asarray(is_error, dtype=bool)
    if errors.ndim != 1:
        msg = f"A row of 0 and 1 is needed, not an array of shape {errors.shape}."
        raise ValueError(msg)
    if not (0 < tolerated < 1 and 0 < alpha < 1):
        msg = f"0 < tolerated, alpha < 1 is needed, not {tolerated} and {alpha}."
        raise ValueError(msg)
    steps_right, steps_wrong = _log_steps(tolerated)
    state = np.full(len(steps_right), -math.inf)
    starts = np.zeros(len(steps_right), dtype=np.int64)
    goal = -math.log(alpha)
    evidence = -math.inf
    for index, wrong in enumerate(errors):
        # a detector that has come to less than nothing starts again here
        fresh = state <= 0
        starts[fresh] = index
        state = np.maximum(state, 0.0) + (steps_wrong if wrong else steps_right)
        evidence = _log_mean(state)
        if evidence >= goal:
            began = int(starts[int(state.argmax())])
            return Alarm(math.exp(evidence), 1 / alpha, index, began)
    return Alarm(math.exp(evidence), 1 / alpha, None, None)


def _log_steps(tolerated: float) -> tuple[Floats, Floats]:
    """Return what a right and a wrong item add to each detector's log evidence."""
    rates = np.unique([min(tolerated * rise, MAX_RATE) for rise in RISES])
    rates = rates[rates > tolerated]
    if rates.size == 0:
        rates = np.array([(1 + tolerated) / 2])
    right = np.log1p(-rates) - math.log1p(-tolerated)
    return right, np.log(rates) - math.log(tolerated)


def _log_mean(logs: Floats) -> float:
    peak = float(logs.max())
    return peak + math.log(float(np.mean(np.exp(logs - peak))))
