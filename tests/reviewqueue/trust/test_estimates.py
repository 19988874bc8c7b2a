"""Rates over all items from a sample with known probabilities."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.learning.evaluation import wilson_interval
from reviewqueue.trust.estimates import weighted_performance, weighted_share


def test_share_by_hand() -> None:
    found = weighted_share([1, 0, 0], [0.5, 1.0, 0.25])

    # weights 2, 1, 4
    assert found.value == pytest.approx(2 / 7)
    assert found.n == 3
    # Kish: 7 * 7 / (4 + 1 + 16); the linearised variance would allow 2.92
    assert found.n_effective == pytest.approx(49 / 21)


@given(st.lists(st.booleans(), min_size=1), st.sampled_from([0.05, 0.5, 1.0]))
def test_share_at_one_probability_is_the_plain_one(
    truth: list[bool], probability: float
) -> None:
    found = weighted_share(truth, [probability] * len(truth))

    low, high = wilson_interval(sum(truth), len(truth))
    assert found.value == pytest.approx(sum(truth) / len(truth))
    assert found.n_effective == pytest.approx(len(truth))
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_share_of_nothing_is_nothing() -> None:
    found = weighted_share([], [])

    assert math.isnan(found.value)
    assert (found.n, found.n_effective) == (0, 0)


@pytest.mark.parametrize("p", [[0.0], [1.1], [-0.5], [math.nan], [0.5, 0.5]])
def test_probabilities_that_cannot_be_are_refused(p: list[float]) -> None:
    with pytest.raises(ValueError, match=r"probability|length"):
        weighted_share([1], p)


def test_performance_by_hand() -> None:
    found = weighted_performance([1, 1, 0, 0], [1, 0, 1, 0], [1.0, 1.0, 0.1, 0.1])

    # one of each; those that were passed stand for ten
    assert found.accuracy.value == pytest.approx(11 / 22)
    assert found.precision.value == pytest.approx(0.5)
    assert found.recall.value == pytest.approx(1 / 11)
    assert found.false_positive_rate.value == pytest.approx(1 / 11)
    assert found.prevalence.value == pytest.approx(0.5)


def test_rate_of_an_empty_group_is_nan() -> None:
    assert math.isnan(weighted_performance([0], [0], [1.0]).precision.value)


_ROWS = st.lists(
    st.tuples(
        st.booleans(),
        st.booleans(),
        st.sampled_from([0.05, 0.1, 0.5, 1.0]),
        st.integers(0, 4),
    ),
    max_size=12,
)


@given(_ROWS)
def test_counts_say_what_as_many_rows_alike_would(
    rows: list[tuple[bool, bool, float, int]],
) -> None:
    said, truth, p = (np.array([row[at] for row in rows]) for at in range(3))
    n = np.array([row[3] for row in rows], dtype=np.int64)

    summed = weighted_performance(said, truth, p, counts=n)
    by_row = weighted_performance(*(np.repeat(one, n) for one in (said, truth, p)))

    for name, rate in asdict(by_row).items():
        found = asdict(getattr(summed, name))
        assert found == pytest.approx(rate, rel=1e-9, abs=1e-12, nan_ok=True), name
        assert found["n"] == rate["n"]


def test_all_true_is_exactly_one_whatever_the_weights() -> None:
    found = weighted_share([1, 1, 1], [0.1, 0.3, 0.7], counts=[11, 7, 3])

    assert (found.value, found.high, found.n) == (1, 1, 21)


def test_count_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="count"):
        weighted_share([1], [0.5], counts=[-1])


@pytest.mark.slow
def test_audits_of_five_percent_agree_with_the_full_truth() -> None:
    rng = np.random.default_rng(5)
    n, n_streams = 20_000, 400
    inside = dict.fromkeys(("accuracy", "precision", "recall"), 0)
    for _ in range(n_streams):
        score = rng.beta(0.4, 4, n)
        truth = rng.random(n) < score
        said = score >= 0.3
        p = np.where(said, 1.0, 0.05)
        seen = rng.random(n) < p
        found = weighted_performance(said[seen], truth[seen], p[seen])
        full = {
            "accuracy": np.mean(said == truth),
            "precision": np.mean(truth[said]),
            "recall": np.mean(said[truth]),
        }
        for name, value in full.items():
            rate = getattr(found, name)
            inside[name] += rate.low <= value <= rate.high

    for name, count in inside.items():
        assert count / n_streams >= 0.93, name
