"""What the ladder would have done: a recorded history replayed on other terms."""

import math
from bisect import bisect
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reviewqueue.trust.bounds import log_evidence_below, upper_bound
from reviewqueue.trust.ladder import N_WATCHED, Cause, Terms
from reviewqueue.trust.withdrawal import detect_rise, log_steps

NEVER: Final = 2**62  # a moment that does not come

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One segment's items that people began, in that order: arrays of one length [n].

    Moments are whole microseconds since 1970; `resolved_at` is `NEVER` where the truth
    is not known, and `is_error` then says nothing. Until `open_until` an item that is
    not resolved stands in the way of those begun after it. `draw` in [0, 1) is the
    number that was drawn when the item was routed: at a review probability p people
    see it exactly when the draw is below p.
    """

    begun_at: Ints
    open_until: Ints
    resolved_at: Ints
    routed_at: Ints
    draw: Floats
    is_error: Bools
    is_blind: Bools

    @property
    def is_known(self) -> Bools:
        known: Bools = self.resolved_at < NEVER
        return known

    def only(self, chosen: Bools) -> "Recorded":
        """Return the chosen items [n]."""
        columns = (getattr(self, one.name)[chosen] for one in fields(self))
        return Recorded(*columns)


@dataclass(frozen=True, slots=True)
class Move:
    """A step of the replay; `cause` is None for a grant."""

    at: int
    from_level: int
    to_level: int
    cause: Cause | None
    reviews: int
    errors: int
    bound: float


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the ladder would have done with one segment, and where it would stand.

    `reviews` and `errors` are the evidence at the end; the error rate is at most
    `bound` by it.
    """

    ladder: Sequence[float]
    moves: Sequence[Move]
    reviews: int
    errors: int
    bound: float

    @property
    def level(self) -> int:
        return self.moves[-1].to_level if self.moves else 0

    @property
    def share(self) -> float:
        """The review probability at the end."""
        return self.ladder[self.level]

    def share_at(self, routed_at: Ints) -> Floats:
        """Return the review probability for items routed at these moments [n]."""
        moments = np.array([one.at for one in self.moves], dtype=np.int64)
        levels = np.array([0, *(one.to_level for one in self.moves)])
        shares = np.asarray(self.ladder, dtype=np.float64)[levels]
        found: Floats = shares[np.searchsorted(moments, routed_at, side="right")]
        return found


def replay(
    recorded: Recorded,
    *,
    ladder: Sequence[float],
    terms: Terms,
    is_blind: bool,
    since: int,
) -> Replayed:
    """Judge a segment after every review, and make every move that is due.

    Grants are made as soon as they may be, nobody is asked. The segment stands at
    review all when it begins, at the moment `since`; what was routed before is no
    evidence, and with `is_blind` neither is what was not drawn to be blind: that is for
    the watch alone. An item
    that nobody saw adds nothing, whatever the terms: its truth is not known. Late
    audits are not replayed.
    Raises: as `judge`. Source: own; the rule of `judge`, with bounds looked at only
    where they can change it.
    """
    counts = recorded.is_blind if is_blind else np.ones_like(recorded.is_blind)
    state = _State(recorded, counts, ladder, terms, since)
    in_turn = np.argsort(recorded.resolved_at, kind="stable")
    n_known = int(recorded.is_known.sum())
    n_begun = 0
    for item in in_turn[:n_known].tolist():
        at = state.resolved_at[item]
        while n_begun < len(state.begun_at) and state.begun_at[n_begun] <= at:
            state.begin(n_begun)
            n_begun += 1
        state.resolve(item)
    return Replayed(
        state.ladder, state.moves, state.reviews, state.errors, state.bound()
    )


