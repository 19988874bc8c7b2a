"""The rule by which a segment goes down the ladder, waits, or goes back up."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from reviewqueue.trust.bounds import lower_bound, reviews_needed, upper_bound
from reviewqueue.trust.withdrawal import Alarm, detect_rise

MIN_TOLERATED: Final = 1e-6
MAX_TOLERATED: Final = 0.5
MIN_OVERDUE: Final = 5  # one late audit is not a pattern
# An alarm of before the last move would withdraw at once what the whole evidence has
# granted since. A watch that begins later never alarms where the whole one does not.
N_WATCHED: Final = 5_000


class Verdict(StrEnum):
    """What the evidence of a segment allows."""

    MAY_STEP_DOWN = "may_step_down"  # bound at or under the tolerated rate
    TOO_FEW = "too_few"  # more reviews may bring it there
    TOO_MANY_ERRORS = "too_many_errors"  # more reviews like these never will
    AT_FLOOR = "at_floor"  # nothing is left to grant
    WITHDRAW = "withdraw"  # `cause` says why
    NO_CONFIDENCE = "no_confidence"  # without one a field stays at review all
    NO_RATE = "no_rate"  # nobody has said which error rate is tolerated


class Cause(StrEnum):
    """Why autonomy is withdrawn without anyone's doing."""

    ALARM = "alarm"
    BOUND = "bound"
    MISSING_AUDITS = "missing_audits"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of one segment; rates and shares in 0..1.

    `delta` is this segment's share of the plan's; `min_reviews` must have been
    reviewed since the last move; `max_overdue` is the share of audits that may be late.
    """

    tolerated: float
    delta: float
    alpha: float
    min_reviews: int
    max_overdue: float = 0.2


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a segment stands by its evidence, in the terms it was judged by.

    `more_needed` are the reviews missing if none of them finds an error; None where
    no number is known to help. `bound` ≥ the error rate ≥ `lower`, each with
    probability 1 - delta at every moment.
    """

    verdict: Verdict
    cause: Cause | None
    reviews: int
    errors: int
    bound: float
    lower: float
    more_needed: int | None
    alarm: Alarm


def judge(
    *,
    is_error: ArrayLike,
    n_since_move: int,
    n_overdue: int,
    n_due: int,
    is_last_level: bool,
    is_granted: bool,
    terms: Terms,
    n_in_order: int | None = None,
    watched: ArrayLike | None = None,
) -> Standing:
    """Judge a segment by its reviewed items [n], 0 or 1 each, in the order begun.

    The bounds count the first `n_in_order` of them (all, where None): those before the
    first that is begun and still open. Errors take longer to decide than right items;
    counted as they are decided, evidence looks better than the segment is. The last
    `n_since_move` of them came since the last move. The watch looks at `watched` [m],
    everything reviewed since then (those, where None). Of `n_due` audits whose time is
    over, `n_overdue` are not resolved (the caller counts them as errors). Only a
    segment that `is_granted` something can have it withdrawn.
    Raises: as the bounds; ValueError unless 0 <= n_in_order <= n. Source: own rule over
    the bounds named in `bounds` and `withdrawal`.
    """
    seen = np.asarray(is_error, dtype=bool)
    reviews = seen.size if n_in_order is None else n_in_order
    if not 0 <= reviews <= seen.size:
        msg = f"Of {seen.size} reviews {reviews} cannot count."
        raise ValueError(msg)
    errors = int(seen[:reviews].sum())
    bound = upper_bound(errors, reviews, delta=terms.delta)
    lower = lower_bound(errors, reviews, delta=terms.delta)
    since = seen[seen.size - n_since_move :] if watched is None else watched
    alarm = detect_rise(
        np.asarray(since, dtype=bool)[-N_WATCHED:],
        tolerated=terms.tolerated,
        alpha=terms.alpha,
    )
    cause = None
    if is_granted:
        cause = _cause(alarm, lower, n_overdue, n_due, terms)
    more = _more_needed(errors, reviews, n_since_move, terms)
    verdict = _verdict(cause, is_last_level, lower, more, terms)
    return Standing(verdict, cause, reviews, errors, bound, lower, more, alarm)


def _cause(
    alarm: Alarm, lower: float, n_overdue: int, n_due: int, terms: Terms
) -> Cause | None:
    if alarm.at is not None:
        return Cause.ALARM
    if lower > terms.tolerated:
        return Cause.BOUND
    if n_overdue >= MIN_OVERDUE and n_overdue > terms.max_overdue * n_due:
        return Cause.MISSING_AUDITS
    return None


def _more_needed(
    errors: int, reviews: int, n_since_move: int, terms: Terms
) -> int | None:
    enough = reviews_needed(errors, rate=terms.tolerated, delta=terms.delta)
    if enough is None:
        return None
    return max(enough - reviews, terms.min_reviews - n_since_move, 0)


def _verdict(
    cause: Cause | None,
    is_last_level: bool,
    lower: float,
    more: int | None,
    terms: Terms,
) -> Verdict:
    if cause is not None:
        return Verdict.WITHDRAW
    if is_last_level:
        return Verdict.AT_FLOOR
    if more == 0:
        return Verdict.MAY_STEP_DOWN
    if more is None or lower > terms.tolerated:
        return Verdict.TOO_MANY_ERRORS
    return Verdict.TOO_FEW


def tolerated_rate(*, review_cost: float, error_cost: float) -> float:
    """Return the error rate up to which passing unseen is worth it, in 1e-6..0.5.

    Passing an item costs rate x `error_cost`, reviewing it `review_cost` (both in
    currency, at least 0). An error that costs nothing tolerates the most.
    Raises: ValueError for a cost below 0 or without end.
    Source: own; break-even of the two costs.
    """
    for cost in (review_cost, error_cost):
        if not (math.isfinite(cost) and cost >= 0):
            msg = f"A cost is a number from 0 on, not {cost}."
            raise ValueError(msg)
    if error_cost == 0:
        return MAX_TOLERATED
    return min(max(review_cost / error_cost, MIN_TOLERATED), MAX_TOLERATED)
