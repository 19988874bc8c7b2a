"""Candidates of a training run: our own algorithms, and an engineer's own code."""

import importlib
import inspect
import random
import traceback
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from predictions.learning.candidate_spec import ENTRY_POINT, CandidateSpec
from predictions.learning.features import Matrix, word_places
from predictions.learning.pipelines import Algorithm
from predictions.learning.training import (
    Labels,
    TooFewLabels,
    TrainedModel,
    train,
    train_with,
)
from predictions.learning.training_data import TrainingData


class CandidateFailed(Exception):
    """No model came of a candidate; the message says why, without any item's value."""


def train_candidate(
    data: TrainingData,
    spec: CandidateSpec,
    *,
    seed: int,
    threshold: float,
    allowed: Collection[str],
) -> TrainedModel:
    """Train one candidate on its columns of the data.

    `allowed` are the entry points that may be called.
    Raises: CandidateFailed; TooFewLabels.
    """
    chosen = with_columns(data, spec.features)
    if spec.algorithm != ENTRY_POINT:
        algorithm = cast("Algorithm", spec.algorithm)
        return train(chosen, algorithm=algorithm, seed=seed, threshold=threshold)
    if spec.entry_point not in allowed:
        raise CandidateFailed(f"{spec.entry_point} is not among the allowed ones")
    function = _imported(spec.entry_point)

    def fit(matrix: Matrix, labels: Labels, weights: NDArray[np.float64]) -> Any:  # noqa: ANN401 -- any estimator
        return _fitted(function, matrix, labels, weights, seed=seed)

    try:
        return train_with(
            chosen, fit, called=spec.entry_point, seed=seed, threshold=threshold
        )
    except (CandidateFailed, TooFewLabels):
        raise
    except Exception as error:  # foreign code may raise anything
        raise CandidateFailed(_words(spec.entry_point, error)) from error


def with_columns(data: TrainingData, names: Collection[str]) -> TrainingData:
    """Return the data with only the named columns, in their order; none are all.

    Raises: CandidateFailed naming what is no column.
    """
    if not names:
        return data
    known = [column.name for column in data.columns]
    if unknown := sorted(set(names) - set(known)):
        raise CandidateFailed(f"the snapshot has no feature {', '.join(unknown)}")
    kept = [index for index, name in enumerate(known) if name in names]
    words = word_places(data.columns)
    cells = [np.arange(words[at].start, words[at].stop) for at in kept if at in words]
    return replace(
        data,
        matrix=np.ascontiguousarray(data.matrix[:, np.concatenate([kept, *cells])]),
        columns=tuple(data.columns[index] for index in kept),
    )


def _imported(entry_point: str) -> Callable[..., Any]:
    module, _, name = entry_point.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # a module may do anything when it is imported
        raise CandidateFailed(_words(entry_point, error)) from error
    if not callable(found):
        raise CandidateFailed(f"{entry_point} is no function")
    return cast("Callable[..., Any]", found)


def _fitted(
    function: Callable[..., Any],
    matrix: Matrix,
    labels: Labels,
    weights: NDArray[np.float64],
    *,
    seed: int,
) -> Any:  # noqa: ANN401 -- any estimator
    """Call an engineer's `fit(X, y)` with what else it names: sample_weight, seed."""
    offered = {"sample_weight": weights, "seed": seed}
    taken = inspect.signature(function).parameters
    extra = {name: value for name, value in offered.items() if name in taken}
    random.seed(seed)
    np.random.seed(seed % 2**32)
    model = function(matrix, labels, **extra)
    for name in ("classes_", "predict_proba"):
        if not hasattr(model, name):
            raise CandidateFailed(f"what it returned has no {name}")
    return model


def _words(entry_point: str, error: Exception) -> str:
    return f"{entry_point} raised {what_and_where(error)}"


def what_and_where(error: Exception) -> str:
    """Say what was raised and where; its own words may hold the values of an item."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in line {where.lineno} of {where.name}"
