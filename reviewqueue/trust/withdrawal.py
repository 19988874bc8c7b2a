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
    if errors.size == 0:
        return Alarm(0.0, 1 / alpha, None, None)
    steps_right, steps_wrong = log_steps(tolerated)
    watch = watch_steps(np.where(errors[:, None], steps_wrong, steps_right))
    over = np.flatnonzero(watch.log_evidence >= -math.log(alpha))
    if over.size == 0:
        return Alarm(math.exp(watch.log_evidence[-1]), 1 / alpha, None, None)
    at = int(over[0])
    evidence = math.exp(watch.log_evidence[at])
    return Alarm(evidence, 1 / alpha, at, watch.began(at))


@dataclass(frozen=True, slots=True)
class Watch:
    """Several e-CUSUM detectors over the same n steps, and their mean.

    `log_evidence` [n] is the log of the mean; `states` [n, k] each detector's own.
    """

    log_evidence: Floats
    states: Floats
    sums_before: Floats
    lowest: Floats

    def began(self, at: int) -> int:
        """Return the step from which on the leading detector has risen until `at`."""
        leader = int(self.states[at].argmax())
        before = self.sums_before[: at + 1, leader]
        return int(np.flatnonzero(before <= self.lowest[at, leader])[-1])


def watch_steps(steps: Floats) -> Watch:
    """Run detectors over what each of n > 0 steps adds to their log evidence [n, k].

    A detector that has come to less than nothing starts again: what it holds is what
    was added since the lowest sum before.
    """
    sums = np.cumsum(steps, axis=0)
    before = np.vstack((np.zeros((1, sums.shape[1])), sums[:-1]))
    lowest = np.minimum.accumulate(before)
    states = sums - lowest
    return Watch(_log_mean(states), states, before, lowest)


def log_steps(tolerated: float) -> tuple[Floats, Floats]:
    """Return what a right and a wrong item add to each detector's log evidence."""
    rates = np.unique([min(tolerated * rise, MAX_RATE) for rise in RISES])
    rates = rates[rates > tolerated]
    if rates.size == 0:
        rates = np.array([(1 + tolerated) / 2])
    right = np.log1p(-rates) - math.log1p(-tolerated)
    return right, np.log(rates) - math.log(tolerated)


def _log_mean(logs: Floats) -> Floats:
    """Return, per row of logs [n, k], the log of the mean of what they stand for."""
    peak = logs.max(axis=1)
    mean = np.exp(logs - peak[:, None]).mean(axis=1)
    return np.asarray(peak + np.log(mean), dtype=np.float64)
