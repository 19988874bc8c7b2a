"""Rows to learn from as arrays; light to import, unlike what learns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictions.learning.features import Column, Matrix, matrix_width
from predictions.learning.label_terms import NO_TERMS, LabelTerms


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Labelled rows, in the form of `feature_matrix`; labels [n].

    `times` [n] are seconds since 1970 UTC.
    `weights` [n] (for instance 1 / review probability) and `subjects` [n] are
    optional. `label_keys` are the workflow's, `positive_labels` some of them, `terms`
    how they stand to each other: a model is judged by them, and does not learn them.
    """

    matrix: Matrix
    labels: Sequence[str]
    times: NDArray[np.float64]
    columns: tuple[Column, ...]
    label_keys: tuple[str, ...]
    positive_labels: tuple[str, ...]
    weights: NDArray[np.float64] | None = None
    subjects: Sequence[str | None] | None = None
    terms: LabelTerms = NO_TERMS

    def __post_init__(self) -> None:
        """Raise ValueError when lengths differ or a label is not declared."""
        n = len(self.labels)
        optional = [part for part in (self.weights, self.subjects) if part is not None]
        if any(len(part) != n for part in (self.matrix, self.times, *optional)):
            raise ValueError("training data: its parts have different lengths")
        if self.matrix.shape != (n, matrix_width(self.columns)):
            raise ValueError(
                f"matrix: {self.matrix.shape}, {len(self.columns)} columns"
            )
        if unknown := sorted(set(self.labels) - set(self.label_keys)):
            raise ValueError(f"labels not declared: {', '.join(unknown)}")
        if not set(self.positive_labels) < set(self.label_keys):
            raise ValueError("positive_labels: must be some of label_keys, not all")
