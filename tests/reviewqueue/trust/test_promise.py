"""The promise: a wrong grant in at most delta of workflows, looked at at every review.

Seeds are fixed. Shares of simulated workflows are held against delta by an exact
binomial test at one in a million, so that a sound bound does not fail it by chance.
"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from reviewqueue.trust.bounds import lower_bound, upper_bound
from reviewqueue.trust.ladder import Terms, Verdict, judge
from reviewqueue.trust.simulation import (
    NEVER,
    PROMISES,
    Limits,
    Ran,
    Rule,
    World,
    is_promise_broken,
    limits_of,
    most_errors,
    most_wrong,
    runs_to_alarm,
    simulate,
)
from reviewqueue.trust.withdrawal import detect_rise

RULE = Rule(tolerated=0.05, delta=0.05, alpha=0.001, min_reviews=20)
N_WORKFLOWS = 2000
N_ITEMS = 4000


def ran(
    multiples: tuple[float, ...],
    *,
    limits: Limits | None = None,
    rule: Rule = RULE,
    lag: int = 0,
    n_items: int = N_ITEMS,
    changed: tuple[float, ...] = (),
    changes_at: int = 0,
    n_workflows: int = N_WORKFLOWS,
    seed: int = 1,
) -> Ran:
    """Simulate segments whose true rates are multiples of the tolerated one."""
    world = World(
        n_workflows=n_workflows,
        n_items=n_items,
        rates=tuple(rule.tolerated * one for one in multiples),
        changes_at=changes_at,
        changed_rates=tuple(rule.tolerated * one for one in changed),
        lag=lag,
    )
    shared = limits or limits_of(rule, n_reviews=n_items, n_segments=len(multiples))
    return simulate(world, rule, shared, seed=seed)


# What is simulated is what the product does.


@pytest.mark.parametrize("rate", [0.005, 0.05, 0.3])
@pytest.mark.parametrize("delta", [0.05, 0.0125])
def test_limits_are_those_of_the_bounds(rate: float, delta: float) -> None:
    rule = Rule(tolerated=rate, delta=delta, alpha=0.001, min_reviews=20)
    limits = limits_of(rule, n_reviews=1200, n_segments=1)

    for n in [*range(1, 60), 73, 299, 300, 301, 777, 1200]:
        most, fewest = int(limits.most[n]), int(limits.fewest[n])
        if most > NEVER:
            assert upper_bound(most, n, delta=delta) <= rate + 1e-9
        assert upper_bound(most + 1, n, delta=delta) > rate - 1e-9
        if fewest <= n:
            assert lower_bound(fewest, n, delta=delta) >= rate - 1e-9
        assert lower_bound(fewest - 1, n, delta=delta) <= rate + 1e-9


def test_limits_of_no_rate_are_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        most_errors(10, rate=1, delta=0.05)


def test_alarms_are_those_of_the_watch() -> None:
    for seed in range(20):
        [run] = runs_to_alarm(0.09, RULE, n_streams=1, horizon=600, seed=seed)
        is_error = np.random.default_rng(seed).random(600) < 0.09
        alarm = detect_rise(is_error, tolerated=0.05, alpha=0.001)
        assert run == (600 if alarm.at is None else alarm.at + 1)


class Walk:
    """One segment taken down and up the ladder by `judge` itself, item by item."""

    def __init__(self, world: World, rule: Rule, *, seed: int) -> None:
        self.world, self.rule = world, rule
        self.rng = np.random.default_rng(seed)
        self.level, self.n_reviews, self.since = 0, 0, 0
        self.seen: list[bool] = []
        self.moves: list[tuple[int, int, int]] = []

    def go(self) -> None:
        for item in range(self.world.n_items):
            is_changed = item >= self.world.changes_at
            [rate] = self.world.changed_rates if is_changed else self.world.rates
            if self.rng.random(1)[0] < self.rule.shares[self.level]:
                self.review(item, bool(self.rng.random(1)[0] < rate))

    def review(self, item: int, is_error: bool) -> None:
        self.seen.append(is_error)
        self.n_reviews += 1
        self.since += 1
        found = judge(
            is_error=self.seen,
            n_since_move=self.since,
            n_overdue=0,
            n_due=0,
            is_last_level=self.level == len(self.rule.shares) - 1,
            is_granted=self.level > 0,
            terms=Terms(
                self.rule.tolerated,
                self.rule.delta,
                self.rule.alpha,
                self.rule.min_reviews,
            ),
        )
        if found.verdict == Verdict.WITHDRAW:
            self.move(item, 0)
            self.seen = []
        elif found.verdict == Verdict.MAY_STEP_DOWN:
            self.move(item, self.level + 1)

    def move(self, item: int, level: int) -> None:
        self.level, self.since = level, 0
        self.moves.append((level, item + 1, self.n_reviews))


@pytest.mark.parametrize("seed", range(4))
def test_simulated_ladder_moves_as_judged(seed: int) -> None:
    shares = (1.0, 0.7, 0.5, 0.4, 0.3)
    rule = Rule(tolerated=0.1, delta=0.05, alpha=0.02, min_reviews=8, shares=shares)
    world = World(1, 600, rates=(0.01,), changes_at=400, changed_rates=(0.6,))
    walk = Walk(world, rule, seed=seed)

    walk.go()
    limits = limits_of(rule, n_reviews=600, n_segments=1)
    found = simulate(world, rule, limits, seed=seed)

    floor = next(one for one in walk.moves if one[0] == 4)
    gone = next(one for one in walk.moves if one[0] == 0 and one[1] > 400)
    assert (found.floor_items[0, 0], found.floor_reviews[0, 0]) == floor[1:]
    assert found.delay_items[0, 0] == gone[1] - 400
    assert found.n_reviews[0, 0] == walk.n_reviews


# The check: it passes what is sound, and rejects what is not.


@pytest.mark.parametrize(
    ("n", "most"), [(100, 18), (2000, 149), (20_000, 1150)], ids=str
)
def test_sampling_error_is_that_of_the_binomial(n: int, most: int) -> None:
    assert most_wrong(n, delta=0.05) == most
    assert stats.binom.sf(most - 1, n, 0.05) >= 1e-6 > stats.binom.sf(most, n, 0.05)
    assert not is_promise_broken(most, n, delta=0.05)
    assert is_promise_broken(most + 1, n, delta=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROMISES)
def test_any_wrong_grant_comes_in_at_most_delta_of_workflows(name: str) -> None:
    found = ran(PROMISES[name])

    assert not is_promise_broken(found.n_wrong, N_WORKFLOWS, delta=RULE.delta)
    # the bound is not so wide either that it grants nothing
    assert found.n_wrong > 0


def for_one_look(n_reviews: int, n_segments: int) -> Limits:
    """Clopper and Pearson's bound for one number of reviews that was chosen before."""
    reviews = np.arange(n_reviews + 1)
    delta = RULE.delta / n_segments
    most = stats.binom.ppf(delta, reviews, RULE.tolerated).astype(np.int64) - 1
    most[0] = NEVER
    sound = limits_of(RULE, n_reviews=n_reviews, n_segments=n_segments)
    return Limits(most, sound.fewest)


