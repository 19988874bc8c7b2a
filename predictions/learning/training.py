"""Train a calibrated model on the past and report how it does on what came after."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from predictions.learning.answers import sample_answers
from predictions.learning.calibration import (
    Calibration,
    apply_calibration,
    fit_calibration,
)
from predictions.learning.circumstances import circumstances
from predictions.learning.features import (
    Column,
    Matrix,
    feature_value,
    learnt_words,
)
from predictions.learning.pipelines import Algorithm, build_pipeline
from predictions.learning.recommendation import unit_sum
from predictions.learning.reference import Reference, drawn_rows
from predictions.learning.report import held_out_report
from predictions.learning.sensitivity import SensitiveThreshold, sensitive_threshold
from predictions.learning.splits import Indexes, Split, split_by_time
from predictions.learning.training_data import TrainingData as TrainingData

MIN_PER_SIDE: Final = 50
MIN_PER_SIDE_IN_PART: Final = 5
MIN_PER_LABEL: Final = 10


class TooFewLabels(ValueError):
    """The minimum-data rule is not met; the message says what is there and needed."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted pipeline with all that its registration needs.

    `label_keys` are in the order of the model's scores. `references` holds a typical
    value per column (median, most frequent value; None when never seen), for
    explanations. `report` and `references` are JSON data. `reference` is a sample of
    the rows with the model's scores, for the measure of drift. `threshold` is the one
    that was asked for, or a lower one for the sensitivity that the terms ask for.
    """

    pipeline: Any
    label_keys: tuple[str, ...]
    columns: tuple[Column, ...]
    calibration: Calibration
    references: dict[str, str | float | bool | None]
    report: dict[str, object]
    reference: Reference
    threshold: float


type Labels = NDArray[np.str_]
type Fit = Callable[[Matrix, Labels, NDArray[np.float64]], Any]


def train(
    data: TrainingData,
    *,
    algorithm: Algorithm,
    seed: int,
    threshold: float = 0.5,
    min_per_side: int = MIN_PER_SIDE,
) -> TrainedModel:
    """Train one of our own algorithms; see `train_with`.

    The same data, seed and library versions give the same model to the byte.
    """

    def fit(matrix: Matrix, labels: Labels, weights: NDArray[np.float64]) -> Any:  # noqa: ANN401 -- scikit-learn has no stubs
        pipeline = build_pipeline(algorithm, data.columns, seed=seed)
        return pipeline.fit(matrix, labels, model__sample_weight=weights)

    return train_with(
        data,
        fit,
        called=algorithm,
        seed=seed,
        threshold=threshold,
        min_per_side=min_per_side,
    )


def train_with(
    data: TrainingData,
    fit: Fit,
    *,
    called: str,
    seed: int,
    threshold: float = 0.5,
    min_per_side: int = MIN_PER_SIDE,
) -> TrainedModel:
    """Fit on the oldest 60 %, calibrate on the next 20 %, report on the newest 20 %.

    `fit` is given a matrix [n, k] in which no column is missing throughout, labels [n]
    and weights [n], and returns a classifier that knows its `classes_` and
    `predict_proba`; `called` is what the report names it. The model reported on is the
    one returned: it is not fitted again on all rows. A label with fewer than 10 rows in
    the training part is left out and named in the report. Runs on one thread.
    Raises: TooFewLabels saying which count is short; ValueError for bad arguments; what
    `fit` raises.
    """
    split = split_by_time(data.times, data.subjects)
    matrix, columns = learnt_words(data.matrix, data.columns, split.train)
    data = replace(data, matrix=matrix, columns=columns)
    _check_counts(split, np.isin(data.labels, data.positive_labels), min_per_side)
    weights = np.ones(len(data.labels)) if data.weights is None else data.weights
    with threadpool_limits(limits=1):
        pipeline = _fitted(fit, data, weights, split.train)
        return _judged(
            pipeline, data, weights, split, called=called, seed=seed, asked=threshold
        )


def _fitted(
    fit: Fit, data: TrainingData, weights: NDArray[np.float64], rows: Indexes
) -> Any:  # noqa: ANN401 -- scikit-learn has no stubs
    labels = np.asarray(data.labels, dtype=np.str_)
    kept = rows[np.isin(labels[rows], _learnable(labels[rows]))]
    known = _fittable(data.matrix[kept], len(data.columns))
    return fit(known, labels[kept], weights[kept])


def _judged(
    pipeline: Any,  # noqa: ANN401 -- scikit-learn has no stubs
    data: TrainingData,
    weights: NDArray[np.float64],
    split: Split,
    *,
    called: str,
    seed: int,
    asked: float,
) -> TrainedModel:
    """Calibrate a fitted pipeline and report on it, each by rows that it never saw."""
    keys = tuple(str(key) for key in pipeline.classes_)
    calibration = _calibrated(pipeline, data, weights, split)
    found = _sensitive(pipeline, calibration, data, split, asked)
    figures = _figures(
        pipeline, calibration, data, weights, split.test, found.threshold, seed=seed
    )
    past = data.matrix[split.train]
    answers = sample_answers(
        pipeline.predict_proba, past, data.columns, keys, seed=seed
    )
    report = {
        **circumstances(pipeline, data, split),
        "algorithm": called,
        "seed": seed,
        "calibration": [curve.method for curve in calibration.curves],
        "test": figures,
        **({"sensitivity": asdict(found)} if data.terms.sensitivity else {}),
        "answers": answers.to_json(),
    }
    return TrainedModel(
        pipeline,
        keys,
        data.columns,
        calibration,
        reference_values(past, data.columns),
        report,
        _reference(pipeline, data, weights, fitted=split.train, seed=seed),
        found.threshold,
    )


def _figures(
    pipeline: Any,  # noqa: ANN401 -- scikit-learn has no stubs
    calibration: Calibration,
    data: TrainingData,
    weights: NDArray[np.float64],
    rows: Indexes,
    threshold: float,
    *,
    seed: int,
) -> dict[str, Any]:
    """Report on rows that nothing was fitted on."""
    return held_out_report(
        pipeline.predict_proba(data.matrix[rows]),
        np.asarray(data.labels, dtype=np.str_)[rows],
        weights[rows],
        label_keys=tuple(str(key) for key in pipeline.classes_),
        positive_labels=data.positive_labels,
        calibration=calibration,
        threshold=threshold,
        terms=data.terms,
        seed=seed,
    )


def _sensitive(
    pipeline: Any,  # noqa: ANN401 -- scikit-learn has no stubs
    calibration: Calibration,
    data: TrainingData,
    split: Split,
    threshold: float,
) -> SensitiveThreshold:
    """Lower the threshold as far as the terms ask, by the rows that calibrated it."""
    asked = data.terms.sensitivity
    if asked is None:
        return SensitiveThreshold(threshold, 0.0, 0, is_enough=True)
    rows = split.calibrate
    known = apply_calibration(calibration, pipeline.predict_proba(data.matrix[rows]))
    positives = np.isin(pipeline.classes_, data.positive_labels)
    return sensitive_threshold(
        unit_sum(known[:, positives]),
        np.isin(np.asarray(data.labels)[rows], data.positive_labels),
        sensitivity=asked,
        at_most=threshold,
    )


def _reference(
    pipeline: Any,  # noqa: ANN401 -- scikit-learn has no stubs
    data: TrainingData,
    weights: NDArray[np.float64],
    *,
    fitted: Indexes,
    seed: int,
) -> Reference:
    rows = drawn_rows(weights, data.times, seed=seed)
    positives = np.isin(pipeline.classes_, data.positive_labels)
    scores = np.asarray(pipeline.predict_proba(data.matrix[rows]), dtype=np.float64)
    return Reference(
        matrix=data.matrix[rows, : len(data.columns)],
        columns=data.columns,
        scores=unit_sum(scores[:, positives]),
        is_held_out=~np.isin(rows, fitted),
    )


def _fittable(matrix: Matrix, n_columns: int) -> Matrix:
    """Make columns that are missing throughout constant, so that nothing learns them.

    Gradient boosting cannot bin an empty column.
    """
    is_empty = np.isnan(matrix).all(axis=0)
    is_empty[n_columns:] = False  # no word is none, and not the first one
    return np.where(is_empty, 0.0, matrix)


def reference_values(
    matrix: Matrix, columns: Sequence[Column]
) -> dict[str, str | float | bool | None]:
    """Return a typical value per column of matrix [n, k]; None when all are missing.

    The median of a number, the most frequent value of a category or boolean (the first
    declared among equals).
    """
    values: dict[str, str | float | bool | None] = {}
    for index, column in enumerate(columns):
        cells = matrix[:, index]
        known = cells[~np.isnan(cells)]
        typical = np.float64("nan")
        if known.size and column.is_number:
            typical = np.float64(np.median(known))
        elif known.size:
            typical = np.float64(np.bincount(known.astype(np.intp)).argmax())
        values[column.name] = feature_value(column, float(typical))
    return values


def _check_counts(
    split: Split, is_positive: NDArray[np.bool_], min_per_side: int
) -> None:
    sides = {"positives": is_positive, "others": ~is_positive}
    for side, rows in sides.items():
        n = int(rows.sum())
        if n < min_per_side:
            raise TooFewLabels(f"{n} {side}, {min_per_side} needed")
    for name, part in split.parts().items():
        for side, rows in sides.items():
            n = int(rows[part].sum())
            if n < MIN_PER_SIDE_IN_PART:
                raise TooFewLabels(
                    f"{n} {side} in the {name} part, {MIN_PER_SIDE_IN_PART} needed"
                )


def _learnable(labels: NDArray[np.str_]) -> list[str]:
    keys, counts = np.unique(labels, return_counts=True)
    kept = [str(key) for key, n in zip(keys, counts, strict=True) if n >= MIN_PER_LABEL]
    if len(kept) < 2:
        raise TooFewLabels(
            f"{len(kept)} labels with {MIN_PER_LABEL} rows to learn from, 2 needed"
        )
    return kept


def _calibrated(
    pipeline: Any,  # noqa: ANN401 -- scikit-learn has no stubs
    data: TrainingData,
    weights: NDArray[np.float64],
    split: Split,
) -> Calibration:
    rows = split.calibrate
    scores = pipeline.predict_proba(data.matrix[rows])
    labels = np.asarray(data.labels, dtype=np.str_)[rows]
    is_true = labels[:, None] == pipeline.classes_[None, :]
    if missing := [str(pipeline.classes_[i]) for i in _one_sided(is_true)]:
        raise TooFewLabels(f"calibrate part: no rows to tell apart {missing}")
    return fit_calibration(scores, is_true, weights[rows])


def _one_sided(is_true: NDArray[np.bool_]) -> Collection[int]:
    counts = is_true.sum(axis=0)
    return [i for i, n in enumerate(counts) if n in (0, len(is_true))]
