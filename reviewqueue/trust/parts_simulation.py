"""Simulated workflows whose fields earn trust beside the label: is the promise kept?

Items with correlated parts are routed by the largest review probability that one of
their parts asks for, reviewed, judged part by part after every review, and granted the
moment the rule allows it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from reviewqueue.trust.parts import sharing
from reviewqueue.trust.simulation import Rule, most_errors

type Bools = NDArray[np.bool_]
type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PartsWorld:
    """Kinds of items: how often each comes, and the error rate of each part in it.

    `shares` [kinds] add up to 1. `places` [kinds, parts] is the segment of each part,
    counted from 0 within the part; `rates` [kinds, parts] the chance that it is wrong.
    """

    shares: tuple[float, ...]
    places: tuple[tuple[int, ...], ...]
    rates: tuple[tuple[float, ...], ...]

    @property
    def n_parts(self) -> int:
        return len(self.places[0])

    def n_segments(self, part: int) -> int:
        return 1 + max(kind[part] for kind in self.places)

    def true_rate(self, part: int, segment: int) -> float:
        """Return the error rate of a segment of a part over all its items."""
        mine = [
            (share, rates[part])
            for share, places, rates in zip(
                self.shares, self.places, self.rates, strict=True
            )
            if places[part] == segment
        ]
        total = sum(share for share, _ in mine)
        return sum(share * rate for share, rate in mine) / total


def worlds(tolerated: float) -> dict[str, PartsWorld]:
    """Return kinds of workflows, by what is peculiar about their parts.

    In the fourth and fifth the second field stays at review all in half of the items:
    where the label is right, or wrong, more often than elsewhere.
    """
    t = tolerated
    halves, beside = (0.5, 0.5), ((0, 0), (0, 1))
    return {
        "two parts at the tolerated rate": PartsWorld((1.0,), ((0, 0),), ((t, t),)),
        "three parts at it": PartsWorld((1.0,), ((0, 0, 0),), ((t, t, t),)),
        "a good part beside one at it": PartsWorld((1.0,), ((0, 0),), ((t, t / 10),)),
        "right where another part asks for all": PartsWorld(
            halves, beside, ((0.4 * t, t / 20), (0.0, 4 * t))
        ),
        "wrong where another part asks for all": PartsWorld(
            halves, beside, ((0.0, t / 20), (0.4 * t, 4 * t))
        ),
        "bands of two fields, crossed": PartsWorld(
            (0.4, 0.1, 0.1, 0.4),
            ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)),
            (
                (0.3 * t, t / 20, t / 20),
                (0.2 * t, t / 20, 2 * t),
                (0.2 * t, 2 * t, t / 20),
                (0.1 * t, t, t),
            ),
        ),
    }


@dataclass(frozen=True, slots=True)
class PartsRan:
    """What happened: arrays [workflows].

    `is_missed`: the bound of a segment of any part was ever below its true error rate.
    `is_wrong`: one at or above the tolerated rate was ever granted anything.
    `n_granted` steps in all.
    """

    is_missed: Bools
    is_wrong: Bools
    n_granted: Ints

    @property
    def n_missed(self) -> int:
        return int(self.is_missed.sum())

    @property
    def n_wrong(self) -> int:
        return int(self.is_wrong.sum())


def simulate_parts(
    world: PartsWorld,
    rule: Rule,
    *,
    n_workflows: int,
    n_items: int,
    seed: int,
    counts_all: bool = False,
) -> PartsRan:
    """Route, review and grant in every workflow, item by item; nothing is withdrawn.

    With `counts_all`, what people saw because of another part counts as well: that is
    wrong, and must be found out. `rule.delta` is shared by parts and their segments.
    """
    rng = np.random.default_rng(seed)
    run = _PartsRun(world, rule, n_workflows, n_items)
    for _ in range(n_items):
        run.route(rng, counts_all=counts_all)
    return PartsRan(run.is_missed, run.is_wrong, run.n_granted)


class _PartsRun:
    """Where every segment of every part stands: arrays [workflows, segments]."""

    def __init__(
        self, world: PartsWorld, rule: Rule, n_workflows: int, n_items: int
    ) -> None:
        self.rule = rule
        self.cumulated = np.cumsum(world.shares)
        self.places = np.array(world.places)
        self.rates = np.array(world.rates)
        n_segments = [world.n_segments(part) for part in range(world.n_parts)]
        rates = [
            [world.true_rate(part, at) for at in range(n)]
            for part, n in enumerate(n_segments)
        ]
        deltas = [rule.delta / sharing(world.n_parts, n) for n in n_segments]
        self.may = [most_of(n_items, rule.tolerated, one) for one in deltas]
        self.missed = [
            np.stack([most_of(n_items, rate, delta) for rate in of_part])
            for of_part, delta in zip(rates, deltas, strict=True)
        ]
        self.is_bad = [
            np.array(of_part) >= rule.tolerated * (1 - 1e-9) for of_part in rates
        ]
        shape = [(n_workflows, n) for n in n_segments]
        self.level = [np.zeros(one, dtype=np.int64) for one in shape]
        self.reviews = [np.zeros(one, dtype=np.int64) for one in shape]
        self.errors = [np.zeros(one, dtype=np.int64) for one in shape]
        self.since = [np.zeros(one, dtype=np.int64) for one in shape]
        self.rows = np.arange(n_workflows)
        self.is_missed = np.zeros(n_workflows, dtype=bool)
        self.is_wrong = np.zeros(n_workflows, dtype=bool)
        self.n_granted = np.zeros(n_workflows, dtype=np.int64)

    def route(self, rng: np.random.Generator, *, counts_all: bool) -> None:
        """Take one item of each workflow through draw, review, count and grants."""
        n = self.rows.size
        kind = np.searchsorted(self.cumulated, rng.random(n), side="right")
        kind = np.minimum(kind, self.cumulated.size - 1)
        draw = rng.random(n)
        shares = np.asarray(self.rule.shares)
        parts = range(len(self.level))
        asked = np.stack(
            [shares[self.level[p][self.rows, self.places[kind, p]]] for p in parts]
        )
        is_seen = draw < asked.max(axis=0)
        for part in parts:
            is_error = rng.random(n) < self.rates[kind, part]
            counted = is_seen if counts_all else draw < asked[part]
            rows = np.flatnonzero(counted)
            self._count(part, rows, self.places[kind[rows], part], is_error[rows])

    def _count(self, part: int, rows: Ints, segments: Ints, is_error: Bools) -> None:
        at = (rows, segments)
        self.reviews[part][at] += 1
        self.errors[part][at] += is_error
        self.since[part][at] += 1
        reviews, errors = self.reviews[part][at], self.errors[part][at]
        is_missed = errors <= self.missed[part][segments, reviews]
        self.is_missed[rows[is_missed]] = True
        may = (
            (errors <= self.may[part][reviews])
            & (self.since[part][at] >= self.rule.min_reviews)
            & (self.level[part][at] < len(self.rule.shares) - 1)
        )
        moved = (rows[may], segments[may])
        self.level[part][moved] += 1
        self.since[part][moved] = 0
        self.n_granted[moved[0]] += 1
        self.is_wrong[moved[0][self.is_bad[part][moved[1]]]] = True


@cache
def most_of(n_reviews: int, rate: float, delta: float) -> Ints:
    """Return `most_errors`, kept: the same is asked for each kind of workflow."""
    return most_errors(n_reviews, rate=rate, delta=delta)
