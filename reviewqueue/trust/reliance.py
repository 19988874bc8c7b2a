"""How much people lean on recommendations: what is shown against what is not.

A confirmation rate rises when people stop looking, so it says nothing by itself. What
says something: how often people agree with a recommendation that they could not see,
and what they do with recommendations that are known to be right or wrong.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predictions.learning.evaluation import wilson_interval

# Below this many judgements a share is not to be shown: 30 leave an interval of up to
# 0.34 in width.
TOO_FEW: Final = 30
# A decision in less than this share of the usual time is too fast to have been read.
FAST_FRACTION: Final = 0.25

type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Share:
    """k of n with a 95 % Wilson interval; NaN when n is 0.

    Takes judgements as independent: one person's are more alike than many people's,
    so that the interval of a few people's judgements is rather too narrow.
    """

    k: int
    n: int
    value: float
    low: float
    high: float
    minimum: int

    @property
    def n_missing(self) -> int:
        """How many judgements more are needed before the share is to be shown."""
        return max(self.minimum - self.n, 0)

    @property
    def is_too_few(self) -> bool:
        return self.n_missing > 0


def share_of(k: int, n: int, *, minimum: int = TOO_FEW) -> Share:
    """Return k of n. Raises: ValueError unless 0 <= k <= n."""
    low, high = wilson_interval(k, n)
    return Share(k, n, k / n if n else math.nan, low, high, minimum)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first share minus the second, within -1..1, with a 95 % interval.

    NaN throughout when either is of nothing.
    """

    first: Share
    second: Share
    value: float
    low: float
    high: float

    @property
    def is_too_few(self) -> bool:
        return self.first.is_too_few or self.second.is_too_few


