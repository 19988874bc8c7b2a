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
from predictions.learning.label_terms import NO_TERMS, LabelTerms
from predictions.learning.ordered import mean_cost, ordered_figures
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
    terms: LabelTerms = NO_TERMS,
    seed: int = 0,
) -> dict[str, object]:
    """Return the figures of scores [n, n labels] against the true labels, as JSON data.

    Ranking and calibration figures use the weights; counts and the rates made from
    them do not. Where the terms have an order, kappa, under- and over-rates are there,
    and where they have costs, what the recommendations cost per row; their intervals
    are drawn with `seed`.
    """
    result = recommend(
        scores,
        label_keys=label_keys,
        positive_labels=positive_labels,
        calibration=calibration,
        threshold=threshold,
        costs=terms.cost_rows(label_keys, label_keys),
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
        "confusion": _confusion(recommended, labels, label_keys),
        **_by_terms(recommended, labels, terms, seed=seed),
    }


def _by_terms(
    recommended: Labels, labels: Labels, terms: LabelTerms, *, seed: int
) -> dict[str, object]:
    found: dict[str, object] = {}
    if terms.order:
        figures = ordered_figures(recommended, labels, terms, seed=seed)
        found["ordered"] = figures.to_json()
    if terms.costs is not None:
        pairs = zip(labels, recommended, strict=True)
        costs = [terms.costs[str(true)][str(said)] for true, said in pairs]
        value, low, high = mean_cost(costs, seed=seed)
        known = {"value": value, "low": low, "high": high, "n": len(costs)}
        found["cost_per_row"] = known
    return found


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


def _confusion(
    recommended: Labels, labels: Labels, label_keys: Sequence[str]
) -> dict[str, object]:
    """Count rows by truth and recommendation; a label never learnt is a truth too."""
    never_learnt = sorted({str(key) for key in labels} - set(label_keys))
    truth = [*label_keys, *never_learnt]
    return {
        "truth": truth,
        "called": list(label_keys),
        "n": [
            [int(((labels == true) & (recommended == key)).sum()) for key in label_keys]
            for true in truth
        ],
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
