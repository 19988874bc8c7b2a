"""Why this score: what changes when one feature is made typical.

Occlusion, one feature at a time: put the reference value in place of the item's own,
score again, and take the difference on the logit scale. Cheap and model-agnostic, with
limits that the reader should know: features that act together share or hide their
effect (two that say the same thing may each show little), contributions do not add up
to the score, and a mixed row may be one that never occurs in reality.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictions.learning.calibration import logit

type Floats = NDArray[np.float64]
type Indexes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one column did to the score: positive pushed it up. Logit units."""

    column_index: int
    contribution: float


def occlusion_batch(row: Floats, references: Floats) -> Floats:
    """Return float [k + 1, m]: the row itself, then k copies with one value replaced.

    A column whose reference is NaN was never seen in training: it keeps its value, so
    that its contribution is 0. A missing value of the row is replaced like any other.
    Behind the k columns a row may hold the words of texts, which stay as they are.
    Raises: ValueError unless the row is float [m], m from k on, references float [k].
    """
    if row.ndim != 1 or references.ndim != 1 or row.size < references.size:
        raise ValueError(f"shapes: expected [m], [k]: {row.shape}, {references.shape}")
    batch = np.tile(row, (references.size + 1, 1))
    known = np.flatnonzero(~np.isnan(references))
    batch[known + 1, known] = references[known]
    return batch


def contributions(
    class_scores: Floats, label_indexes: Sequence[int]
) -> list[Contribution]:
    """Return the contribution of every column, largest first, ties by column.

    `class_scores` float [k + 1, n labels] are the model's for `occlusion_batch`;
    `label_indexes` the labels whose summed score is explained (the positive ones, or
    the recommended one): contribution = logit(score) - logit(score without).
    Source: own; known as occlusion (Zeiler & Fergus 2014) or leaving one covariate out.
    """
    moved = logit(class_scores[:, list(label_indexes)].sum(axis=1))
    effects = moved[0] - moved[1:]
    order = np.argsort(-np.abs(effects), kind="stable")
    return [Contribution(int(i), float(effects[i])) for i in order]


@dataclass(frozen=True, slots=True)
class WordEffects:
    """What each word cell [m] of a row did to the score, in logit units.

    Exactly so where `is_exact`: the effects of all words and columns, and a constant,
    add up to the score. Else what the score loses without that word alone.
    """

    effects: Floats
    is_exact: bool


def without_each_word(row: Floats, places: Sequence[slice]) -> tuple[Floats, Indexes]:
    """Return rows with one word taken out each, after the row itself; and the cells."""
    at = np.concatenate([np.arange(one.start, one.stop) for one in places])
    cells = at[~np.isnan(row[at])]
    batch = np.tile(row, (cells.size + 1, 1))
    batch[np.arange(1, cells.size + 1), cells] = np.nan
    return batch, cells


def explain_row(
    predict: Callable[[Floats], Floats],
    row: Floats,
    references: Floats,
    label_indexes: Sequence[int],
) -> list[Contribution]:
    """Explain one row with one call of `predict`, which maps [m, k] to [m, n labels].

    Raises: ValueError unless row and references are float [k].
    """
    scores = predict(occlusion_batch(row, references))
    return contributions(scores, label_indexes)
