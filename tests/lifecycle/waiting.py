"""A step of a pipeline that takes its time; trusted by name in the tests of gates."""

import time

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

TYPE_NAME = "tests.lifecycle.waiting.Waits"


class Waits(TransformerMixin, BaseEstimator):  # type: ignore[misc] # -- no stubs
    """Passes its rows on, late."""

    def fit(self, matrix: NDArray[np.float64], labels: object = None) -> "Waits":
        self.n_features_in_ = matrix.shape[1]
        return self

    def transform(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        time.sleep(0.06)
        return matrix
