import math

import numpy as np
import pytest
from scipy.special import expit

from predictions.learning.explanation import explain_row, occlusion_batch

WEIGHTS = np.array([2.0, -3.0, 0.0])


def linear(matrix: np.ndarray) -> np.ndarray:
    positive = expit(np.nan_to_num(matrix) @ WEIGHTS)
    return np.column_stack([1 - positive, positive])


def test_explain_row_of_a_linear_model_is_weight_times_distance() -> None:
    row, references = np.array([1.0, 1.0, 1.0]), np.array([0.5, 0.0, 9.0])
    found = explain_row(linear, row, references, [1])
    assert [entry.column_index for entry in found] == [1, 0, 2]
    assert [entry.contribution for entry in found] == pytest.approx([-3.0, 1.0, 0.0])


def test_explain_row_of_the_reference_itself_is_all_zero() -> None:
    row = np.array([0.3, 0.2, 0.1])
    assert [e.contribution for e in explain_row(linear, row, row, [1])] == [0.0] * 3


def test_explain_row_of_every_label_at_once_is_zero() -> None:
    found = explain_row(linear, np.ones(3), np.zeros(3), [0, 1])
    assert [e.contribution for e in found] == pytest.approx([0.0] * 3, abs=1e-9)


def test_occlusion_batch_keeps_a_column_without_a_reference() -> None:
    batch = occlusion_batch(np.array([1.0, math.nan]), np.array([math.nan, 5.0]))
    expected = [[1.0, math.nan], [1.0, math.nan], [1.0, 5.0]]
    np.testing.assert_array_equal(batch, np.array(expected))


def test_occlusion_batch_refuses_other_lengths() -> None:
    with pytest.raises(ValueError, match="expected"):
        occlusion_batch(np.zeros(2), np.zeros(3))
