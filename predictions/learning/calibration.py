"""Turn raw scores into probabilities that mean what they say."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from predictions.learning.evaluation import rate

# Isotonic regression overfits on fewer rows (Niculescu-Mizil & Caruana 2005, fig. 8).
ISOTONIC_MIN_ROWS: Final = 1000
ISOTONIC_MIN_PER_SIDE: Final = 100
SCORE_FLOOR: Final = 1e-6
N_BINS: Final = 10

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


class CalibrationImpossible(ValueError):
    """The rows hold only one side of the truth, or none."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A monotone map from one score to one probability.

    `isotonic`: straight lines between the knots (x, y), flat outside.
    `sigmoid`: 1 / (1 + exp(-(slope * logit(score) + intercept))); x = (slope,
    intercept), y = ().
    `n` rows made it; what it says is kept within 1/(n+2) .. 1 - 1/(n+2).
    """

    method: Literal["isotonic", "sigmoid"]
    x: tuple[float, ...]
    y: tuple[float, ...]
    n: int
    n_true: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """One curve for two labels (the second's), else one per label, renormalised."""

    n_labels: int
    curves: tuple[Curve, ...]

    def to_json(self) -> dict[str, object]:
        """Return the calibration as JSON data, which `from_json` reads back."""
        curves = [
            {
                "method": curve.method,
                "x": list(curve.x),
                "y": list(curve.y),
                "n": curve.n,
                "n_true": curve.n_true,
            }
            for curve in self.curves
        ]
        return {"n_labels": self.n_labels, "curves": curves}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "Calibration":
        """Read a calibration from JSON data.

        Raises: ValueError when the data does not describe one.
        """
        try:
            curves = tuple(
                _curve_from_json(entry)
                for entry in cast("list[Mapping[str, object]]", data["curves"])
            )
            n_labels = int(cast("int", data["n_labels"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"calibration: {error!r} is missing or wrong") from error
        if len(curves) != (1 if n_labels == 2 else n_labels):
            raise ValueError(f"calibration: {len(curves)} curves, {n_labels} labels")
        return cls(n_labels, curves)


def fit_calibration(
    class_scores: ArrayLike, is_true: ArrayLike, weights: ArrayLike | None = None
) -> Calibration:
    """Fit a calibration from class_scores [n, k] and the truth is_true bool [n, k].

    Each curve is isotonic with at least 1000 rows and 100 on each side of the truth,
    else a sigmoid. Nothing is drawn at random, so there is no seed. Rows whose truth
    is none of the k labels (all False) count against every label.
    Raises: CalibrationImpossible when a label is always or never true.
    Source: Zadrozny & Elkan 2002 (isotonic; one against the rest, renormalised).
    """
    scores = np.asarray(class_scores, dtype=np.float64)
    truth = np.asarray(is_true, dtype=np.bool_)
    if scores.shape != truth.shape or scores.ndim != 2 or scores.shape[1] < 2:
        raise ValueError(f"shapes: expected [n, k] twice: {scores.shape} {truth.shape}")
    indexes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    curves = [fit_curve(scores[:, i], truth[:, i], weights) for i in indexes]
    return Calibration(scores.shape[1], tuple(curves))


def fit_curve(
    scores: ArrayLike, is_true: ArrayLike, weights: ArrayLike | None = None
) -> Curve:
    """Fit one curve from scores float [n] in 0..1 and the truth bool [n].

    Raises: CalibrationImpossible when the truth holds one side only.
    """
    x = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(is_true, dtype=np.bool_)
    w = np.ones(x.size) if weights is None else np.asarray(weights, dtype=np.float64)
    n_true = int(truth.sum())
    n_false = truth.size - n_true
    if n_true == 0 or n_false == 0:
        raise CalibrationImpossible(f"{n_true} true and {n_false} false rows")
    if x.size >= ISOTONIC_MIN_ROWS and min(n_true, n_false) >= ISOTONIC_MIN_PER_SIDE:
        return _isotonic(x, truth, w)
    return _sigmoid(x, truth, w)


def _isotonic(x: Floats, truth: Flags, weights: Floats) -> Curve:
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 -- seconds that web and beat do without

    model = IsotonicRegression(out_of_bounds="clip")
    model.fit(x, truth.astype(np.float64), sample_weight=weights)
    knots_x = tuple(float(value) for value in model.X_thresholds_)
    knots_y = tuple(float(value) for value in model.y_thresholds_)
    return Curve("isotonic", knots_x, knots_y, truth.size, int(truth.sum()))


def _sigmoid(x: Floats, truth: Flags, weights: Floats) -> Curve:
    """Fit slope >= 0 and intercept on the logit of the score.

    Source: Platt 1999, with his smoothed targets, so that separable rows do not
    drive the slope to infinity; on the logit, so that "already right" is a member.
    """
    n_true = int(truth.sum())
    high, low = (n_true + 1) / (n_true + 2), 1 / (truth.size - n_true + 2)
    target, z = np.where(truth, high, low), logit(x)
    share = weights / weights.sum()

    def loss(parameters: Floats) -> tuple[float, Floats]:
        raw = parameters[0] * z + parameters[1]
        value = share @ (np.logaddexp(0.0, raw) - target * raw)
        slack = share * (scipy.special.expit(raw) - target)
        return float(value), np.array([slack @ z, slack.sum()])

    bounds = [(0.0, None), (None, None)]
    from scipy.optimize import minimize  # noqa: PLC0415 -- seconds that web and beat do without

    fit = minimize(loss, np.array([1.0, 0.0]), jac=True, bounds=bounds)
    return Curve("sigmoid", (float(fit.x[0]), float(fit.x[1])), (), truth.size, n_true)


def apply_curve(curve: Curve, scores: ArrayLike) -> Floats:
    """Return the probability for each score, float [n]; NaN stays NaN.

    Kept within 1/(n+2) .. 1 - 1/(n+2), where n rows made the curve (Laplace's rule of
    succession): n rows cannot support a claim more extreme than that.
    """
    x = np.asarray(scores, dtype=np.float64)
    if curve.method == "isotonic":
        raw = np.interp(x, curve.x, curve.y)
    else:
        raw = scipy.special.expit(curve.x[0] * logit(x) + curve.x[1])
    floor = 1 / (curve.n + 2)
    return np.asarray(np.clip(raw, floor, 1 - floor), dtype=np.float64)


def apply_calibration(calibration: Calibration, class_scores: ArrayLike) -> Floats:
    """Return calibrated class probabilities [n, k]; each row sums to 1.

    Strictly between 0 and 1 (see `apply_curve`). A row with a NaN is NaN throughout.
    Raises: ValueError when the number of labels differs.
    """
    scores = np.asarray(class_scores, dtype=np.float64)
    if scores.ndim != 2 or scores.shape[1] != calibration.n_labels:
        raise ValueError(f"class_scores: {scores.shape}, {calibration.n_labels} labels")
    if calibration.n_labels == 2:
        second = apply_curve(calibration.curves[0], scores[:, 1])
        return np.column_stack([1.0 - second, second])
    columns = [apply_curve(c, scores[:, i]) for i, c in enumerate(calibration.curves)]
    stacked = np.column_stack(columns)
    return np.asarray(stacked / stacked.sum(axis=1, keepdims=True), dtype=np.float64)


def logit(scores: ArrayLike) -> Floats:
    """Return log(p / (1 - p)), with p kept within 1e-6 .. 1 - 1e-6; NaN stays NaN."""
    p = np.clip(np.asarray(scores, np.float64), SCORE_FLOOR, 1 - SCORE_FLOOR)
    return np.asarray(np.log(p) - np.log1p(-p), dtype=np.float64)


def brier(
    probabilities: ArrayLike, is_true: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Return the (weighted) mean squared error of float [n] in 0..1; NaN when n = 0.

    Source: Brier 1950, in its two-class form.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.size == 0:
        return math.nan
    gaps = (p - np.asarray(is_true, dtype=np.float64)) ** 2
    w = np.ones(p.size) if weights is None else np.asarray(weights, dtype=np.float64)
    return float(w @ gaps / w.sum())


def expected_calibration_error(
    probabilities: ArrayLike,
    is_true: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    n_bins: int = N_BINS,
) -> float:
    """Return the weighted mean gap between said and observed over equal-width bins.

    float [n] in 0..1 and bool [n]; NaN when n = 0.
    Source: Naeini, Cooper & Hauskrecht 2015.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.size == 0:
        return math.nan
    w = np.ones(p.size) if weights is None else np.asarray(weights, dtype=np.float64)
    gaps = w * (np.asarray(is_true, dtype=np.float64) - p)
    sums = np.bincount(_bins(p, n_bins), weights=gaps, minlength=n_bins)
    return float(np.abs(sums).sum() / w.sum())


def reliability_table(
    probabilities: ArrayLike, is_true: ArrayLike, *, n_bins: int = N_BINS
) -> list[dict[str, object]]:
    """Return one JSON row per equal-width bin: what was said and what was observed.

    Keys: low, high, n, mean_probability (null when n = 0), observed (a rate with its
    95 % Wilson interval, null ends when n = 0).
    """
    p = np.asarray(probabilities, dtype=np.float64)
    truth = np.asarray(is_true, dtype=np.bool_)
    bins = _bins(p, n_bins)
    rows: list[dict[str, object]] = []
    for index in range(n_bins):
        inside = bins == index
        n = int(inside.sum())
        rows.append(
            {
                "low": index / n_bins,
                "high": (index + 1) / n_bins,
                "n": n,
                "mean_probability": float(p[inside].mean()) if n else None,
                "observed": rate(int(truth[inside].sum()), n).to_json(),
            }
        )
    return rows


def _bins(probabilities: Floats, n_bins: int) -> NDArray[np.intp]:
    return np.minimum((probabilities * n_bins).astype(np.intp), n_bins - 1)


def _curve_from_json(data: Mapping[str, object]) -> Curve:
    method = data["method"]
    x = tuple(float(value) for value in cast("list[float]", data["x"]))
    y = tuple(float(value) for value in cast("list[float]", data["y"]))
    is_sigmoid = method == "sigmoid"
    lengths_fit = (len(x), len(y)) == (2, 0) if is_sigmoid else len(x) == len(y)
    if method not in ("isotonic", "sigmoid") or not lengths_fit or not x:
        raise ValueError(f"calibration: not a {method} curve")
    if not np.isfinite((*x, *y)).all():
        raise ValueError("calibration: a value is not finite")
    steps = (*np.diff(x), *np.diff(y)) if not is_sigmoid else ()
    if any(step < 0 for step in steps) or any(not 0 <= value <= 1 for value in y):
        raise ValueError("calibration: an isotonic curve rises within 0 and 1")
    n, n_true = int(cast("int", data["n"])), int(cast("int", data["n_true"]))
    if not 0 <= n_true <= n:
        raise ValueError(f"calibration: {n_true} true of {n}")
    return Curve(method, x, y, n, n_true)
