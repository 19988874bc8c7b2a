"""Weighted rates: hand-computed, equal to plain ones where weights are equal."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.learning.evaluation import Confusion, confusion
from predictions.learning.gate_figures import Figures, Paired
from predictions.learning.gate_terms import Gate
from predictions.learning.gates import evaluate
from predictions.learning.weighted_calls import (
    WeightedCalls,
    equal_rows,
    weighted_share,
)

flags = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(flags, st.floats(0.1, 50))
def test_equal_weights_are_no_weights(
    rows: list[tuple[bool, bool]], weight: float
) -> None:
    called = np.array([one for one, _ in rows])
    truth = np.array([one for _, one in rows])
    plain: Confusion = confusion(called.astype(float), truth, threshold=0.5)

    weighted = WeightedCalls(called, truth, np.full(called.size, weight))

    for name in ("precision", "recall", "false_positive_rate"):
        expected, found = getattr(plain, name), getattr(weighted, name)
        assert (found.k, found.n) == (expected.k, expected.n)
        assert found.value == pytest.approx(expected.value, nan_ok=True)


def test_a_row_that_was_drawn_one_in_ten_stands_for_ten() -> None:
    # 100 certain positives that were called, one audited positive that was not
    called = np.array([True] * 100 + [False])
    truth = np.ones(101, dtype=np.bool_)
    weights = np.array([1.0] * 100 + [10.0])

    recall = WeightedCalls(called, truth, weights).recall

    assert recall.value == pytest.approx(100 / 110)
    # p (1 - p) / variance: 0.0826 / ((100 · 0.0909² + 100 · 0.9091²) / 110²)
    assert recall.n == 11
    assert recall.k == 10  # 10 of 11, rounded against the model
    assert recall.low < 0.7


def test_false_alarms_are_rounded_up() -> None:
    called = np.array([True, False, False])
    weights = np.array([1.0, 1.0, 4.0])

    found = WeightedCalls(called, np.zeros(3, dtype=np.bool_), weights)

    assert found.false_positive_rate.value == pytest.approx(1 / 6)
    n = found.false_positive_rate.n
    assert found.false_positive_rate.k == math.ceil(n / 6)


def test_nothing_is_nothing() -> None:
    nobody = np.zeros(0)

    assert equal_rows(nobody, nobody) == 0
    assert math.isnan(weighted_share(nobody.astype(np.bool_), nobody))
    recall = WeightedCalls(np.array([True]), np.array([False]), np.ones(1)).recall
    assert (recall.n, math.isnan(recall.value)) == (0, True)


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), st.sampled_from([1.0, 2.5, 10.0])),
        min_size=1,
        max_size=40,
    )
)
def test_counts_of_pairs_are_possible_and_against_the_candidate(
    rows: list[tuple[bool, bool, float]],
) -> None:
    candidate = np.array([one for one, _, _ in rows])
    champion = np.array([one for _, one, _ in rows])
    weights = np.array([one for _, _, one in rows])
    paired = Paired(candidate, champion, candidate, {}, weights)

    won, lost, n = paired.counts()

    assert won >= 0
    assert lost >= 0
    assert won + lost <= n <= len(rows)
    only_lost = champion & ~candidate
    assert lost / n >= weighted_share(only_lost, weights) - 1e-9


def test_pairs_of_equal_weight_are_counted_plainly() -> None:
    candidate = np.array([True] * 6 + [False] * 4)
    champion = np.array([True] * 5 + [False] * 3 + [True] * 2)
    plain = Paired(candidate, champion, candidate, {})

    same = Paired(candidate, champion, candidate, {}, np.full(10, 3.0))

    assert plain.counts() == same.counts() == (1, 2, 10)


def test_heavy_rows_that_the_champion_alone_gets_right_fail_a_comparison() -> None:
    candidate = np.array([True] * 300 + [False] * 5)
    champion = np.array([False] * 10 + [True] * 295)
    weights = np.array([1.0] * 300 + [20.0] * 5)
    gate = Gate("no_worse_than_champion", 0.05)

    (unweighted,) = evaluate(
        [gate], Figures(paired=Paired(candidate, champion, candidate, {}))
    )
    (weighted,) = evaluate(
        [gate], Figures(paired=Paired(candidate, champion, candidate, {}, weights))
    )

    assert unweighted.verdict == "passed"
    assert weighted.verdict != "passed"
    assert weighted.value < 0
