"""Alarms about a risen error rate: run length, delay, where it began."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.trust.withdrawal import detect_rise, log_steps


def test_no_reviews_raise_no_alarm() -> None:
    alarm = detect_rise([], tolerated=0.05, alpha=0.01)

    assert (alarm.evidence, alarm.limit, alarm.at, alarm.began) == (0, 100, None, None)


def test_errors_in_a_row_raise_an_alarm_that_knows_where_they_began() -> None:
    alarm = detect_rise([0] * 50 + [1] * 10, tolerated=0.05, alpha=0.01)

    # two errors: the mean of the squared ratios 1.5, 2, 4, 8, 16 is 68; three pass 100
    assert alarm.at == 52
    assert alarm.began == 50
    assert alarm.evidence == pytest.approx((1.5**3 + 2**3 + 4**3 + 8**3 + 16**3) / 5)


def test_one_error_alone_raises_none() -> None:
    assert (
        detect_rise([0] * 20 + [1] + [0] * 20, tolerated=0.01, alpha=0.001).at is None
    )


@pytest.mark.parametrize(
    ("tolerated", "alpha"), [(0.0, 0.1), (1.0, 0.1), (0.1, 0.0), (0.1, 1.0)]
)
def test_settings_out_of_range_are_refused(tolerated: float, alpha: float) -> None:
    with pytest.raises(ValueError, match="needed"):
        detect_rise([0, 1], tolerated=tolerated, alpha=alpha)


@pytest.mark.parametrize("tolerated", [0.3, 0.9, 0.99])
def test_high_tolerated_rates_still_have_a_risen_one(tolerated: float) -> None:
    alarm = detect_rise([1] * 1000, tolerated=tolerated, alpha=0.01)

    assert alarm.at is not None


@pytest.mark.slow
def test_the_mean_run_without_a_rise_is_at_least_one_over_alpha() -> None:
    rng = np.random.default_rng(3)
    alpha, tolerated, horizon = 0.02, 0.05, 5000
    runs = []
    for _ in range(400):
        alarm = detect_rise(
            rng.random(horizon) < tolerated, tolerated=tolerated, alpha=alpha
        )
        runs.append(horizon if alarm.at is None else alarm.at + 1)

    mean = float(np.mean(runs))
    assert mean >= 1 / alpha - 3 * float(np.std(runs)) / math.sqrt(len(runs))


@pytest.mark.slow
def test_a_planted_rise_is_found_within_the_stated_number_of_reviews() -> None:
    rng = np.random.default_rng(4)
    delays = []
    for _ in range(200):
        errors = np.concatenate([rng.random(300) < 0.01, rng.random(600) < 0.10])
        alarm = detect_rise(errors, tolerated=0.02, alpha=0.001)
        assert alarm.at is not None
        delays.append(alarm.at - 300)

    # from 1 % to 10 %, at a tolerated 2 %
    assert np.median(delays) <= 80
    assert np.mean(np.array(delays) < 0) <= 0.3


@given(
    errors=st.lists(st.booleans(), max_size=300),
    tolerated=st.floats(0.001, 0.9),
    alpha=st.floats(1e-6, 0.5),
)
def test_all_at_once_says_what_one_review_after_the_other_says(
    errors: list[bool], tolerated: float, alpha: float
) -> None:
    steps = log_steps(tolerated)
    state = np.full(len(steps[0]), -np.inf)
    evidence = [0.0]
    for wrong in errors:
        state = np.maximum(state, 0) + steps[int(wrong)]
        evidence.append(float(np.exp(state).mean()))
        if evidence[-1] >= 1 / alpha:
            break

    alarm = detect_rise(errors, tolerated=tolerated, alpha=alpha)

    assert alarm.evidence == pytest.approx(evidence[-1], rel=1e-6)
    is_raised = evidence[-1] >= 1 / alpha
    assert alarm.at == (len(evidence) - 2 if is_raised else None)
