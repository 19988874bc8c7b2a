"""Champion and challenger: exact verdicts, properties, simulated wrong verdicts."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import binom

from reviewqueue.trust.bounds import (
    CAPITALS,
    STAKES,
    Weighted,
    weighted_upper_bound,
)
from reviewqueue.trust.comparison import (
    Comparison,
    Paired,
    compare,
    log_capital_below,
)

DELTA = 0.05


def judged(
    champion: list[float],
    challenger: list[float],
    p: float | list[float] = 1.0,
    *,
    margin: float = 0.02,
    max_loss: float = 1.0,
) -> Comparison:
    probabilities = np.broadcast_to(p, len(champion))
    seen = Paired.of(champion, challenger, probabilities, max_loss=max_loss)
    return compare(seen, delta=DELTA, margin=margin)


def test_nothing_audited_is_undecided_and_says_so() -> None:
    found = judged([], [])
    assert (found.verdict, found.low, found.high, found.n) == ("undecided", -1, 1, 0)
    assert math.isnan(found.difference)
    assert found.more_needed is None
    assert found.says == (
        "Undecided: no item has been audited that both models predicted."
    )


@pytest.mark.parametrize(
    ("n_won", "n_lost", "verdict", "low", "high"),
    [
        (40, 0, "better", -0.1584, -0.0606),
        (0, 40, "worse", 0.0606, 0.1584),
        (10, 10, "undecided", -0.0405, 0.0405),
        (20, 6, "no_worse", -0.0832, 0.0058),
    ],
)
def test_verdict_of_known_counts(
    n_won: int, n_lost: int, verdict: str, low: float, high: float
) -> None:
    champion = [1.0] * n_won + [0.0] * (400 - n_won)
    challenger = [0.0] * n_won + [1.0] * n_lost + [0.0] * (400 - n_won - n_lost)
    found = judged(champion, challenger)
    assert found.verdict == verdict
    assert found.difference == pytest.approx((n_lost - n_won) / 400)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    assert (found.n, found.n_differ) == (400, n_won + n_lost)


def test_items_seldom_audited_count_for_more() -> None:
    # right where nearly all is audited, wrong where little is: worse over all items
    champion = [1.0] * 200 + [0.0] * 200
    challenger = [0.0] * 200 + [1.0] * 200
    found = judged(champion, challenger, [1.0] * 200 + [0.1] * 200)
    assert found.champion == pytest.approx(200 / 2200)
    assert found.challenger == pytest.approx(2000 / 2200)
    assert found.verdict == "worse"


def test_costs_are_told_in_their_unit() -> None:
    found = judged([50.0, 0.0] * 200, [0.0, 0.0] * 200, max_loss=50, margin=1.0)
    in_shares = judged([1.0, 0.0] * 200, [0.0, 0.0] * 200)
    assert found.verdict == in_shares.verdict == "better"
    assert found.difference == -25
    assert (found.low, found.high) == pytest.approx(
        (50 * in_shares.low, 50 * in_shares.high)
    )


def test_against_a_champion_that_never_errs_the_bound_is_that_of_one_model() -> None:
    # rate - error over 1 - rate is the same bet
    p = [1.0] * 100 + [0.2] * 100
    errors = [1.0] * 4 + [0.0] * 96 + [1.0] + [0.0] * 99
    found = judged([0.0] * 200, errors, p)
    alone = weighted_upper_bound(
        Weighted.of([0.2, 1.0], [100, 100], [1, 4]), delta=DELTA / 2
    )
    assert found.high == pytest.approx(alone)


def test_models_that_never_differ_are_no_worse_once_there_are_enough() -> None:
    found = judged([0.0] * 100, [0.0] * 100)
    assert (found.verdict, found.difference) == ("undecided", 0.0)
    assert found.more_needed is not None
    assert found.says == (
        "Undecided on 100 audited items, of which 0 tell the two apart: about"
        f" {found.more_needed} more audits needed."
    )
    enough = [0.0] * (100 + found.more_needed)
    assert judged(enough, enough).verdict == "no_worse"
    assert judged(enough[1:], enough[1:]).verdict == "undecided"


def test_equal_models_without_a_margin_are_never_decided() -> None:
    found = judged([1.0, 0.0] * 50, [0.0, 1.0] * 50, margin=0.0)
    assert (found.verdict, found.more_needed) == ("undecided", None)
    assert found.says.endswith("no number of audits would decide it.")


def test_estimate_of_audits_needed_is_right_if_the_shares_stay() -> None:
    champion = [1.0] * 6 + [0.0] * 94
    challenger = [0.0] * 6 + [1.0] * 2 + [0.0] * 92
    p = [0.5, 1.0] * 50
    found = judged(champion, challenger, p, margin=0.0)
    assert found.verdict == "undecided"
    assert found.more_needed is not None
    times = math.ceil(1 + found.more_needed / 100)
    assert judged(champion * times, challenger * times, p * times).verdict == "better"
    fewer = times - 2
    again = judged(champion * fewer, challenger * fewer, p * fewer, margin=0.0)
    assert again.verdict == "undecided"


def test_estimate_of_audits_needed_is_near_what_they_come_to() -> None:
    rng = np.random.default_rng(4)
    off = []
    for _ in range(60):
        d = rng.choice([-1.0, 0.0, 1.0], size=6000, p=[0.09, 0.88, 0.03])
        champion, challenger = (d < 0) * 1.0, (d > 0) * 1.0
        at = 300
        found = judged(champion[:at], challenger[:at], margin=0.0)
        if found.verdict != "undecided" or found.more_needed is None:
            continue
        path = capitals_below(d[None, :], np.ones((1, 6000)), 0.0)[0]
        came = int(np.argmax(path >= math.log(2 / DELTA))) + 1
        off.append((at + found.more_needed) / came)
    assert len(off) > 20
    assert 0.6 < np.median(off) < 1.7


@pytest.mark.parametrize(
    ("losses", "p", "delta", "margin", "match"),
    [
        ([2.0], 0.5, 0.05, 0.0, "A loss"),
        ([-0.1], 0.5, 0.05, 0.0, "A loss"),
        ([math.nan], 0.5, 0.05, 0.0, "A loss"),
        ([1.0], 0.0, 0.05, 0.0, "review probability"),
        ([1.0], 0.5, 0.0, 0.0, "delta"),
        ([1.0], 0.5, 0.05, 1.5, "margin"),
        ([1.0, 0.0], 0.5, 0.05, 0.0, "one length"),
    ],
)
def test_what_cannot_be_is_refused(
    losses: list[float], p: float, delta: float, margin: float, match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        compare(Paired.of([0.0], losses, [p]), delta=delta, margin=margin)


audits = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.25, 1.0]),
        st.sampled_from([0.0, 0.25, 1.0]),
        st.sampled_from([0.02, 0.3, 1.0]),
    ),
    min_size=1,
    max_size=200,
)


@settings(deadline=None, max_examples=60)
@given(audits, st.sampled_from([0.2, 0.05, 0.001]), st.sampled_from([0.0, 0.05, 1.0]))
def test_interval_and_verdict_agree_and_turn_with_the_models(
    seen: list[tuple[float, float, float]], delta: float, margin: float
) -> None:
    one, other, p = (list(row) for row in zip(*seen, strict=True))
    found = compare(Paired.of(one, other, p), delta=delta, margin=margin)
    turned = compare(Paired.of(other, one, p), delta=delta, margin=margin)
    assert -1 <= found.low <= found.difference + 1e-9
    assert found.difference <= found.high + 1e-9 <= 1 + 1e-9
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert found.n_differ == sum(a != b for a, b, _ in seen)
    expected = "undecided"
    if found.low > 1e-9:
        expected = "worse"
    if found.high <= margin - 1e-9:
        expected = "no_worse"
    if found.high < -1e-9:
        expected = "better"
    near = min(abs(found.high - margin), abs(found.low), abs(found.high)) < 1e-6
    assert near or found.verdict == expected
    assert (found.more_needed is None) or found.verdict == "undecided"


@dataclass(frozen=True)
class Stratum:
    """A share of all items: its review probability, and what the losses differ by."""

    share: float
    p: float
    chances: dict[float, float]


EVEN = {-1.0: 0.05, 1.0: 0.05}
GAIN, LOSS = {-1.0: 0.2, 1.0: 0.1}, {-1.0: 0.05, 1.0: 0.15}
MIXES = {
    "all reviewed": [Stratum(1.0, 1.0, EVEN)],
    "one floor": [Stratum(1.0, 0.05, EVEN)],
    "gains where more is reviewed": [Stratum(0.5, 1.0, GAIN), Stratum(0.5, 0.2, LOSS)],
    "gains where less is reviewed": [Stratum(0.5, 0.1, GAIN), Stratum(0.5, 0.5, LOSS)],
    "seldom and dear": [
        Stratum(0.9, 0.5, {-0.1: 0.2}),
        Stratum(0.1, 0.1, {1.0: 0.18}),
    ],
}


def mean_of(mix: list[Stratum]) -> float:
    return sum(s.share * sum(d * q for d, q in s.chances.items()) for s in mix)


def drawn(
    mix: list[Stratum], runs: int, n: int, seed: int, shift: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the audited items: differences and probabilities, both [runs, n].

    `shift` of all items are lost that were tied before.
    """
    rng = np.random.default_rng(seed)
    of_audited = np.array([s.share * s.p for s in mix])
    strata = rng.choice(len(mix), size=(runs, n), p=of_audited / of_audited.sum())
    d = np.zeros((runs, n))
    for index, stratum in enumerate(mix):
        chances = {**stratum.chances}
        chances[1.0] = chances.get(1.0, 0.0) + shift
        tied = 1 - sum(chances.values())
        values = rng.choice(
            [*chances, 0.0], size=(runs, n), p=[*chances.values(), tied]
        )
        d = np.where(strata == index, values, d)
    return d, np.array([s.p for s in mix])[strata]