class _State:
    """Where the segment stands, and the evidence since it began.

    Items are known by their place in the order begun. `line` holds those that count
    for the bounds only when all before them do.
    """

    def __init__(
        self,
        history: Recorded,
        counts: Bools,
        ladder: Sequence[float],
        terms: Terms,
        since: int,
    ) -> None:
        # lists: single numbers of arrays are slow to come by
        self.begun_at: list[int] = history.begun_at.tolist()
        self.open_until: list[int] = history.open_until.tolist()
        self.resolved_at: list[int] = history.resolved_at.tolist()
        self.routed_at: list[int] = history.routed_at.tolist()
        self.draw: list[float] = history.draw.tolist()
        self.is_error: list[bool] = history.is_error.tolist()
        self.counts: list[bool] = counts.tolist()
        self.ladder, self.terms = tuple(ladder), terms
        self.moves: list[Move] = []
        self.level, self.moved_at = 0, since
        self.watch = _Watch(terms)
        self._restart(since)

    def begin(self, item: int) -> None:
        """Put an item in the line, if people would have seen it."""
        routed_at = self.routed_at[item]
        if routed_at >= self.since and self.draw[item] < self._share_at(routed_at):
            self.seen.add(item)
            if self.counts[item]:
                self.line.append(item)

    def resolve(self, item: int) -> None:
        """Take one review into the evidence, and move if that is due."""
        if item not in self.seen:
            return
        at = self.resolved_at[item]
        if item in self.passed_by:
            self._count(item)
        self._advance(at)
        is_alarm = False
        if self.begun_at[item] > self.moved_at:
            self.n_since_move += self.counts[item]
            if self.level > 0:
                is_alarm = self.watch.see(item, is_error=self.is_error[item])
        cause = self._cause(is_alarm=is_alarm) if self.level > 0 else None
        if cause is not None:
            self._move(to_level=0, cause=cause, at=at)
            self._restart(at)
        elif self._may_step_down():
            self._move(to_level=self.level + 1, cause=None, at=at)

    def bound(self) -> float:
        return upper_bound(self.errors, self.reviews, delta=self.terms.delta)

    def _share_at(self, routed_at: int) -> float:
        for move in reversed(self.moves):
            if move.at <= routed_at:
                return self.ladder[move.to_level]
        return self.ladder[0]

    def _advance(self, at: int) -> None:
        """Count the head of the line, as far as nothing open stands in the way."""
        while self.line:
            head = self.line[0]
            if self.resolved_at[head] <= at:
                self._count(head)
            elif self.open_until[head] <= at:
                self.passed_by.add(head)
            else:
                return
            self.line.popleft()

    def _count(self, item: int) -> None:
        self.reviews += 1
        self.errors += self.is_error[item]

    def _restart(self, since: int) -> None:
        rate, delta = self.terms.tolerated, self.terms.delta
        self.since = since
        self.reviews = self.errors = self.n_since_move = 0
        self.line: deque[int] = deque()
        self.seen: set[int] = set()
        self.passed_by: set[int] = set()
        self.of_errors = Evidence(rate=rate, delta=delta)
        # the error rate is above it where the rate of right items is below its rest
        self.of_right = Evidence(rate=1 - rate, delta=delta)

    def _cause(self, *, is_alarm: bool) -> Cause | None:
        if is_alarm:
            return Cause.ALARM
        n_right = self.reviews - self.errors
        return Cause.BOUND if self.of_right.suffices(n_right, self.reviews) else None

    def _may_step_down(self) -> bool:
        is_last = self.level == len(self.ladder) - 1
        if is_last or self.n_since_move < self.terms.min_reviews:
            return False
        return self.of_errors.suffices(self.errors, self.reviews)

    def _move(self, *, to_level: int, cause: Cause | None, at: int) -> None:
        counts = self.reviews, self.errors, self.bound()
        self.moves.append(Move(at, self.level, to_level, cause, *counts))
        self.level, self.moved_at, self.n_since_move = to_level, at, 0
        self.watch.begin()


class _Watch:
    """The watch of `detect_rise` over the latest reviews, one review at a time."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        right, wrong = log_steps(terms.tolerated)
        self._steps = right.tolist(), wrong.tolist()
        self._start = [0.0] * right.size
        self._goal = -math.log(terms.alpha)
        self.begin()

    def begin(self) -> None:
        self._items: list[int] = []
        self._wrong: list[bool] = []
        self._states: list[list[float]] = []

    def see(self, item: int, *, is_error: bool) -> bool:
        """Take one review at its place in the order, and say whether that alarms."""
        place = bisect(self._items, item)
        self._items.insert(place, item)
        self._wrong.insert(place, is_error)
        is_over = False
        state = self._states[place - 1] if place else self._start
        del self._states[place:]
        for wrong in self._wrong[place:]:
            state = [
                (one if one > 0 else 0.0) + step
                for one, step in zip(state, self._steps[wrong], strict=True)
            ]
            self._states.append(state)
            is_over = is_over or self._is_over(state)
        return is_over and (len(self._items) <= N_WATCHED or self._of_latest())

    def _is_over(self, logs: Sequence[float]) -> bool:
        peak = max(logs)
        if peak < self._goal:  # a mean is never above the largest
            return False
        mean = math.fsum(math.exp(one - peak) for one in logs) / len(logs)
        return peak + math.log(mean) >= self._goal

    def _of_latest(self) -> bool:
        """Say whether the watch alarms that begins with the latest reviews."""
        latest, terms = self._wrong[-N_WATCHED:], self._terms
        found = detect_rise(latest, tolerated=terms.tolerated, alpha=terms.alpha)
        return found.at is not None


class Evidence:
    """Whether the evidence that a rate is below `rate` suffices, review by review.

    It is looked at only where it can suffice: one more review multiplies it by at most
    1 / (1 - `rate`), which a right item does under the smallest rates.
    """

    def __init__(self, *, rate: float, delta: float) -> None:
        self._rate, self._goal = rate, -math.log(delta)
        self._growth = -math.log1p(-rate)
        self._not_before = 0

    def suffices(self, errors: int, reviews: int) -> bool:
        """Say whether the upper bound is at or under the rate.

        Asked in the order of the reviews, of which none is taken back.
        """
        if reviews < self._not_before or errors >= self._rate * reviews:
            return False
        missing = self._goal - log_evidence_below(errors, reviews, rate=self._rate)
        self._not_before = reviews + math.ceil(missing / self._growth)
        return missing <= 0
