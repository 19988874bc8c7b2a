"""Kappa with quadratic weights, under- and over-rates, against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from predictions.learning.label_terms import LabelTerms
from predictions.learning.ordered import (
    mean_cost,
    ordered_figures,
    quadratic_kappa,
    ranks_of,
)

KEYS = ("blue", "green", "yellow", "orange", "red")
TERMS = LabelTerms(order=KEYS)
PAIRS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40
)


@settings(max_examples=40)
@given(PAIRS)
def test_quadratic_kappa_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    found = quadratic_kappa(first, second, n_labels=5, seed=1)

    if len({*first, *second}) == 1:
        assert math.isnan(found.value)
        return
    expected = cohen_kappa_score(
        first, second, weights="quadratic", labels=list(range(5))
    )
    assert found.value == pytest.approx(expected)
    assert found.n == len(pairs)
    if not math.isnan(found.low):
        assert -1 <= found.low <= found.high <= 1


@settings(max_examples=40)
@given(PAIRS)
def test_ordered_figures_add_up(pairs: list[tuple[int, int]]) -> None:
    said, truth = [KEYS[a] for a, _ in pairs], [KEYS[b] for _, b in pairs]
    found = ordered_figures(said, truth, TERMS, seed=1)

    same = sum(a == b for a, b in pairs)
    assert found.under.k + found.over.k + same == len(pairs) == found.under.n
    other = ordered_figures(truth, said, TERMS, seed=1)
    assert (other.under.k, other.over.k) == (found.over.k, found.under.k)
    assert found.is_too_few == (len(pairs) < 30)


def test_quadratic_kappa_interval_holds_what_is_true() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 5, 400)
    said = np.clip(truth + rng.choice([-1, 0, 0, 1], 400), 0, 4)
    found = quadratic_kappa(said, truth, n_labels=5, seed=7)

    assert found.low < found.value < found.high
    assert found.high - found.low < 0.1
    assert found == quadratic_kappa(said, truth, n_labels=5, seed=7)


def test_complete_agreement_is_not_taken_for_certain() -> None:
    places = [0, 1, 2, 3] * 10
    found = quadratic_kappa(places, places, n_labels=5, seed=1)
    assert (found.value, found.high) == (1, 1)
    assert 0 < found.low < 1


def test_nothing_is_nothing() -> None:
    found = ordered_figures([], [], TERMS, seed=1)
    assert found.kappa.to_json() == {"value": None, "low": None, "high": None, "n": 0}
    assert found.under.n == 0
    assert all(map(math.isnan, mean_cost([], seed=1)))


def test_labels_outside_the_order_do_not_count() -> None:
    assert ranks_of(["red", "", "gone"], TERMS).tolist() == [4, -1, -1]
    found = ordered_figures(["red", "", "blue"], ["red", "red", "red"], TERMS, seed=1)
    assert (found.under.k, found.under.n) == (1, 2)


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        quadratic_kappa([0], [0, 1], n_labels=2, seed=1)
    with pytest.raises(ValueError, match="shapes"):
        ordered_figures(["red"], [], TERMS, seed=1)


def test_mean_cost_by_hand() -> None:
    value, low, high = mean_cost([0, 0, 10, 30] * 50, seed=3)
    assert value == 10
    assert 8 < low < 10 < high < 12
