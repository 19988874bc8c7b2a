"""Rows unlike the training data are found, and others no more often than stated."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf

from predictions.learning.features import Column, Matrix
from predictions.learning.novelty import (
    Novelty,
    Oddity,
    oddities,
    shrunk_covariance,
)
from predictions.learning.reference import Reference

COLUMNS = (
    Column("amount", "number"),
    Column("age", "number"),
    Column("double_age", "number"),
    Column("abroad", "boolean"),
    Column("kind", "category", ("food", "fuel", "travel", "gone")),
)
AMOUNT, AGE, DOUBLE, ABROAD, KIND = range(5)


def rows(n: int, rng: np.random.Generator) -> Matrix:
    matrix = np.empty((n, 5))
    matrix[:, AMOUNT] = rng.lognormal(4, 1, n)
    matrix[:, AGE] = rng.normal(40, 10, n)
    matrix[:, DOUBLE] = 2 * matrix[:, AGE] + rng.normal(0, 1, n)
    matrix[:, ABROAD] = rng.random(n) < 0.3
    matrix[:, KIND] = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    return matrix


def sample(n_fitted: int = 1500, n_held_out: int = 1000, *, seed: int = 1) -> Reference:
    n = n_fitted + n_held_out
    return Reference(
        matrix=rows(n, np.random.default_rng(seed)),
        columns=COLUMNS,
        scores=np.zeros(n),
        is_held_out=np.arange(n) >= n_fitted,
    )


def learnt(reference: Reference) -> Novelty:
    found = Novelty.of(reference)
    assert found is not None
    return found


def false_alarms(calibrate: Callable[[Matrix, int], Reference]) -> tuple[float, float]:
    """Return the share of like rows with p <= 0.05 over worlds, with its error."""
    rng = np.random.default_rng(5)
    shares = []
    for _ in range(60):
        known = calibrate(rng.normal(size=(300, 30)), 200)
        shares.append(
            np.mean(learnt(known).p_values(rng.normal(size=(200, 30))) <= 0.05)
        )
    return float(np.mean(shares)), float(np.std(shares) / np.sqrt(len(shares)))


def plain(matrix: Matrix, n_fitted: int) -> Reference:
    columns = tuple(Column(f"c{at}", "number") for at in range(matrix.shape[1]))
    is_held_out = np.arange(len(matrix)) >= n_fitted
    return Reference(matrix, columns, np.zeros(len(matrix)), is_held_out)


def on_what_it_was_fitted_on(matrix: Matrix, n_fitted: int) -> Reference:
    twice = np.concatenate([matrix[:n_fitted], matrix[:n_fitted]])
    return plain(twice, n_fitted)


def test_rows_like_the_training_data_are_called_unlike_as_seldom_as_stated() -> None:
    share, error = false_alarms(plain)

    assert 0.03 < share <= 0.05 + 3 * error


def test_calibrating_on_what_was_fitted_fails_the_same_check() -> None:
    share, error = false_alarms(on_what_it_was_fitted_on)

    assert share > 0.05 + 10 * error


@pytest.mark.parametrize(
    ("column", "value", "least"),
    [
        (AMOUNT, 1e6, 1.0),
        (AMOUNT, np.nan, 1.0),
        (AGE, 4.0, 0.99),
        (KIND, 3.0, 1.0),
        (DOUBLE, 95.0, 0.5),
    ],
    ids=["unit change", "column gone", "out of range", "never met", "correlation"],
)
def test_what_was_never_met_is_unlike(column: int, value: float, least: float) -> None:
    matrix = rows(500, np.random.default_rng(9))
    matrix[:, column] = value

    assert np.mean(learnt(sample()).p_values(matrix) <= 0.01) >= least


def test_least_p_value_is_one_among_the_rows_held_out() -> None:
    far = np.full((1, 5), 1e12)
    far[0, ABROAD], far[0, KIND] = 1, 0

    assert learnt(sample()).p_values(far).tolist() == [1 / 1001]


@given(st.integers(0, 2**32 - 1))
def test_p_values_fall_with_distance_and_do_not_know_the_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known, matrix = learnt(sample(200, 100)), rows(20, rng)
    order = rng.permutation(20)

    p, distances = known.p_values(matrix), known.distances(matrix)

    assert ((p > 0) & (p <= 1)).all()
    assert (np.diff(p[np.argsort(distances)]) <= 0).all()
    np.testing.assert_allclose(known.p_values(matrix[order]), p[order])


@pytest.mark.parametrize("shape", [(300, 5), (40, 60), (100, 1)])
def test_covariance_is_that_of_scikit_learn(shape: tuple[int, int]) -> None:
    sample = np.random.default_rng(3).normal(size=shape) ** 3
    sample[:, 0] *= 50

    np.testing.assert_allclose(shrunk_covariance(sample), ledoit_wolf(sample)[0])


@pytest.mark.parametrize(("n_fitted", "n_held_out"), [(99, 50), (100, 49), (0, 0)])
def test_too_few_rows_say_nothing(n_fitted: int, n_held_out: int) -> None:
    assert Novelty.of(sample(n_fitted, n_held_out)) is None


def test_columns_that_never_change_or_never_come_are_no_obstacle() -> None:
    constant, never = np.ones((300, 1)), np.full((300, 1), np.nan)
    known = learnt(plain(np.concatenate([constant, never], axis=1), 200))

    assert known.p_values(np.array([[1.0, np.nan]])).tolist() == [1.0]
    assert known.p_values(np.array([[1.0, 5.0]])).tolist() == [1 / 101]


def test_unusual_values_are_named_the_rarest_first() -> None:
    fitted = np.zeros((200, 5))
    fitted[:, AMOUNT] = np.arange(1, 201)
    fitted[:, KIND] = np.repeat([0, 1], [199, 1])
    reference = Reference(fitted, COLUMNS, np.zeros(200), np.zeros(200, dtype=np.bool_))

    row = np.array([500.0, 0.0, np.nan, 0.0, 1.0])
    assert oddities(row, reference) == [
        Oddity("amount", "range", 0.0, low=1.995, high=199.005),
        Oddity("double_age", "missing", 0.0),
        Oddity("kind", "rare", 0.005),
    ]
    assert oddities(fitted[50], reference) == []