def capitals_below(d: np.ndarray, p: np.ndarray, rate: float) -> np.ndarray:
    """Follow the log capital item by item [runs, n], stake by stake."""
    least = np.minimum.accumulate(p, axis=1)
    total = np.full(d.shape, -np.inf)
    for stake, capital in zip(STAKES, CAPITALS, strict=True):
        steps = np.log1p(np.where(stake < p, stake / p, 0) * (rate - d) / (1 - rate))
        path = np.where(stake < least, np.cumsum(steps, axis=1), -np.inf)
        total = np.logaddexp(total, math.log(capital) + path)
    return total


def test_capital_followed_item_by_item_is_that_of_the_counts() -> None:
    d, p = drawn(MIXES["gains where less is reviewed"], 3, 200, seed=1)
    for rate in (-0.2, 0.0, 0.03):
        followed = capitals_below(d, p, rate)
        for run in range(3):
            for n in (1, 17, 200):
                gone = np.maximum(d[run, :n], 0), np.maximum(-d[run, :n], 0)
                seen = Paired.of(gone[1], gone[0], p[run, :n])
                assert log_capital_below(seen, rate=rate) == pytest.approx(
                    followed[run, n - 1]
                )


RUNS, LOOKS, RISK = 400, 600, 0.1


def n_ever(evidence: np.ndarray) -> int:
    return int((evidence >= math.log(2 / RISK)).any(axis=1).sum())