def test_the_bound_for_one_look_is_the_exact_one() -> None:
    most = for_one_look(400, 4).most

    for n in (100, 250, 400):
        bounds = stats.beta.ppf(1 - 0.0125, most[n] + np.array([1, 2]), n - most[n])
        assert bounds[0] <= 0.05 < bounds[1]


def delta_unshared(n_reviews: int, n_segments: int) -> Limits:
    return limits_of(RULE, n_reviews=n_reviews, n_segments=1)


def sound(n_reviews: int, n_segments: int) -> Limits:
    return limits_of(RULE, n_reviews=n_reviews, n_segments=n_segments)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "lag"),
    [(for_one_look, 0), (delta_unshared, 0), (sound, 100)],
    ids=["fixed-sample bound", "delta not shared", "errors counted late"],
)
def test_what_is_broken_on_purpose_fails_the_same_check(
    limits: Callable[[int, int], Limits], lag: int
) -> None:
    at_it = PROMISES["ten at the tolerated rate"]
    n_items = 2000

    found = ran(at_it, limits=limits(n_items, len(at_it)), lag=lag, n_items=n_items)

    assert is_promise_broken(found.n_wrong, N_WORKFLOWS, delta=RULE.delta)


def granted_share(
    is_error: NDArray[np.bool_], counted: NDArray[np.int64], most: NDArray[np.int64]
) -> int:
    """Count the rows granted when only the first `counted` of their items count."""
    errors = np.concatenate(
        [np.zeros((len(is_error), 1), dtype=np.int64), np.cumsum(is_error, axis=1)],
        axis=1,
    )
    known = np.take_along_axis(errors, counted, axis=1)
    return int((known <= most[counted]).any(axis=1).sum())


