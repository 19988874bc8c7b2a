"""Simulated workflows: does the ladder keep its promise, and what does it cost?

Segments with known true error rates are reviewed, judged after every review, granted
and withdrawn by the ladder's rule, for thousands of workflows at once.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from reviewqueue.trust.bounds import log_evidence_below
from reviewqueue.trust.withdrawal import log_steps

# How unlikely a share must be, if the promise holds, to say that it is broken.
TOO_UNLIKELY: Final = 1e-6
NEVER: Final = -1

# True error rates as multiples of the tolerated one, one per segment, none of which
# may be granted where it is 1 or more.
PROMISES: Final = {
    "one segment at the tolerated rate": (1.0,),
    "four at the tolerated rate": (1.0, 1.0, 1.0, 1.0),
    "ten at the tolerated rate": (1.0,) * 10,
    "at and above it": (1.0, 1.02, 1.1, 1.5, 2.0),
    "one at it among good ones": (1.0, 0.1, 0.1, 0.1),
}

type Bools = NDArray[np.bool_]
type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rule:
    """The terms of a ladder; rates and shares in 0..1, as in `ladder.Terms`.

    `delta` is the whole plan's; the segments of a workflow share it.
    """

    tolerated: float
    delta: float
    alpha: float
    min_reviews: int
    shares: tuple[float, ...] = (1.0, 0.5, 0.25, 0.1, 0.05)


@dataclass(frozen=True, slots=True)
class World:
    """What is simulated: workflows whose segments have these true error rates.

    `n_items` are routed in each segment. From the item `changes_at` on, the rates are
    `changed_rates`, where there are any. Evidence is counted as it is decided: a right
    item at once, an error `lag` items after it was routed.
    """

    n_workflows: int
    n_items: int
    rates: tuple[float, ...]
    changes_at: int = 0
    changed_rates: tuple[float, ...] = ()
    lag: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is decided at each number of reviews 0..n: arrays [n + 1].

    `most` errors with which a segment may step down (-1: none will do); from `fewest`
    on, the rate is surely above the tolerated one.
    """

    most: Ints
    fewest: Ints


@dataclass(frozen=True, slots=True)
class Ran:
    """What happened to each segment of each workflow: arrays [workflows, segments].

    `is_wrong`: granted while its rate, at or above the tolerated one, was that of all
    its evidence. `is_late`: granted after its rate had risen, on evidence of before.
    `floor_reviews` and `floor_items`: how many when it first came to the floor, -1
    where it never did; `delay_reviews` and `delay_items`: from the change to the
    withdrawal, the same. `n_withdrawn`, `n_watched`: withdrawals, and reviews while
    something was granted, as long as the rate was at or below the tolerated one.
    `n_reviews` in all.
    """

    is_wrong: Bools
    is_late: Bools
    floor_reviews: Ints
    floor_items: Ints
    delay_reviews: Ints
    delay_items: Ints
    n_withdrawn: Ints
    n_watched: Ints
    n_reviews: Ints

    @property
    def n_wrong(self) -> int:
        """Workflows with any wrong grant."""
        return int(self.is_wrong.any(axis=1).sum())


def most_errors(n_reviews: int, *, rate: float, delta: float) -> Ints:
    """Return the most errors with which the upper bound is at or under `rate`.

    One number for each of 0..`n_reviews` reviews [n_reviews + 1], -1 where even none
    is too many. Raises: ValueError unless 0 < rate < 1. Source: `upper_bound`, whose
    evidence is looked at directly: the bound itself would take a search each time.
    """
    if not 0 < rate < 1:
        msg = f"A rate is above 0 and below 1, not {rate}."
        raise ValueError(msg)
    goal = -math.log(delta)
    most = np.full(n_reviews + 1, NEVER, dtype=np.int64)
    errors = NEVER
    for reviews in range(1, n_reviews + 1):
        # one more review may allow one error more, never one fewer
        while (errors + 1) < rate * reviews:
            if log_evidence_below(errors + 1, reviews, rate=rate) < goal:
                break
            errors += 1
        most[reviews] = errors
    return most


