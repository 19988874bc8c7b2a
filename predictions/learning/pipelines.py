"""The pipelines that Countersign trains itself."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from predictions.learning.features import Column, word_places
from predictions.learning.word_counts import WordFlags

type Algorithm = Literal["gradient_boosting", "logistic", "baseline"]

# above this many values the trees read a category's index as a number
MAX_TREE_CATEGORIES: Final = 254
MISSING_CODE: Final = -1.0
# Directions that trees are given in place of words, of which each has too few rows.
N_TOPICS: Final = 30


def build_pipeline(
    algorithm: Algorithm, columns: Sequence[Column], *, seed: int
) -> Any:  # noqa: ANN401 -- scikit-learn has no stubs
    """Return the unfitted pipeline; its last step is named `model`.

    Raises: ValueError for an unknown algorithm.
    """
    if algorithm == "gradient_boosting":
        others = [column for column in columns if column.kind != "text"]
        steps = [("model", _boosting(others, seed))]
        if word_places(columns):
            steps.insert(0, ("prepare", _topics(columns, seed)))
        return Pipeline(steps)
    if algorithm == "logistic":
        model = LogisticRegression(max_iter=2000)
        return Pipeline([("prepare", _prepared(columns)), ("model", model)])
    if algorithm == "baseline":
        return Pipeline([("model", DummyClassifier(strategy="prior"))])
    raise ValueError(f"algorithm: unknown, {algorithm!r}")


def _boosting(columns: Sequence[Column], seed: int) -> Any:  # noqa: ANN401 -- no stubs
    categories = [
        index
        for index, column in enumerate(columns)
        if column.kind == "category" and len(column.values) <= MAX_TREE_CATEGORIES
    ]
    return HistGradientBoostingClassifier(
        max_iter=100,
        early_stopping=False,  # its own split would be at random, not by time
        categorical_features=categories or None,
        random_state=seed,
    )


def _topics(columns: Sequence[Column], seed: int) -> Any:  # noqa: ANN401 -- no stubs
    """Put the columns that are no texts first, in order, and topics behind them."""
    others = [i for i, column in enumerate(columns) if column.kind != "text"]
    topics = [
        (f"topics_{index}", _weighed(TruncatedSVD(N_TOPICS, random_state=seed)), place)
        for index, place in word_places(columns).items()
    ]
    return ColumnTransformer([("columns", "passthrough", others), *topics])


def _weighed(*after: Any) -> Any:  # noqa: ANN401 -- no stubs
    return make_pipeline(WordFlags(), TfidfTransformer(), *after)


def _prepared(columns: Sequence[Column]) -> Any:  # noqa: ANN401 -- no stubs
    categories = [i for i, column in enumerate(columns) if column.kind == "category"]
    numbers = [
        i for i, column in enumerate(columns) if column.kind in {"number", "boolean"}
    ]
    codes = [
        [MISSING_CODE, *(float(code) for code in range(len(columns[i].values)))]
        for i in categories
    ]
    scaled = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )
    coded = make_pipeline(
        SimpleImputer(
            strategy="constant", fill_value=MISSING_CODE, keep_empty_features=True
        ),
        OneHotEncoder(categories=codes, handle_unknown="ignore", sparse_output=False),
    )
    steps = [("numbers", scaled, numbers), ("categories", coded, categories)]
    words = [
        (f"words_{index}", _weighed(), place)
        for index, place in word_places(columns).items()
    ]
    return ColumnTransformer([*(step for step in steps if step[2]), *words])
