"""How a model does on the rows it was held back from."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from predictions.learning.calibration import (
    Calibration,
    brier,
    expected_calibration_error,
    reliability_table,
)
from predictions.learning.evaluation import confusion, rate
from predictions.learning.features import Matrix
from predictions.learning.recommendation import recommend

type Floats = NDArray[np.float64]
type Labels = NDArray[np.str_]


def held_out_report(
    scores: Matrix,
    labels: Labels,
    weights: Floats,
    *,
    label_keys: Sequence[str],
    positive_labels: Collection[str],
    calibration: Calibration,
    threshold: float,
) -> dict[str, object]:
    """Return the figures of scores [n, n labels] against the true labels, as JSON data.

    Ranking and calibration figures use the weights; counts and the rates made from
    them do not.
    """
    result = recommend(
        scores,
        label_keys=label_keys,
        positive_labels=positive_labels,
        calibration=calibration,
        threshold=threshold,
    )
    truth = np.isin(labels, list(positive_labels))
    probabilities = (
        result.scores if result.probabilities is None else (result.probabilities)
    )
    recommended = np.asarray(label_keys, dtype=np.str_)[result.label_indexes]
    return {
        "n": len(labels),
        "n_positive": int(truth.sum()),
        "roc_auc": float(roc_auc_score(truth, result.scores, sample_weight=weights)),
        "average_precision": float(
            average_precision_score(truth, result.scores, sample_weight=weights)
        ),
        "brier": brier(probabilities, truth, weights),
        "brier_uncalibrated": brier(result.scores, truth, weights),
        "ece": expected_calibration_error(probabilities, truth, weights),
        "ece_uncalibrated": expected_calibration_error(result.scores, truth, weights),
        "reliability": reliability_table(probabilities, truth),
        "at_threshold": _at_threshold(probabilities, truth, threshold),
        "right": rate(int((recommended == labels).sum()), len(labels)).to_json(),
        "labels": [_of_label(key, recommended, labels) for key in label_keys],
    }


def _at_threshold(
    probabilities: Floats, truth: NDArray[np.bool_], threshold: float
) -> dict[str, object]:
    counts = confusion(probabilities, truth, threshold=threshold)
    return {
        "threshold": threshold,
        "true_positive": counts.true_positive,
        "false_positive": counts.false_positive,
        "false_negative": counts.false_negative,
        "true_negative": counts.true_negative,
        "precision": counts.precision.to_json(),
        "recall": counts.recall.to_json(),
        "false_positive_rate": counts.false_positive_rate.to_json(),
    }


def _of_label(key: str, recommended: Labels, labels: Labels) -> dict[str, object]:
    is_called, is_true = recommended == key, labels == key
    right = int((is_called & is_true).sum())
    return {
        "label": key,
        "n": int(is_true.sum()),
        "n_recommended": int(is_called.sum()),
        "precision": rate(right, int(is_called.sum())).to_json(),
        "recall": rate(right, int(is_true.sum())).to_json(),
    }