@pytest.mark.slow
@pytest.mark.parametrize("lag", [20, 100, 400])
def test_errors_may_take_their_time_where_evidence_is_counted_in_order(
    lag: int,
) -> None:
    """Evidence ends before the first item, in the order begun, that is still open."""
    n_workflows, n_items = 4000, 3000
    rng = np.random.default_rng(5)
    is_error = rng.random((n_workflows, n_items)) < RULE.tolerated
    moments = np.arange(n_items)
    # the first error that is not decided yet at each moment: from `lag` before on
    places = np.where(is_error, moments, n_items)
    next_error = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]
    oldest = np.maximum(moments - lag + 1, 0)
    counted = np.minimum(next_error[:, oldest], moments + 1)
    most = most_errors(n_items, rate=RULE.tolerated, delta=RULE.delta)

    n_wrong = granted_share(is_error, counted, most)

    assert not is_promise_broken(n_wrong, n_workflows, delta=RULE.delta)


# Withdrawal, and the bill.


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.05, 0.025])
def test_false_alarms_come_once_in_one_over_alpha_reviews_at_most(rate: float) -> None:
    runs = runs_to_alarm(rate, RULE, n_streams=1000, horizon=10_000, seed=3)

    error = float(runs.std()) / np.sqrt(runs.size)
    assert runs.mean() - 5 * error >= 1 / RULE.alpha


@pytest.mark.slow
def test_rise_at_the_floor_withdraws_within_the_stated_number_of_reviews() -> None:
    found = ran(
        (0.1,) * 4,
        changed=(1.0, 3.0, 5.0, 10.0),
        changes_at=4000,
        n_items=14_000,
        n_workflows=300,
    )

    assert (found.floor_items != NEVER).all()
    # at the tolerated rate nothing must be withdrawn: 500 reviews, alarms in 14,000
    assert np.mean(found.delay_items[:, 0] != NEVER) <= 0.1
    risen = found.delay_reviews[:, 1:]
    assert (risen != NEVER).mean() >= 0.99
    assert (np.quantile(risen, 0.5, axis=0) <= [90, 32, 12]).all()
    assert (np.quantile(risen, 0.95, axis=0) <= [240, 90, 26]).all()


@pytest.mark.slow
def test_a_good_model_comes_to_the_floor_and_stays_there() -> None:
    found = ran((0.1, 0.1, 0.1, 0.1), n_workflows=500)

    assert (found.floor_items != NEVER).mean() >= 0.99
    assert not found.is_wrong.any()
    # 104 clean reviews at a quarter of delta, and 20 at each of three more levels
    assert found.floor_reviews.min() == 104 + 3 * 20
    assert np.median(found.floor_reviews) <= 220
    assert found.n_withdrawn.sum() <= found.n_watched.sum() * RULE.alpha


@pytest.mark.slow
def test_reviews_fall_to_the_floor_with_the_level() -> None:
    short, long = (ran((0.0,), n_items=n, n_workflows=500) for n in (3000, 4000))

    late = (long.n_reviews.mean() - short.n_reviews.mean()) / 1000
    assert late == pytest.approx(RULE.shares[-1], abs=0.005)
