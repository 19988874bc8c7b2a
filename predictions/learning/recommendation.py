"""From class probabilities to a recommended label, its probability and confidence."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictions.learning.calibration import Calibration, apply_calibration

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recommendations:
    """One entry per row: label index [n], score, probability, confidence [n].

    `scores` are raw. `probabilities` and `confidences` are None without calibration.
    """

    label_indexes: NDArray[np.intp]
    scores: Floats
    probabilities: Floats | None
    confidences: Floats | None


def recommend(
    class_scores: Floats,
    *,
    label_keys: Sequence[str],
    positive_labels: Collection[str],
    calibration: Calibration | None,
    threshold: float,
    costs: Sequence[Sequence[float]] | None = None,
) -> Recommendations:
    """Recommend a label for each row of class_scores [n, n labels], rows summing to 1.

    With costs [n labels true, n labels said] it is the label whose expected cost is
    least, of equal ones the first. Without, with exactly one positive label, that is
    recommended when its probability is at or above the threshold, else the most
    probable other label; with more, the most probable label. Without calibration the
    raw scores decide. Rows with NaN have no
    meaning here: leave them out.
    Source: with costs Elkan 2001, the foundations of cost-sensitive learning, eq. 1.
    """
    positives = [i for i, key in enumerate(label_keys) if key in positive_labels]
    known = class_scores
    if calibration is not None:
        known = apply_calibration(calibration, class_scores)
    chosen = choose_labels(known, positives=positives, threshold=threshold, costs=costs)
    calibrated = calibration is not None
    return Recommendations(
        label_indexes=chosen,
        scores=unit_sum(class_scores[:, positives]),
        probabilities=unit_sum(known[:, positives]) if calibrated else None,
        confidences=known[np.arange(len(known)), chosen] if calibrated else None,
    )


def choose_labels(
    class_probabilities: Floats,
    *,
    positives: Sequence[int],
    threshold: float,
    costs: Sequence[Sequence[float]] | None = None,
) -> NDArray[np.intp]:
    """Return the index of the recommended label per row of [n, n labels]."""
    if costs is not None:
        expected = class_probabilities @ np.asarray(costs, dtype=np.float64)
        return np.argmin(expected, axis=1)
    if len(positives) != 1 or class_probabilities.shape[1] < 2:
        return np.argmax(class_probabilities, axis=1)
    positive = positives[0]
    others = class_probabilities.copy()
    others[:, positive] = -np.inf
    is_positive = class_probabilities[:, positive] >= threshold
    return np.where(is_positive, positive, np.argmax(others, axis=1))


def unit_sum(class_probabilities: Floats) -> Floats:
    """Return the sum per row, kept within 0..1 against rounding."""
    return np.clip(class_probabilities.sum(axis=1), 0.0, 1.0)