def limits_of(rule: Rule, *, n_reviews: int, n_segments: int) -> Limits:
    """Return what the ladder decides at each number of reviews, delta being shared."""
    delta = rule.delta / n_segments
    most = most_errors(n_reviews, rate=rule.tolerated, delta=delta)
    # the rate is above t as surely as the rate of right items is below 1 - t
    most_right = most_errors(n_reviews, rate=1 - rule.tolerated, delta=delta)
    return Limits(most, np.arange(n_reviews + 1) - most_right)


def simulate(world: World, rule: Rule, limits: Limits, *, seed: int) -> Ran:
    """Route, review, grant and withdraw in every workflow, item by item.

    The draw decides which items are reviewed. Each review is followed by a look, and a
    segment that may step down does at once: nothing could break the promise sooner.
    `limits` reach as far as `world.n_items`.
    """
    rng = np.random.default_rng(seed)
    run = _Run.begin(world, rule, limits)
    for item in range(world.n_items):
        run.route(item, rng)
    return run.result()


@dataclass(slots=True)
class _Run:
    """Where every segment stands: arrays [workflows x segments]."""

    world: World
    rule: Rule
    limits: Limits
    rate: Floats
    level: Ints
    reviews: Ints
    errors: Ints
    since_move: Ints
    began: Ints  # the item with which the evidence begins
    watch: Floats  # [units, rates]: evidence of a rise, as `detect_rise` keeps it
    undecided: Bools  # [lag, units]: errors on their way
    steps: tuple[Floats, Floats]
    seen: dict[str, Ints]
    reviews_before: Ints  # the change of the rates
    changed_at: int = 0

    @classmethod
    def begin(cls, world: World, rule: Rule, limits: Limits) -> "_Run":
        n = world.n_workflows * len(world.rates)
        level, reviews, errors, since, began = np.zeros((5, n), dtype=np.int64)
        right, wrong = log_steps(rule.tolerated)
        counts = ("is_wrong", "is_late", "n_withdrawn", "n_watched", "n_reviews")
        moments = ("floor_reviews", "floor_items", "delay_reviews", "delay_items")
        seen = {name: np.zeros(n, dtype=np.int64) for name in counts}
        seen |= {name: np.full(n, NEVER, dtype=np.int64) for name in moments}
        return cls(
            world=world,
            rule=rule,
            limits=limits,
            rate=np.tile(world.rates, world.n_workflows),
            level=level,
            reviews=reviews,
            errors=errors,
            since_move=since,
            began=began,
            watch=np.full((n, right.size), -math.inf),
            undecided=np.zeros((world.lag, n), dtype=bool),
            steps=(right, wrong),
            seen=seen,
            reviews_before=np.zeros(n, dtype=np.int64),
        )

    def route(self, item: int, rng: np.random.Generator) -> None:
        """Take one item of every segment through review, count and moves."""
        if self.world.changed_rates and item == self.world.changes_at:
            self.rate = np.tile(self.world.changed_rates, self.world.n_workflows)
            self.reviews_before = self.seen["n_reviews"].copy()
            self.changed_at = item
        share = np.asarray(self.rule.shares)[self.level]
        drawn = np.flatnonzero(rng.random(share.size) < share)
        is_error = rng.random(drawn.size) < self.rate[drawn]
        self.seen["n_reviews"][drawn] += 1
        decided, is_error = self._decided(item, drawn, is_error)
        self._count(decided, is_error)
        self._move(item, decided)

    def _decided(self, item: int, drawn: Ints, is_error: Bools) -> tuple[Ints, Bools]:
        """Return what is decided now: right items of now, errors of `lag` before."""
        if self.world.lag == 0:
            return drawn, is_error
        waiting = self.undecided[item % self.world.lag]
        late = np.flatnonzero(waiting)
        waiting[:] = False
        waiting[drawn[is_error]] = True
        # A segment with both has its error in this look and loses the right item.
        right = np.setdiff1d(drawn[~is_error], late, assume_unique=True)
        return np.concatenate([right, late]), np.repeat(
            [False, True], [right.size, late.size]
        )

    def _count(self, decided: Ints, is_error: Bools) -> None:
        self.reviews[decided] += 1
        self.errors[decided] += is_error
        self.since_move[decided] += 1
        is_granted = self.level[decided] > 0
        watched = decided[is_granted]
        right, wrong = self.steps
        step = np.where(is_error[is_granted][:, None], wrong, right)
        self.watch[watched] = np.maximum(self.watch[watched], 0) + step
        is_tolerable = self.rate[watched] <= self.rule.tolerated
        self.seen["n_watched"][watched[is_tolerable]] += 1

    def _move(self, item: int, decided: Ints) -> None:
        """Withdraw what must be; grant where the bound allows it."""
        granted = decided[self.level[decided] > 0]
        evidence = np.exp(self.watch[granted]).mean(axis=1)
        is_sure = self.errors[granted] >= self.limits.fewest[self.reviews[granted]]
        self._withdraw(item, granted[(evidence >= 1 / self.rule.alpha) | is_sure])
        may = self.errors[decided] <= self.limits.most[self.reviews[decided]]
        may &= self.since_move[decided] >= self.rule.min_reviews
        may &= self.level[decided] < len(self.rule.shares) - 1
        self._grant(item, decided[may])

    def _grant(self, item: int, moved: Ints) -> None:
        self.level[moved] += 1
        self._begin_watch(moved)
        bad = moved[self.rate[moved] >= self.rule.tolerated]
        # what was gathered before the change is no evidence of the rate of now
        is_late = self.began[bad] < self.changed_at
        self.seen["is_late"][bad[is_late]] = 1
        self.seen["is_wrong"][bad[~is_late]] = 1
        at_floor = moved[self.level[moved] == len(self.rule.shares) - 1]
        first = at_floor[self.seen["floor_items"][at_floor] == NEVER]
        self.seen["floor_items"][first] = item + 1
        self.seen["floor_reviews"][first] = self.seen["n_reviews"][first]

    def _withdraw(self, item: int, moved: Ints) -> None:
        false = moved[self.rate[moved] <= self.rule.tolerated]
        self.seen["n_withdrawn"][false] += 1
        if self.changed_at:
            first = moved[self.seen["delay_items"][moved] == NEVER]
            self.seen["delay_items"][first] = item + 1 - self.changed_at
            since = self.seen["n_reviews"][first] - self.reviews_before[first]
            self.seen["delay_reviews"][first] = since
        self.level[moved] = 0
        self.reviews[moved] = self.errors[moved] = 0
        self.began[moved] = item + 1
        self.undecided[:, moved] = False
        self._begin_watch(moved)

    def _begin_watch(self, moved: Ints) -> None:
        self.since_move[moved] = 0
        self.watch[moved] = -math.inf

    def result(self) -> Ran:
        shape = (self.world.n_workflows, len(self.world.rates))
        found = {name: values.reshape(shape) for name, values in self.seen.items()}
        is_wrong, is_late = found.pop("is_wrong") > 0, found.pop("is_late") > 0
        return Ran(is_wrong=is_wrong, is_late=is_late, **found)


