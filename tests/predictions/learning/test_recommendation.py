import numpy as np
import pytest

from predictions.learning.calibration import fit_calibration
from predictions.learning.recommendation import recommend

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
