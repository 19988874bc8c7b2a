"""What an engineer may bring to a training run, good and bad."""

import time
from typing import Any

from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

MODULE = "tests.lifecycle.own_models"


def fit(X: Any, y: Any, sample_weight: Any = None, seed: Any = None) -> Any:  # noqa: ANN401, N803 -- as an engineer writes it
    """A model that sklearn has, with weights."""
    assert seed is not None
    assert len(X) == len(y) == len(sample_weight)
    model = make_pipeline(SimpleImputer(), LogisticRegression())
    return model.fit(X, y, logisticregression__sample_weight=sample_weight)


def raises(X: Any, y: Any) -> Any:  # noqa: ANN401, N803 -- as an engineer writes it
    """Fail, with the values of an item in the words."""
    raise ValueError(f"cannot learn from {X[0, 0]}")


def nothing(X: Any, y: Any) -> Any:  # noqa: ANN401, N803 -- as an engineer writes it
    """Return no model."""


def hangs(X: Any, y: Any) -> Any:  # noqa: ANN401, N803 -- as an engineer writes it
    """Never come back."""
    time.sleep(600)


def hungry(X: Any, y: Any) -> Any:  # noqa: ANN401, N803 -- as an engineer writes it
    """Want more memory than there is."""
    return bytearray(2**50)


no_function = 5