def is_promise_broken(n_wrong: int, n_workflows: int, *, delta: float) -> bool:
    """Say whether so many wrong workflows cannot be chance, if each is with delta.

    Exact binomial test, one-sided, at one in a million.
    """
    return n_wrong > most_wrong(n_workflows, delta=delta)


def most_wrong(n_workflows: int, *, delta: float) -> int:
    """Return how many wrong workflows are within the sampling error of delta."""
    counts = np.arange(1, n_workflows + 1)
    # P(X >= k) of a binomial is an incomplete beta function
    tails = betainc(counts, n_workflows - counts + 1, delta)
    return int(np.count_nonzero(tails >= TOO_UNLIKELY))


def runs_to_alarm(
    rate: float, rule: Rule, *, n_streams: int, horizon: int, seed: int
) -> Ints:
    """Return after how many reviews the watch alarms, per stream [n_streams].

    At most `horizon`: a stream without an alarm ends there, which makes the mean
    smaller than the true one.
    """
    rng = np.random.default_rng(seed)
    right, wrong = log_steps(rule.tolerated)
    state = np.full((n_streams, right.size), -math.inf)
    runs = np.full(n_streams, horizon, dtype=np.int64)
    left = np.arange(n_streams)
    for review in range(1, horizon + 1):
        is_error = rng.random(left.size) < rate
        state = np.maximum(state, 0) + np.where(is_error[:, None], wrong, right)
        is_over = np.exp(state).mean(axis=1) >= 1 / rule.alpha
        runs[left[is_over]] = review
        left, state = left[~is_over], state[~is_over]
        if left.size == 0:
            break
    return runs