def difference_of_shares(first: Share, second: Share) -> Difference:
    """Return the difference of two shares of different judgements.

    Source: Newcombe 1998, "Interval estimation for the difference between independent
    proportions", method 10: the hybrid of the two Wilson intervals.
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Difference(first, second, value, value - below, value + above)


def shown_minus_blind(
    is_agreeing: ArrayLike, is_blind: ArrayLike, *, minimum: int = TOO_FEW
) -> Difference:
    """Compare agreement with the recommendation when shown (first) and when blind.

    Arrays [n], a row per judgement of an item with a recommendation: whether the label
    given is the recommended one, and whether it was hidden. The difference is what
    showing does, for good or ill, as long as which cases are blind was drawn at random.
    Raises: ValueError for lengths that differ.
    """
    agreeing, blind = _flags(is_agreeing, is_blind)
    return difference_of_shares(
        _share(agreeing[~blind], minimum), _share(agreeing[blind], minimum)
    )


@dataclass(frozen=True, slots=True)
class Reliance:
    """What became of recommendations whose truth is known.

    `over`: the share of the wrong ones that were followed. `under`: the share of the
    right ones that were overridden. The n of each is its own; both are 0 for people
    who are always right.
    """

    over: Share
    under: Share


def reliance(
    recommended: ArrayLike,
    decided: ArrayLike,
    truth: ArrayLike,
    *,
    minimum: int = TOO_FEW,
) -> Reliance:
    """Measure over- and under-reliance on recommendations that were shown.

    Arrays [n] of labels of any kind, a row per judgement with a known truth (gold,
    outcome or adjudicated). Of blind judgements the same figures are what people would
    do by themselves: compare with `difference_of_shares`.
    Raises: ValueError for lengths that differ.
    Source: Schoeffer et al. 2024, "AI reliance and decision quality": adherence to
    wrong and override of correct recommendations.
    """
    said, given, known = (np.asarray(x) for x in (recommended, decided, truth))
    is_followed, is_right = _flags(_equal(given, said), _equal(said, known))
    return Reliance(
        over=_share(is_followed[~is_right], minimum),
        under=_share(~is_followed[is_right], minimum),
    )


@dataclass(frozen=True, slots=True)
class Haste:
    """The share of decisions made in less than `limit_seconds`.

    `usual_seconds` is the median that the limit is a fraction of; `n_usual` times were
    known for it. Both times are NaN when there were none, and the share of nothing.
    """

    share: Share
    limit_seconds: float
    usual_seconds: float
    n_usual: int

    @property
    def is_too_few(self) -> bool:
        return self.share.is_too_few or self.n_usual < self.share.minimum


def hasty_decisions(
    seconds: ArrayLike,
    workflow_seconds: ArrayLike,
    *,
    fraction: float = FAST_FRACTION,
    minimum: int = TOO_FEW,
) -> Haste:
    """Return how many of a person's decisions were made much faster than usual.

    Usual is the median of `workflow_seconds` [m], everyone's decisions in the workflow;
    the person's own median would fall with someone who always hurries. Times are in
    seconds, 0 or more. A signal and no verdict: some items are plain at a glance, and
    people who know them well are quick.
    Raises: ValueError for a time below 0 or not finite, a fraction outside 0..1.
    Source: own; a quarter of the median is a convention, not a finding.
    """
    times, everyone = _seconds(seconds), _seconds(workflow_seconds)
    if not 0 < fraction < 1:
        msg = f"A fraction is above 0 and below 1, not {fraction}."
        raise ValueError(msg)
    if everyone.size == 0:
        return Haste(share_of(0, 0, minimum=minimum), math.nan, math.nan, 0)
    usual = float(np.median(everyone))
    limit = usual * fraction
    return Haste(_share(times < limit, minimum), limit, usual, everyone.size)


@dataclass(frozen=True, slots=True)
class Streak:
    """The longest unbroken run of confirmations among `n` decisions in their order.

    `began` is the index of its first decision, None without a confirmation.
    `probability` (0..1) is how likely a run as long or longer is.
    """

    length: int
    began: int | None
    probability: float
    n: int
    minimum: int

    @property
    def is_too_few(self) -> bool:
        return self.n < self.minimum


def confirmation_streak(
    is_confirmed: ArrayLike, *, confirm_rate: float, minimum: int = TOO_FEW
) -> Streak:
    """Return the longest streak of confirmations and how likely one as long is.

    `is_confirmed` [n] in the order of decision. `confirm_rate` (0..1) is what the
    probability assumes of every decision: the rate of the others in the workflow asks
    whether this person confirms more than they do; the person's own rate asks whether
    confirmations come in clumps, and sees nothing in someone who confirms all. A signal
    and no verdict: where plain items come in a row, streaks are more likely than this
    says, and among many people some have an unlikely one.
    Raises: ValueError for a rate outside 0..1 or an array that is not a row.
    """
    confirmed = np.asarray(is_confirmed, dtype=np.bool_)
    if confirmed.ndim != 1:
        msg = f"A row of 0 and 1 is needed, not an array of shape {confirmed.shape}."
        raise ValueError(msg)
    edges = np.flatnonzero(np.diff(confirmed, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    lengths = ends - starts
    length, began = 0, None
    if lengths.size:
        longest = int(lengths.argmax())
        length, began = int(lengths[longest]), int(starts[longest])
    probability = streak_probability(length, confirmed.size, rate=confirm_rate)
    return Streak(length, began, probability, confirmed.size, minimum)


def streak_probability(length: int, n: int, *, rate: float) -> float:
    """Return how likely n independent decisions hold a run of `length` confirmations.

    Each is a confirmation with probability `rate`. Exact, in n steps; a run of 0 is
    certain. Raises: ValueError unless 0 <= rate <= 1 and length, n >= 0.
    Source: Feller 1968, XIII.7: a first run ends at j after a decision at j - length
    that is no confirmation and before which no run was complete.
    """
    if not (0 <= rate <= 1 and length >= 0 and n >= 0):
        msg = f"0 <= rate <= 1, length, n >= 0 are needed, not {rate}, {length}, {n}."
        raise ValueError(msg)
    if length == 0:
        return 1.0
    run = rate**length
    # by[j]: a run is complete within the first j decisions; sums only, so that small
    # probabilities keep their digits
    by = [0.0] * min(length, n + 1)
    for j in range(length, n + 1):
        if j == length:
            by.append(run)
        else:
            by.append(by[j - 1] + (1 - by[j - length - 1]) * (1 - rate) * run)
    return min(by[n], 1.0)


def _share(flags: Flags, minimum: int) -> Share:
    return share_of(int(flags.sum()), flags.size, minimum=minimum)


def _equal(first: NDArray[np.generic], second: NDArray[np.generic]) -> Flags:
    if first.shape != second.shape:
        msg = f"Rows of one length are needed, not {first.shape} and {second.shape}."
        raise ValueError(msg)
    return np.asarray(first == second, dtype=np.bool_)


def _flags(first: ArrayLike, second: ArrayLike) -> tuple[Flags, Flags]:
    a, b = np.asarray(first, dtype=np.bool_), np.asarray(second, dtype=np.bool_)
    if a.shape != b.shape or a.ndim != 1:
        msg = f"Rows of one length are needed, not {a.shape} and {b.shape}."
        raise ValueError(msg)
    return a, b


def _seconds(times: ArrayLike) -> NDArray[np.float64]:
    row = np.asarray(times, dtype=np.float64)
    if row.ndim != 1 or not np.all(np.isfinite(row) & (row >= 0)):
        msg = "A row of times in seconds is needed, each finite and 0 or more."
        raise ValueError(msg)
    return row