@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
def test_wrong_verdicts_are_as_rare_as_stated_at_every_look(
    mix: list[Stratum],
) -> None:
    assert mean_of(mix) == pytest.approx(0.0)
    d, p = drawn(mix, RUNS, LOOKS, seed=7)
    most = binom.ppf(0.999, RUNS, RISK / 2)
    # the two are equally good: neither better nor worse is right
    assert n_ever(capitals_below(d, p, 0.0)) <= most
    assert n_ever(capitals_below(-d, p, 0.0)) <= most
    # worse by just the margin: no worse is wrong
    margin = 0.04
    d, p = drawn(mix, RUNS, LOOKS, seed=8, shift=margin)
    assert n_ever(capitals_below(d, p, margin)) <= most


def test_an_interval_for_one_look_breaks_the_promise() -> None:
    d, _ = drawn(MIXES["all reviewed"], RUNS, LOOKS, seed=7)
    n = np.arange(1, LOOKS + 1)
    mean = np.cumsum(d, axis=1) / n
    spread = np.sqrt(np.cumsum(d**2, axis=1) / n - mean**2)
    high = mean + float(ndtri(1 - RISK / 2)) * spread / np.sqrt(n)
    n_wrong = int((high[:, 50:] < 0).any(axis=1).sum())
    assert n_wrong > 2 * binom.ppf(0.999, RUNS, RISK / 2)


def test_leaving_out_the_weights_breaks_the_promise() -> None:
    d, p = drawn(MIXES["gains where more is reviewed"], RUNS, LOOKS, seed=7)
    n_wrong = n_ever(capitals_below(d, np.ones_like(p), 0.0))
    assert n_wrong > 2 * binom.ppf(0.999, RUNS, RISK / 2)


def test_a_challenger_with_half_the_errors_is_found_better_soon() -> None:
    for p, most in ((1.0, 800), (0.1, 800)):
        mix = [Stratum(1.0, p, {-1.0: 0.06, 1.0: 0.01})]
        d, probabilities = drawn(mix, 100, most, seed=3)
        assert n_ever(capitals_below(d, probabilities, 0.0)) >= 90
