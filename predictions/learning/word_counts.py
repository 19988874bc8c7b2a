"""Codes of words, as `feature_matrix` gives them, as the sparse rows that weights take.

Apart from `words.py`, which must not wait for scikit-learn.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin

from predictions.learning.words import N_CODES


class WordFlags(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # no stubs
    """Turn cells [n, 512] of codes into sparse rows [n, 32,768] of 0 and 1."""

    def fit(self, cells: NDArray[np.float64], y: object = None) -> Self:
        """Learn nothing but how many cells there are."""
        self.n_features_in_ = cells.shape[1]
        return self

    def transform(self, cells: NDArray[np.float64]) -> Any:  # noqa: ANN401 -- SciPy has no stubs
        """Return 1 for each word that a row has; codes out of range are none."""
        cells = np.asarray(cells, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            is_word = (cells >= 0) & (cells < N_CODES)
        rows, _ = np.nonzero(is_word)
        codes = cells[is_word].astype(np.intp)
        shape = (len(cells), N_CODES)
        flags = csr_matrix((np.ones(len(codes)), (rows, codes)), shape=shape)
        flags.data[:] = 1.0  # a code that stands twice is the same word
        return flags
