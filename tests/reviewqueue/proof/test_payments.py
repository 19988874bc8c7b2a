"""What earlier payments say, against the plainest way of counting them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.proof.payments import (
    DAY,
    Payments,
    payment_history,
    since_last,
    window_totals,
)


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(0, 9)), min_size=1
    ),
    length=st.integers(0, 12),
    end=st.integers(0, 5),
)
def test_window_totals_count_each_earlier_row(
    rows: list[tuple[int, int, int]], length: int, end: int
) -> None:
    begin = end + length
    groups, times, values = (np.array(column) for column in zip(*rows, strict=True))

    counts, sums = window_totals(
        groups, times.astype(float), values.astype(float), begin=begin, end=end
    )

    for i, (group, time, _) in enumerate(rows):
        inside = [
            v for g, t, v in rows if g == group and time - begin <= t < time - end
        ]
        assert (counts[i], sums[i]) == (len(inside), sum(inside))


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    nothing = np.array([])

    with pytest.raises(ValueError, match="not 1 and 2"):
        window_totals(nothing.astype(int), nothing, nothing, begin=1, end=2)


@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), min_size=1),
)
def test_since_last_is_the_gap_to_the_row_before(rows: list[tuple[int, int]]) -> None:
    groups, times = (np.array(column) for column in zip(*rows, strict=True))

    gaps = since_last(groups, times.astype(float))

    for i, (group, time) in enumerate(rows):
        before = [t for g, t in rows if g == group and t < time]
        if before:
            assert gaps[i] == time - max(before)
        else:
            assert math.isnan(gaps[i])


def test_payment_history_of_three_payments() -> None:
    history = payment_history(
        Payments(
            times=np.array([0.0, 0.5, 40.0]) * DAY,
            customers=np.array([1, 1, 1]),
            terminals=np.array([5, 5, 5]),
            amounts=np.array([10.0, 30.0, 20.0]),
            is_fraud=np.array([0.0, 1.0, 0.0]),
        )
    )

    assert np.isnan(history.customer_mean_30d[[0, 2]]).all()
    assert history.customer_mean_30d[1] == 10.0
    assert history.amount_to_mean[1] == 3.0
    assert history.customer_payments_24h.tolist() == [0, 1, 0]
    assert history.days_since_last.tolist()[1:] == [0.5, 39.5]


def test_fraud_at_a_terminal_is_known_only_after_the_delay() -> None:
    days = np.array([0.0, 1.0, 6.9, 7.5, 8.5])
    history = payment_history(
        Payments(
            times=days * DAY,
            customers=np.arange(5),
            terminals=np.zeros(5, dtype=np.int64),
            amounts=np.ones(5),
            is_fraud=np.array([1.0, 0.0, 0.0, 0.0, 0.0]),
        ),
        delay_days=7,
    )

    assert np.isnan(history.terminal_fraud_rate_30d[:3]).all()
    assert history.terminal_fraud_rate_30d[3:].tolist() == [1.0, 0.5]
