import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from predictions.learning.calibration import fit_calibration
from predictions.learning.recommendation import Floats, choose_labels, recommend

KEYS = ("bad", "fine", "ok")
SCORES = np.array([[0.3, 0.3, 0.4], [0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])


def test_recommend_one_positive_label_goes_by_the_threshold() -> None:
    found = recommend(
        SCORES,
        label_keys=KEYS,
        positive_labels=("bad",),
        calibration=None,
        threshold=0.3,
    )
    assert found.label_indexes.tolist() == [0, 1, 0]
    assert found.scores.tolist() == [0.3, 0.2, 0.6]
    assert found.probabilities is None
    assert found.confidences is None


def test_recommend_several_positive_labels_goes_by_the_most_probable() -> None:
    found = recommend(
        SCORES,
        label_keys=KEYS,
        positive_labels=("bad", "fine"),
        calibration=None,
        threshold=0.01,
    )
    assert found.label_indexes.tolist() == [2, 1, 0]
    assert found.scores == pytest.approx([0.6, 0.7, 0.7])


def test_recommend_with_a_calibration_says_how_sure_it_is() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(500)
    scores = np.column_stack([1 - positive, positive])
    truth = rng.random(500) < positive
    calibration = fit_calibration(scores, np.column_stack([~truth, truth]))
    found = recommend(
        scores,
        label_keys=("ok", "bad"),
        positive_labels=("bad",),
        calibration=calibration,
        threshold=0.2,
    )
    assert found.probabilities is not None
    assert found.confidences is not None
    is_bad = found.label_indexes == 1
    assert (is_bad == (found.probabilities >= 0.2)).all()
    assert (found.confidences[is_bad] == found.probabilities[is_bad]).all()
    assert found.confidences[~is_bad] == pytest.approx(1 - found.probabilities[~is_bad])


@st.composite
def _problems(draw: st.DrawFn) -> tuple[Floats, Floats]:
    k = draw(st.integers(2, 5))
    cost = st.floats(0, 100, allow_nan=False)
    costs = np.array(draw(st.lists(cost, min_size=k * k, max_size=k * k)))
    costs = costs.reshape(k, k) * (1 - np.eye(k))
    raw = st.lists(st.floats(0.01, 1), min_size=k, max_size=k)
    rows = np.array(draw(st.lists(raw, min_size=1, max_size=6)))
    return rows / rows.sum(axis=1, keepdims=True), costs


@given(_problems())
def test_recommend_with_costs_takes_the_least_expected_cost(
    problem: tuple[Floats, Floats],
) -> None:
    probabilities, costs = problem
    found = choose_labels(
        probabilities, positives=(), threshold=0.5, costs=costs.tolist()
    )
    for row, said in zip(probabilities, found, strict=True):
        expected = [
            math.fsum(p * costs[truth, one] for truth, p in enumerate(row))
            for one in range(row.size)
        ]
        assert expected[said] <= min(expected) + 1e-9


@given(st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0.001, 0.999))
def test_recommend_with_costs_of_two_labels_is_the_threshold(
    false_positive: float, false_negative: float, probability: float
) -> None:
    threshold = false_positive / (false_positive + false_negative)
    assume(abs(probability - threshold) > 1e-9)
    row = np.array([[1 - probability, probability]])
    costs = [[0, false_positive], [false_negative, 0]]

    by_costs = choose_labels(row, positives=(1,), threshold=0.5, costs=costs)
    by_threshold = choose_labels(row, positives=(1,), threshold=threshold)
    assert by_costs == by_threshold


def test_recommend_with_costs_keeps_the_confidence_of_what_it_recommends() -> None:
    scores = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])
    calibration = fit_calibration(
        np.tile(scores, (40, 1)), np.tile(np.eye(3), (27, 1))[:80] > 0
    )
    costs = [[0, 1, 2], [5, 0, 1], [50, 20, 0]]
    found = recommend(
        scores,
        label_keys=("a", "b", "c"),
        positive_labels=("c",),
        calibration=calibration,
        threshold=0.9,
        costs=costs,
    )
    assert found.confidences is not None
    assert found.label_indexes.tolist() == [2, 2]
    assert found.confidences == pytest.approx(found.probabilities)
