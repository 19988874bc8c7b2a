"""How people lean on recommendations: published examples, exact counts, properties."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.learning.evaluation import wilson_interval
from reviewqueue.trust.reliance import (
    TOO_FEW,
    confirmation_streak,
    difference_of_shares,
    hasty_decisions,
    reliance,
    share_of,
    shown_minus_blind,
    streak_probability,
)

# Newcombe 1998, table II, method 10: k and n of both, the interval of the difference
NEWCOMBE = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((6, 7), (2, 7), (0.0582, 0.8062)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ((0, 10), (0, 10), (-0.2775, 0.2775)),
    ((10, 10), (0, 20), (0.6791, 1.0)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]

counts = st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
labels = st.sampled_from(["fraud", "genuine", "other"])
flags = st.lists(st.booleans(), max_size=60)


@pytest.mark.parametrize(("first", "second", "interval"), NEWCOMBE)
def test_difference_is_that_of_the_published_examples(
    first: tuple[int, int], second: tuple[int, int], interval: tuple[float, float]
) -> None:
    found = difference_of_shares(share_of(*first), share_of(*second))

    assert found.value == pytest.approx(first[0] / first[1] - second[0] / second[1])
    assert (found.low, found.high) == pytest.approx(interval, abs=5e-5)


@given(counts, counts)
def test_difference_turned_round_has_the_other_sign(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    found = difference_of_shares(share_of(*first), share_of(*second))
    turned = difference_of_shares(share_of(*second), share_of(*first))

    assert (turned.low, turned.high) == pytest.approx(
        (-found.high, -found.low), nan_ok=True
    )
    if first[1] and second[1]:
        assert -1 - 1e-12 <= found.low <= found.value <= found.high <= 1 + 1e-12
    else:
        assert all(math.isnan(x) for x in (found.value, found.low, found.high))


def test_intervals_of_differences_hold_the_true_one() -> None:
    rng = np.random.default_rng(8)
    inside = 0
    for _ in range(2000):
        shown, blind = rng.binomial(300, 0.9), rng.binomial(40, 0.75)
        found = difference_of_shares(share_of(shown, 300), share_of(blind, 40))
        inside += found.low <= 0.15 <= found.high

    assert inside / 2000 >= 0.94


def test_share_has_wilsons_interval_and_says_what_it_lacks() -> None:
    found = share_of(3, 12)

    assert (found.low, found.high) == wilson_interval(3, 12)
    assert found.value == 0.25
    assert found.n_missing == TOO_FEW - 12 == 18
    assert found.is_too_few


@pytest.mark.parametrize(("n", "is_too_few"), [(0, True), (29, True), (30, False)])
def test_a_share_of_less_than_thirty_is_too_few(n: int, is_too_few: bool) -> None:
    assert share_of(0, n).is_too_few is is_too_few
    assert share_of(0, n, minimum=n).is_too_few is False


def test_shown_minus_blind_by_hand() -> None:
    found = shown_minus_blind(
        [True] * 45 + [False] * 5 + [True] * 15 + [False] * 15,
        [False] * 50 + [True] * 30,
    )

    assert (found.first.k, found.first.n) == (45, 50)
    assert (found.second.k, found.second.n) == (15, 30)
    assert found.value == pytest.approx(0.4)
    assert not found.is_too_few


@pytest.mark.parametrize(("n_shown", "n_blind"), [(29, 30), (30, 29)])
def test_either_group_can_be_too_few(n_shown: int, n_blind: int) -> None:
    n = n_shown + n_blind

    assert shown_minus_blind([1] * n, [0] * n_shown + [1] * n_blind).is_too_few


def test_without_blind_judgements_there_is_no_difference() -> None:
    found = shown_minus_blind([True] * 40, [False] * 40)

    assert found.first.value == 1
    assert found.second.n == 0
    assert math.isnan(found.value)
    assert found.is_too_few


@given(st.lists(st.tuples(labels, labels, labels)))
def test_reliance_counts_what_became_of_each_recommendation(
    rows: list[tuple[str, str, str]],
) -> None:
    recommended, decided, truth = zip(*rows, strict=True) if rows else ((), (), ())
    found = reliance(recommended, decided, truth)

    wrong = [(r, d) for r, d, t in rows if r != t]
    right = [(r, d) for r, d, t in rows if r == t]
    assert (found.over.k, found.over.n) == (sum(r == d for r, d in wrong), len(wrong))
    assert (found.under.k, found.under.n) == (sum(r != d for r, d in right), len(right))


def test_who_always_confirms_overrelies_wholly_and_never_underrelies() -> None:
    recommended = ["fraud"] * 40
    truth = ["fraud"] * 30 + ["genuine"] * 10
    found = reliance(recommended, recommended, truth)

    assert found.over.value == 1
    assert found.over.is_too_few
    assert found.under.value == 0
    assert not found.under.is_too_few


def test_who_is_always_right_relies_neither_too_much_nor_too_little() -> None:
    truth = ["fraud"] * 30 + ["genuine"] * 10
    found = reliance(["fraud"] * 40, truth, truth)

    assert (found.over.value, found.under.value) == (0, 0)


def test_hasty_decisions_are_those_under_a_quarter_of_the_median() -> None:
    found = hasty_decisions([9, 9.9, 10, 40, 400], [20] * 20 + [40] * 20 + [60] * 20)

    assert (found.usual_seconds, found.limit_seconds) == (40, 10)
    assert (found.share.k, found.share.n, found.n_usual) == (2, 5, 60)
    assert found.is_too_few


@given(st.lists(st.floats(0, 3600), min_size=1, max_size=80), st.floats(0.01, 0.99))
def test_fewer_than_half_of_everyone_are_hasty(
    seconds: list[float], fraction: float
) -> None:
    found = hasty_decisions(seconds, seconds, fraction=fraction)

    assert found.share.k <= found.share.n / 2
    assert found.is_too_few is (len(seconds) < TOO_FEW)


def test_haste_is_unknown_where_no_time_is_known() -> None:
    found = hasty_decisions([3.0] * 40, [])

    assert found.share.n == 0
    assert math.isnan(found.limit_seconds)
    assert found.is_too_few


def test_few_times_in_the_workflow_are_too_few_for_a_limit() -> None:
    assert hasty_decisions([3.0] * 40, [10.0] * 29).is_too_few
    assert not hasty_decisions([3.0] * 40, [10.0] * 30).is_too_few


@pytest.mark.parametrize(
    ("confirmed", "length", "began"),
    [
        ([], 0, None),
        ([0, 0], 0, None),
        ([1], 1, 0),
        ([1, 1, 0, 1], 2, 0),
        ([0, 1, 0, 1, 1, 1], 3, 3),
        ([0, 1, 1, 0, 1, 1], 2, 1),
    ],
)
def test_the_longest_streak_and_where_it_began(
    confirmed: list[int], length: int, began: int | None
) -> None:
    found = confirmation_streak(confirmed, confirm_rate=0.5)

    assert (found.length, found.began, found.n) == (length, began, len(confirmed))
    assert found.is_too_few


@given(flags, st.floats(0, 1))
def test_a_streak_is_the_longest_run(confirmed: list[bool], rate: float) -> None:
    found = confirmation_streak(confirmed, confirm_rate=rate)

    runs = [len(list(run)) for is_one, run in itertools.groupby(confirmed) if is_one]
    assert found.length == max(runs, default=0)
    assert found.probability == streak_probability(
        found.length, len(confirmed), rate=rate
    )


def _by_enumeration(length: int, n: int, rate: float) -> float:
    total = 0.0
    for row in itertools.product([False, True], repeat=n):
        runs = [len(list(run)) for is_one, run in itertools.groupby(row) if is_one]
        if max(runs, default=0) >= length:
            total += rate ** sum(row) * (1 - rate) ** (n - sum(row))
    return total


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9, 1.0])
def test_probability_of_a_streak_is_exact(rate: float) -> None:
    for n in range(9):
        for length in range(n + 2):
            assert streak_probability(length, n, rate=rate) == pytest.approx(
                _by_enumeration(length, n, rate)
            ), (length, n)


def test_small_probabilities_keep_their_digits() -> None:
    # the run starts at one of 71 places, all but the first after a miss
    first_order = 1e-30 * (1 + 70 * 0.9)

    assert streak_probability(30, 100, rate=0.1) == pytest.approx(first_order)


@given(st.integers(0, 40), st.integers(0, 120), st.floats(0, 1))
def test_probability_falls_with_length_and_rises_with_decisions(
    length: int, n: int, rate: float
) -> None:
    here = streak_probability(length, n, rate=rate)

    assert 0 <= here <= 1
    assert streak_probability(length + 1, n, rate=rate) <= here + 1e-12
    assert streak_probability(length, n + 1, rate=rate) >= here - 1e-12


def test_a_streak_of_ninety_is_rare_at_nine_in_ten() -> None:
    found = confirmation_streak([1] * 90 + [0] * 10, confirm_rate=0.9)

    # 0.9^90 at the first place, and a tenth of it at each of ten others
    assert found.probability == pytest.approx(0.9**90 * 2)
    assert not found.is_too_few


@pytest.mark.parametrize(
    ("first", "second"), [([1, 0], [1]), ([[1]], [[0]])], ids=["lengths", "shape"]
)
def test_rows_that_do_not_fit_are_refused(first: object, second: object) -> None:
    with pytest.raises(ValueError, match="one length"):
        shown_minus_blind(first, second)


def test_labels_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        reliance(["fraud"], ["fraud"], ["fraud", "genuine"])


@pytest.mark.parametrize("seconds", [[-1.0], [math.nan], [math.inf], [[1.0]]])
def test_times_that_cannot_be_are_refused(seconds: object) -> None:
    with pytest.raises(ValueError, match="seconds"):
        hasty_decisions(seconds, [1.0])


@pytest.mark.parametrize("fraction", [0.0, 1.0, math.nan])
def test_fractions_that_cannot_be_are_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction"):
        hasty_decisions([1.0], [1.0], fraction=fraction)


@pytest.mark.parametrize("rate", [-0.1, 1.1, math.nan])
def test_rates_that_cannot_be_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        confirmation_streak([True], confirm_rate=rate)


def test_a_streak_needs_a_row() -> None:
    with pytest.raises(ValueError, match="row"):
        confirmation_streak([[True]], confirm_rate=0.5)
