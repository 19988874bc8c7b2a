import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import brier_score_loss

from predictions.learning.calibration import (
    Calibration,
    CalibrationImpossible,
    apply_calibration,
    apply_curve,
    brier,
    expected_calibration_error,
    fit_calibration,
    fit_curve,
    logit,
    reliability_table,
)


def drawn(n: int, *, slope: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    return scores, rng.random(n) < expit(slope * logit(scores))


def test_fit_curve_with_few_rows_recovers_a_sigmoid() -> None:
    scores, truth = drawn(900, slope=0.5)
    curve = fit_curve(scores, truth)
    assert curve.method == "sigmoid"
    assert curve.x == pytest.approx((0.5, 0.0), abs=0.15)


def test_fit_curve_with_many_rows_is_isotonic_and_calibrated() -> None:
    scores, truth = drawn(20_000, slope=0.3)
    curve = fit_curve(scores, truth)
    assert curve.method == "isotonic"
    fresh, fresh_truth = drawn(20_000, slope=0.3, seed=1)
    before = expected_calibration_error(fresh, fresh_truth)
    after = expected_calibration_error(apply_curve(curve, fresh), fresh_truth)
    assert before > 0.1
    assert after < 0.02


def test_fit_curve_of_separable_rows_stays_within_the_floor() -> None:
    scores = np.repeat([0.0, 1.0], 30)
    curve = fit_curve(scores, scores > 0.5)
    low, high = apply_curve(curve, [0.0, 1.0])
    assert 1 / 62 <= low < 0.1
    assert 0.9 < high <= 1 - 1 / 62


def test_fit_curve_uses_weights() -> None:
    scores, truth = np.full(100, 0.5), np.arange(100) < 50
    curve = fit_curve(scores, truth, np.where(truth, 1.0, 3.0))
    assert apply_curve(curve, [0.5])[0] == pytest.approx(0.25, abs=0.02)


def test_fit_curve_refuses_one_sided_truth() -> None:
    with pytest.raises(CalibrationImpossible, match="0 true and 3 false rows"):
        fit_curve([0.1, 0.2, 0.3], [False] * 3)


@pytest.mark.parametrize("n_labels", [2, 3, 5])
@pytest.mark.parametrize("n", [400, 3000])
def test_calibration_gives_open_probabilities_that_sum_to_one(
    n_labels: int, n: int
) -> None:
    rng = np.random.default_rng(n_labels)
    scores = rng.dirichlet(np.ones(n_labels), n)
    labels = np.array([rng.choice(n_labels, p=row) for row in scores])
    is_true = labels[:, None] == np.arange(n_labels)
    calibration = fit_calibration(scores, is_true)
    found = apply_calibration(calibration, np.vstack([scores, np.eye(n_labels)]))
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert ((found > 0) & (found < 1)).all()
    restored = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    assert restored == calibration


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_curves_never_turn_the_order_round(scores: list[float]) -> None:
    for n in (300, 3000):
        curve = fit_curve(*drawn(n, slope=-1.0))
        ordered = apply_curve(curve, sorted(scores))
        assert (np.diff(ordered) >= -1e-12).all()


def test_apply_calibration_keeps_nan_and_refuses_other_labels() -> None:
    scores, truth = drawn(300, slope=1.0)
    two = np.column_stack([1 - scores, scores])
    calibration = fit_calibration(two, np.column_stack([~truth, truth]))
    assert np.isnan(apply_calibration(calibration, [[math.nan, math.nan]])).all()
    with pytest.raises(ValueError, match="2 labels"):
        apply_calibration(calibration, np.ones((1, 3)))


@pytest.mark.parametrize(
    "data", [{}, {"n_labels": 2, "curves": []}, {"n_labels": 2, "curves": [{}]}]
)
def test_calibration_from_json_refuses_what_is_none(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="calibration"):
        Calibration.from_json(data)


def test_brier_agrees_with_scikit_learn() -> None:
    scores, truth = drawn(500, slope=1.0)
    weights = np.random.default_rng(1).random(500)
    theirs = brier_score_loss(truth, scores, sample_weight=weights)
    assert brier(scores, truth, weights) == pytest.approx(theirs)


def test_expected_calibration_error_by_hand() -> None:
    # one bin holds both 0.15 (gap 0.35), another 0.9 (gap 0.1)
    found = expected_calibration_error([0.15, 0.15, 0.9], [True, False, True])
    assert found == pytest.approx((2 * 0.35 + 1 * 0.1) / 3)


def test_figures_of_nothing_are_nan() -> None:
    assert math.isnan(brier([], []))
    assert math.isnan(expected_calibration_error([], []))


def test_reliability_table_counts_every_row_once() -> None:
    table = reliability_table([0.0, 0.05, 0.1, 1.0], [False, True, True, True])
    assert [row["n"] for row in table] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert table[0]["mean_probability"] == pytest.approx(0.025)
    assert table[2]["mean_probability"] is None
