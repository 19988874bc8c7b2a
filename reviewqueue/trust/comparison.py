"""Judge a challenger against the champion on the same randomly audited items."""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from reviewqueue.trust.bounds import CAPITALS, MAX_REVIEWS, STAKES

ALMOST_ONE: Final = 1 - 1e-12

type Floats = NDArray[np.float64]
type Verdict = Literal["better", "no_worse", "worse", "undecided"]


@dataclass(frozen=True, slots=True)
class Paired:
    """What audited items say of two models: arrays of equal length [m].

    `differences` are the challenger's loss less the champion's, in units of the
    greatest loss, -1..1; `probabilities` the items' review probabilities, (0, 1];
    `counts` how many items have both. `champion` and `challenger` are the weighted mean
    losses over all items (Hájek), NaN without any; `unit` is the greatest loss.
    """

    differences: Floats
    probabilities: Floats
    counts: NDArray[np.int64]
    champion: float
    challenger: float
    unit: float

    @classmethod
    def of(
        cls,
        champion: ArrayLike,
        challenger: ArrayLike,
        probabilities: ArrayLike,
        *,
        max_loss: float = 1.0,
        counts: ArrayLike | None = None,
    ) -> "Paired":
        """Check and count: each model's loss on every audited item, float [n].

        Row i stands for `counts[i]` items, or one. A loss is 0 or 1 (right or wrong),
        or a cost of at most `max_loss`, which is to be known before any item is: the
        greatest seen would be no bound on the next.
        Raises: ValueError for lengths that differ and what is out of range.
        """
        one, other, p = (
            np.asarray(row, dtype=np.float64)
            for row in (champion, challenger, probabilities)
        )
        if not one.shape == other.shape == p.shape or one.ndim != 1:
            msg = (
                f"Rows of one length are needed: {one.shape}, {other.shape}, {p.shape}."
            )
            raise ValueError(msg)
        if not np.all((p > 0) & (p <= 1)):
            msg = "A review probability is above 0 and at most 1."
            raise ValueError(msg)
        losses = np.concatenate((one, other, [0.0]))
        if not (max_loss > 0 and np.all((losses >= 0) & (losses <= max_loss))):
            msg = f"A loss is at least 0 and at most {max_loss}, which is above 0."
            raise ValueError(msg)
        n = np.ones(p.shape) if counts is None else np.asarray(counts, dtype=np.float64)
        pairs = np.column_stack(((other - one) / max_loss, p))
        kinds, places = np.unique(pairs, axis=0, return_inverse=True)
        summed = np.bincount(places, weights=n, minlength=len(kinds)).astype(np.int64)
        total = float(np.sum(n / p)) or math.nan
        champion, challenger = (
            float(np.sum(n * row / p)) / total for row in (one, other)
        )
        differences, levels = kinds[:, 0], kinds[:, 1]
        return cls(differences, levels, summed, champion, challenger, max_loss)

    @property
    def n(self) -> int:
        """How many items were audited."""
        return int(self.counts.sum())

    @property
    def n_differ(self) -> int:
        """On how many of them the two models' losses differ."""
        return int(self.counts[self.differences != 0].sum())


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is known of the challenger's mean loss less the champion's, over all items.

    `difference` is the estimate, `low` and `high` enclose the truth at every look; all
    in the unit of the losses, NaN, -max and max without any item. `more_needed` audits
    are likely to decide an undecided comparison; None where it is decided, where
    nothing was audited, and where no number would do. `says` is the verdict in words.
    """

    verdict: Verdict
    difference: float
    low: float
    high: float
    champion: float
    challenger: float
    n: int
    n_differ: int
    more_needed: int | None
    says: str


def compare(
    seen: Paired,
    *,
    delta: float,
    margin: float,
    best: Paired | None = None,
    worst: Paired | None = None,
) -> Comparison:
    """Judge the challenger by the items audited so far; as often as one likes.

    `better`: its mean loss is below the champion's. `no_worse`: it is at most `margin`
    (0..max_loss, in the unit of the losses) above; also where that little is sure.
    `worse`: it is above. Else `undecided`. The chance that any of these is ever said
    wrongly is at most `delta` (0 < delta < 1), if each item was drawn for its audit
    with its stated probability and the mean difference stays what it is.

    Where the truth of some audited items is not known, `best` and `worst` hold `seen`
    and these too, with what would be best and worst for the challenger: it is better or
    no worse only if it is in the worst case, and worse only if it is in the best.

    `more_needed` supposes that further audits find what those so far did, in the same
    shares and at the same review probabilities: the fewest with which a verdict comes.
    It is an estimate, not a promise, and vague while few items differ.
    Raises: ValueError outside these ranges.
    Source: betting, Waudby-Smith and Ramdas 2024, with importance weights, as
    `weighted_upper_bound`: the two ends at delta / 2 each.
    """
    if not (0 < delta < 1 and 0 <= margin <= seen.unit):
        msg = f"0 < delta < 1, 0 <= margin <= {seen.unit}, not {delta} and {margin}."
        raise ValueError(msg)
    goal = math.log(2 / delta)
    best, worst = best or seen, worst or seen
    high, low = _upper(worst, goal), -_upper(_reversed(best), goal)
    share = margin / seen.unit
    verdict = _verdict_within(best, worst, goal, share)
    is_open = verdict == "undecided" != _verdict(seen, goal, share)
    more = None if is_open else _more_needed(seen, goal, share)
    difference = seen.challenger - seen.champion
    says = _open_in_words(seen, worst) if is_open else ""
    says = says or _in_words(verdict, seen, margin, more)
    return Comparison(
        verdict=verdict,
        difference=difference,
        low=min(low * seen.unit, difference) if seen.n else -seen.unit,
        high=max(high * seen.unit, difference) if seen.n else seen.unit,
        champion=seen.champion,
        challenger=seen.challenger,
        n=seen.n,
        n_differ=seen.n_differ,
        more_needed=more,
        says=says,
    )


def log_capital_below(seen: Paired, *, rate: float, times: float = 1.0) -> float:
    """Return the log of the evidence that the mean difference is below `rate`.

    `rate` is within -1..1, both excluded, in units of the greatest loss; with `times`
    as many items of each kind. Its exponential is an e-process under every mean
    difference >= `rate`: it reaches 1 / delta with probability at most delta, ever.
    Source: as `compare`. Among the audited, (rate - difference) / p has a mean of at
    most 0 where the true one is at or above `rate`; a stake is the same for all items.
    """
    if seen.n == 0:
        return 0.0
    stakes = np.asarray(STAKES)[:, None] / seen.probabilities[None, :]
    # what the worst difference could ruin is given up: its share is lost
    is_kept = (stakes < 1).all(axis=1)
    if not is_kept.any():
        return -math.inf
    returns = (rate - seen.differences) / (1 - rate)
    logs = np.log1p(stakes[is_kept] * returns) @ (seen.counts * times)
    peak = float(logs.max())
    capitals = np.asarray(CAPITALS)[is_kept]
    return peak + math.log(float(capitals @ np.exp(logs - peak)))


def _upper(seen: Paired, goal: float) -> float:
    """Return the least mean difference that is refuted, -1..1."""

    def excess(rate: float) -> float:
        return log_capital_below(seen, rate=rate) - goal

    if seen.n == 0 or excess(ALMOST_ONE) < 0:
        return 1.0
    estimate = (seen.challenger - seen.champion) / seen.unit
    low = min(max(estimate, -ALMOST_ONE), ALMOST_ONE)
    if excess(low) >= 0:
        return low
    return float(scipy.optimize.brentq(excess, low, ALMOST_ONE, xtol=1e-15, rtol=1e-14))


def _verdict(seen: Paired, goal: float, margin: float, times: float = 1.0) -> Verdict:
    if log_capital_below(seen, rate=0.0, times=times) >= goal:
        return "better"
    allowed = min(margin, ALMOST_ONE)
    if log_capital_below(seen, rate=allowed, times=times) >= goal:
        return "no_worse"
    if log_capital_below(_reversed(seen), rate=0.0, times=times) >= goal:
        return "worse"
    return "undecided"


def _verdict_within(best: Paired, worst: Paired, goal: float, margin: float) -> Verdict:
    at_worst = _verdict(worst, goal, margin)
    if at_worst in ("better", "no_worse"):
        return at_worst
    return "worse" if _verdict(best, goal, margin) == "worse" else "undecided"


def _more_needed(seen: Paired, goal: float, margin: float) -> int | None:
    """Return how many more audits of the same kinds give a verdict; None if none do.

    The log evidence is convex in their number and starts below the goal, so that it
    reaches the goal once.
    """
    n = seen.n
    if n == 0 or _verdict(seen, goal, margin) != "undecided":
        return None

    def is_enough(total: int) -> bool:
        return _verdict(seen, goal, margin, times=total / n) != "undecided"

    low, high = n, 2 * n
    while not is_enough(high):
        if high >= MAX_REVIEWS:
            return None
        low, high = high, min(2 * high, max(MAX_REVIEWS, n))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high - n


def _reversed(seen: Paired) -> Paired:
    return Paired(
        -seen.differences,
        seen.probabilities,
        seen.counts,
        seen.challenger,
        seen.champion,
        seen.unit,
    )


def _open_in_words(seen: Paired, worst: Paired) -> str:
    n_open = worst.n - seen.n
    return (
        f"Undecided on {seen.n} audited items: {n_open} more that are due have no label"
        " yet, and could turn the verdict."
    )


def _in_words(verdict: Verdict, seen: Paired, margin: float, more: int | None) -> str:
    on = f"on {seen.n} audited items, of which {seen.n_differ} tell the two apart"
    if verdict == "better":
        return f"The challenger is better, {on}."
    if verdict == "worse":
        return f"The challenger is worse, {on}."
    if verdict == "no_worse":
        return f"The challenger is no worse by more than {margin:g}, {on}."
    if seen.n == 0:
        return "Undecided: no item has been audited that both models predicted."
    if more is None:
        return f"Undecided {on}: at this rate no number of audits would decide it."
    return f"Undecided {on}: about {more} more audits needed."
