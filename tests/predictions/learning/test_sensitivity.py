"""The threshold that finds a wanted share of the positives."""

import numpy as np
import pytest

from predictions.learning.sensitivity import sensitive_threshold


def test_threshold_by_hand() -> None:
    probabilities = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6]
    found = sensitive_threshold(
        probabilities, [True] * 9, sensitivity=0.8, at_most=0.99
    )
    # of ten positives in any order two may be below the second lowest of nine
    assert (found.threshold, found.n, found.is_enough) == (0.2, 9, True)


def test_threshold_is_never_above_what_the_costs_ask_for() -> None:
    found = sensitive_threshold([0.6] * 99, [True] * 99, sensitivity=0.9, at_most=0.05)
    assert found.threshold == 0.05


def test_too_few_positives_take_the_lowest_and_say_so() -> None:
    found = sensitive_threshold(
        [0.4, 0.2, 0.01], [True, True, False], sensitivity=0.95, at_most=0.9
    )
    assert (found.threshold, found.n, found.is_enough) == (0.2, 2, False)


@pytest.mark.parametrize("sensitivity", [0, 1, 1.2])
def test_impossible_sensitivity_is_refused(sensitivity: float) -> None:
    with pytest.raises(ValueError, match="sensitivity"):
        sensitive_threshold([0.5], [True], sensitivity=sensitivity, at_most=0.5)


def test_without_a_positive_there_is_nothing_to_set_it_by() -> None:
    with pytest.raises(ValueError, match="no positive"):
        sensitive_threshold([0.5], [False], sensitivity=0.9, at_most=0.5)


def test_promise_holds_on_average_over_draws() -> None:
    rng = np.random.default_rng(11)
    reached = []
    for _ in range(2000):
        positives = rng.beta(4, 2, 41)
        found = sensitive_threshold(
            positives[:-1], np.ones(40, dtype=bool), sensitivity=0.9, at_most=1.0
        )
        reached.append(positives[-1] >= found.threshold)
    # 0.9 promised; 37 of 41 places are exact, with a standard error of 0.7 points
    assert 0.88 < np.mean(reached) < 0.93
