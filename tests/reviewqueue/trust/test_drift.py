"""Values that move are noticed; values that stay are not, however often one looks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, ks_2samp

from reviewqueue.trust.drift import Drift, detect_drift, distance_between

ALPHA = 0.001
BEFORE = 300


def noise(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


@pytest.mark.parametrize("n_before", [5, 60, 300])
def test_false_alarms_stay_within_what_is_stated(n_before: int) -> None:
    n_runs, n_after = 400, 200
    n_alarms = 0
    for seed in range(n_runs):
        rows = {
            "score": noise(seed, n_before + n_after),
            "kind": noise(n_runs + seed, n_before + n_after).round(),
        }
        found = detect_drift(rows, n_before=n_before, alpha=ALPHA, seed=seed)
        n_alarms += found.evidence >= found.limit
    assert n_alarms <= binom.ppf(0.999, n_runs, n_after * ALPHA)


@pytest.mark.parametrize(
    ("moved", "within"),
    [
        (lambda row: row + 1.0, 90),
        (lambda row: row - 2.0, 45),
        (lambda row: row * 4.0, 60),
        (lambda row: row * 0.1, 60),
        (lambda row: np.where(np.abs(row) < 0.7, np.nan, row), 90),
    ],
    ids=["up", "far down", "wider", "narrower", "missing"],
)
def test_move_is_noticed_within_so_many_values(moved: object, within: int) -> None:
    n_found = 0
    for seed in range(40):
        row = noise(seed, BEFORE + within)
        row[BEFORE:] = moved(row[BEFORE:])  # type: ignore[operator]
        rows = {"still": noise(1000 + seed, row.size), "amount": row}
        found = detect_drift(rows, n_before=BEFORE, alpha=ALPHA, seed=seed)
        n_found += found.is_beyond(0.25) and found.name == "amount"
    assert n_found >= 38


def test_what_moves_little_is_not_beyond_a_distance_however_sure() -> None:
    row = noise(3, 4000)
    row[2000:] += 0.35
    found = detect_drift({"amount": row[:-1]}, n_before=2000, alpha=ALPHA, seed=1)
    assert found.evidence >= found.limit
    assert not found.is_beyond(0.25)
    assert found.is_beyond(0.1)


def test_second_look_sees_the_evidence_of_the_first() -> None:
    rows = {"a": noise(1, 700), "b": noise(2, 700)}
    rows["b"][350:] += 0.5
    seen = [
        detect_drift(
            {name: row[:n] for name, row in rows.items()},
            n_before=BEFORE,
            alpha=ALPHA,
            seed=1,
        ).evidence
        for n in range(301, 700)
    ]
    assert seen == sorted(seen)


def test_endless_evidence_is_a_number() -> None:
    row = np.concatenate((np.zeros(1500), np.ones(1500)))
    found = detect_drift({"a": row}, n_before=1500, alpha=ALPHA, seed=1)
    assert found.distance == 1.0
    assert math.isfinite(found.evidence)
    assert found.is_beyond(1.0)


@pytest.mark.parametrize("n_before", [0, 50])
def test_nothing_to_compare_is_no_drift(n_before: int) -> None:
    found = detect_drift({"a": noise(1, 50)}, n_before=n_before, alpha=ALPHA, seed=1)
    assert found == Drift(0.0, 1 / ALPHA, "", None)
    assert not found.is_beyond(0.0)


@pytest.mark.parametrize(
    ("rows", "n_before", "alpha"),
    [
        ({"a": [1.0], "b": [1.0, 2.0]}, 1, 0.1),
        ({"a": [[1.0]]}, 1, 0.1),
        ({}, 0, 0.1),
        ({"a": [1.0]}, 2, 0.1),
        ({"a": [1.0]}, -1, 0.1),
        ({"a": [1.0]}, 1, 0.0),
        ({"a": [1.0]}, 1, 1.0),
    ],
)
def test_what_cannot_be_watched_is_refused(
    rows: dict[str, object], n_before: int, alpha: float
) -> None:
    with pytest.raises(ValueError, match="needed"):
        detect_drift(rows, n_before=n_before, alpha=alpha, seed=1)  # type: ignore[arg-type]


numbers = st.lists(st.integers(-5, 5), min_size=30, max_size=60)


@given(numbers, numbers)
def test_distance_is_that_of_scipy(before: list[int], after: list[int]) -> None:
    found = distance_between(before, after)
    assert found == pytest.approx(ks_2samp(before, after, method="asymp").statistic)


def test_distance_of_few_is_not_given() -> None:
    assert distance_between(range(29), range(100)) is None
    assert distance_between(range(100), range(29)) is None
