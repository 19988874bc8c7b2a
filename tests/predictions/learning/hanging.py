"""An estimator that misbehaves on demand; trusted by name in the scorer's tests."""

import os
import time

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

TYPE_NAME = "tests.predictions.learning.hanging.Misbehaving"
HANG, RAISE, NAN, EXIT, SHAPE, NEGATIVE, ALLOCATE = 1, 2, 3, 4, 5, 6, 7


class Misbehaving(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # -- no stubs
    """Says 0.25 / 0.75; the first column of a row tells it what to do instead."""

    def fit(self, matrix: NDArray[np.float64], labels: list[str]) -> "Misbehaving":
        self.classes_ = np.unique(np.asarray(labels))
        self.n_features_in_ = matrix.shape[1]
        return self

    def predict_proba(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        wanted = matrix[:, 0]
        if HANG in wanted:
            time.sleep(60)
        if RAISE in wanted:
            raise ZeroDivisionError("amount 1234.5 is a secret")
        if EXIT in wanted:
            os._exit(7)
        if SHAPE in wanted:
            return np.zeros((1, 5))
        if ALLOCATE in wanted:
            return np.ones((2**30, 8))
        scores = np.tile([0.25, 0.75], (len(matrix), 1))
        scores[wanted == NAN] = np.nan
        scores[wanted == NEGATIVE] = [-0.5, 1.5]
        return scores
