"""What each word of a text did to a linear model's score, exactly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from predictions.learning.explanation import Floats


def exact_word_effects(
    model: Any,  # noqa: ANN401 -- any estimator; no stubs
    row: Floats,
    places: Sequence[tuple[int, slice]],
    *,
    label_index: int,
) -> Floats | None:
    """Return weight times value of each word cell of a row, [m]; else NaN.

    `places` are the index of each text among the columns and its cells. None unless
    the model is the pipeline that is trained here, with logistic regression of two
    labels: only there the parts add up to the log-odds of a label.
    """
    if not _is_linear(model):
        return None
    prepare, linear = model.named_steps["prepare"], model.named_steps["model"]
    values = prepare.transform(row[None, :])
    values = values.toarray()[0] if hasattr(values, "toarray") else values[0]
    towards = linear.coef_[0] if label_index == 1 else -linear.coef_[0]
    effects = np.full(row.shape, np.nan)
    for index, place in places:
        taken = prepare.output_indices_[f"words_{index}"]
        moved = (values * towards)[taken]
        cells = np.arange(place.start, place.stop)
        cells = cells[~np.isnan(row[cells])]
        effects[cells] = moved[row[cells].astype(np.intp)]
    return effects


def _is_linear(model: Any) -> bool:  # noqa: ANN401 -- any estimator; no stubs
    if not isinstance(model, Pipeline) or list(model.named_steps) != [
        "prepare",
        "model",
    ]:
        return False
    prepare, linear = model.named_steps["prepare"], model.named_steps["model"]
    return (
        isinstance(prepare, ColumnTransformer)
        and type(linear) is LogisticRegression
        and len(linear.classes_) == 2
        and any(name.startswith("words_") for name in prepare.output_indices_)
    )
