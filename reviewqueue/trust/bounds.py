"""Bounds on an error rate that hold at every moment, however often one looks.

A confidence sequence gives a bound for each number of reviews such that all of them
hold at once with probability 1 - delta. A fixed-sample bound (Wilson, Clopper-Pearson)
holds for one number of reviews that was chosen before; looked at after every review,
and acted on when it looks good, it is wrong far more often than it says.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

# The mixture's beta prior: half its weight on small rates, where grants are decided.
PRIOR_A: Final = 0.5
PRIOR_B: Final = 1.0
# Bets of the weighted bound, and what is put on each: most on the largest, which need
# the fewest reviews; the smallest serve review probabilities below a thousandth.
STAKES: Final = tuple(float(c) for c in np.geomspace(0.95, 1e-5, 40))
_FALLING: Final = 1 / np.arange(1, len(STAKES) + 1)
CAPITALS: Final = tuple(float(one) for one in _FALLING / _FALLING.sum())
TINY: Final = 5e-324  # where the share is too small for a number, as little as one
MAX_REVIEWS: Final = 10_000_000

type Floats = NDArray[np.float64]


def upper_bound(errors: int, reviews: int, *, delta: float) -> float:
    """Return an upper confidence sequence for an error rate, within 0..1.

    Of all workflows, at most a share `delta` ever has a true rate above its bound at
    any number of reviews, if the reviewed items are drawn from one rate. No reviews
    give 1. Raises: ValueError unless 0 <= errors <= reviews and 0 < delta < 1.
    Source: the beta-binomial mixture of Robbins 1970, as in Howard, Ramdas, McAuliffe
    and Sekhon 2021; one-sided, by a prior cut off at the rate that is tested.
    """
    _check(errors, reviews, delta)
    if errors == reviews:
        return 1.0
    log_goal = -math.log(delta)

    def excess(rate: float) -> float:
        return log_evidence_below(errors, reviews, rate=rate) - log_goal

    low = max(errors / reviews, 1e-15)
    high = 1 - 1e-12
    if excess(high) < 0:
        return 1.0
    return float(scipy.optimize.brentq(excess, low, high, xtol=1e-15, rtol=1e-14))


def lower_bound(errors: int, reviews: int, *, delta: float) -> float:
    """Return a lower confidence sequence for an error rate; as `upper_bound`."""
    return 1.0 - upper_bound(reviews - errors, reviews, delta=delta)


def two_sided_bounds(errors: int, reviews: int, *, delta: float) -> tuple[float, float]:
    """Return both ends, each at delta / 2; as `upper_bound`."""
    half = delta / 2
    return (
        lower_bound(errors, reviews, delta=half),
        upper_bound(errors, reviews, delta=half),
    )


def log_evidence_below(errors: int, reviews: int, *, rate: float) -> float:
    """Return the log of the evidence that the true rate is below `rate` (0 < rate < 1).

    Its exponential is an e-process under every true rate >= `rate`: it reaches 1/delta
    with probability at most delta, ever. Source: as `upper_bound`; each likelihood
    ratio of a smaller rate against `rate` falls with every error, so that its mean
    stays at or below 1 for the larger rates too.
    """
    correct = reviews - errors
    beta = scipy.special
    after = beta.betaln(PRIOR_A + errors, PRIOR_B + correct)
    mixture = after - beta.betaln(PRIOR_A, PRIOR_B)
    # how much of the posterior, and of the prior, lies below the rate
    below = beta.betainc(PRIOR_A + errors, PRIOR_B + correct, rate) or TINY
    share = math.log(below) - math.log(beta.betainc(PRIOR_A, PRIOR_B, rate))
    null = errors * math.log(rate) + correct * math.log1p(-rate)
    return float(mixture + share - null)


def reviews_needed(errors: int, *, rate: float, delta: float) -> int | None:
    """Return with how many reviews, `errors` of them wrong, the bound reaches `rate`.

    None when more than ten million are needed.
    Raises: ValueError unless 0 < rate < 1.
    """
    if not 0 < rate < 1:
        msg = f"A rate is above 0 and below 1, not {rate}."
        raise ValueError(msg)

    log_goal = -math.log(delta)

    def is_enough(reviews: int) -> bool:
        # the bound is at or under the rate; to solve for it would take far longer
        if errors >= rate * reviews:
            return False
        return log_evidence_below(errors, reviews, rate=rate) >= log_goal

    return _first(is_enough, start=errors + 1)


@dataclass(frozen=True, slots=True)
class Weighted:
    """What was reviewed at each review probability: arrays of equal length [levels].

    `probabilities` in (0, 1]; `reviews` of items drawn at each; `errors` among them, at
    most as many. Items that were not drawn, or are not resolved, are not in it.
    """

    probabilities: Floats
    reviews: NDArray[np.int64]
    errors: NDArray[np.int64]

    @classmethod
    def of(
        cls, probabilities: ArrayLike, reviews: ArrayLike, errors: ArrayLike
    ) -> "Weighted":
        """Check and keep. Raises: ValueError for what cannot have been seen."""
        p = np.asarray(probabilities, dtype=np.float64)
        n = np.asarray(reviews, dtype=np.int64)
        k = np.asarray(errors, dtype=np.int64)
        if not p.shape == n.shape == k.shape or p.ndim != 1:
            msg = (
                f"Arrays of one length are needed, not {p.shape}, {n.shape}, {k.shape}."
            )
            raise ValueError(msg)
        if not np.all((p > 0) & (p <= 1)):
            msg = "A review probability is above 0 and at most 1."
            raise ValueError(msg)
        if not np.all((k >= 0) & (k <= n)):
            msg = "There are at most as many errors as reviews, and none below 0."
            raise ValueError(msg)
        return cls(p, n, k)


def weighted_upper_bound(seen: Weighted, *, delta: float) -> float:
    """Return an upper confidence sequence for the error rate over all items.

    For items reviewed at several known probabilities p, whatever these depend on: each
    reviewed one stands for 1 / p of all. No reviews give 1.
    Raises: ValueError unless 0 < delta < 1.
    Source: betting, Waudby-Smith and Ramdas 2024, with importance weights. Among the
    reviewed, (rate - error) / p has a mean of at most 0 where the true rate is at or
    above `rate`. A stake is the same for all items: one that followed p would test the
    rate of those that are reviewed more often. The stakes are a fixed mixture, so that
    counts per probability are all that is needed and order does not matter.
    """
    _check(0, 0, delta)
    if int(seen.reviews.sum()) == 0:
        return 1.0
    log_goal = -math.log(delta)

    def excess(rate: float) -> float:
        return _log_capital(seen, rate) - log_goal

    high = 1 - 1e-12
    if excess(high) < 0:
        return 1.0
    weights = 1 / seen.probabilities
    estimate = float(np.sum(seen.errors * weights) / np.sum(seen.reviews * weights))
    low = min(max(estimate, 1e-15), high)
    if excess(low) >= 0:
        return low
    return float(scipy.optimize.brentq(excess, low, high, xtol=1e-15, rtol=1e-14))


def _log_capital(seen: Weighted, rate: float) -> float:
    """Return the log of the capital of one who bets that the rate is smaller."""
    stakes = np.asarray(STAKES)[:, None] / seen.probabilities[None, :]
    # what an error could ruin is given up: its share of the capital is lost
    is_kept = (stakes[:, seen.reviews > 0] < 1).all(axis=1)
    if not is_kept.any():
        return -math.inf
    lost = np.log1p(-np.where(stakes < 1, stakes, 0)[is_kept])
    won = np.log1p(stakes[is_kept] * rate / (1 - rate))
    logs = lost @ seen.errors + won @ (seen.reviews - seen.errors)
    peak = float(logs.max())
    capitals = np.asarray(CAPITALS)[is_kept]
    return peak + math.log(float(capitals @ np.exp(logs - peak)))


def _first(is_enough: Callable[[int], bool], *, start: int) -> int | None:
    """Return the smallest number that is enough, given that all larger ones are."""
    high = start
    while not is_enough(high):
        if high >= MAX_REVIEWS:
            return None
        high = min(high * 2, MAX_REVIEWS)
    low = start
    while low < high:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _check(errors: int, reviews: int, delta: float) -> None:
    if not 0 <= errors <= reviews:
        msg = f"0 <= errors <= reviews is needed, not {errors} and {reviews}."
        raise ValueError(msg)
    if not 0 < delta < 1:
        msg = f"delta is above 0 and below 1, not {delta}."
        raise ValueError(msg)
