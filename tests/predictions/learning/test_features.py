import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.learning.features import (
    Column,
    columns_from_json,
    columns_to_json,
    feature_matrix,
    feature_value,
)

AMOUNT = Column("amount", "number")
KIND = Column("kind", "category", ("food", "fuel"))
ABROAD = Column("abroad", "boolean")
COLUMNS = (AMOUNT, KIND, ABROAD)


def test_feature_matrix_of_known_values() -> None:
    rows = [
        {"amount": 12, "kind": "fuel", "abroad": True, "more": "ignored"},
        {"amount": 0.5, "kind": "food", "abroad": False},
    ]
    matrix = feature_matrix(rows, COLUMNS)
    assert matrix.dtype == np.float64
    assert matrix.tolist() == [[12.0, 1.0, 1.0], [0.5, 0.0, 0.0]]


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"amount": None, "kind": None, "abroad": None},
        {"amount": "much", "kind": "toys", "abroad": "yes"},
        {"amount": [1], "kind": ["food"], "abroad": {"a": 1}},
        {"amount": math.inf, "kind": 0, "abroad": 2},
        {"amount": 10**400, "kind": {}, "abroad": []},
    ],
)
def test_feature_matrix_of_unusable_values_is_missing(row: dict[str, object]) -> None:
    usable = {"amount": 1.0, "kind": "food", "abroad": True}
    matrix = feature_matrix([row, usable], COLUMNS)
    assert np.isnan(matrix[0]).all()
    assert matrix[1].tolist() == [1.0, 0.0, 1.0]


def test_feature_matrix_when_every_cell_is_a_list() -> None:
    assert np.isnan(feature_matrix([{"amount": [1.0]}], (AMOUNT,))).all()


def test_feature_matrix_of_no_rows() -> None:
    assert feature_matrix([], COLUMNS).shape == (0, 3)


@given(
    st.fixed_dictionaries(
        {
            "amount": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "kind": st.sampled_from([None, "food", "fuel"]),
            "abroad": st.none() | st.booleans(),
        }
    )
)
def test_feature_value_reads_the_matrix_back(row: dict[str, object]) -> None:
    cells = feature_matrix([row], COLUMNS)[0]
    back = {c.name: feature_value(c, v) for c, v in zip(COLUMNS, cells, strict=True)}
    assert back == row


def test_columns_survive_json() -> None:
    text = json.dumps(columns_to_json(COLUMNS))
    assert columns_from_json(json.loads(text)) == COLUMNS


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([{"kind": "number"}], "column name: expected a text, got None"),
        ([{"name": "a", "kind": "date"}], "column a: kind must be one of"),
        ([{"name": "a", "kind": "category", "values": [1]}], "must be a list of texts"),
        ([{"name": "a", "kind": "number"}] * 2, "columns named twice: a"),
    ],
)
def test_columns_from_json_names_what_is_wrong(
    data: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        columns_from_json(data)
