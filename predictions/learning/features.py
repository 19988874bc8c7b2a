"""Turn the features of items into the matrix that models read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

type Matrix = NDArray[np.float64]
type Row = Mapping[str, object]
type ColumnKind = Literal["number", "category", "boolean"]

KINDS: Final[tuple[str, ...]] = get_args(ColumnKind.__value__)
TRUTH: Final[Mapping[object, float]] = {False: 0.0, True: 1.0}


@dataclass(frozen=True, slots=True)
class Column:
    """One input of a model; `values` are the declared values of a category."""

    name: str
    kind: ColumnKind
    values: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the column as JSON data, which `from_json` reads back."""
        return {"name": self.name, "kind": self.kind, "values": list(self.values)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "Column":
        """Read a column from JSON data.

        Raises: ValueError naming the field when the data is not a column.
        """
        name, kind, values = data.get("name"), data.get("kind"), data.get("values", [])
        if not isinstance(name, str) or not name:
            raise ValueError(f"column name: expected a text, got {name!r}")
        if kind not in KINDS:
            raise ValueError(
                f"column {name}: kind must be one of {KINDS}, got {kind!r}"
            )
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise ValueError(f"column {name}: values must be a list of texts")
        return cls(name, cast("ColumnKind", kind), tuple(values))


def columns_to_json(columns: Sequence[Column]) -> list[dict[str, object]]:
    """Return the columns as JSON data, in order."""
    return [column.to_json() for column in columns]


def columns_from_json(data: Sequence[Mapping[str, object]]) -> tuple[Column, ...]:
    """Read columns from JSON data, in order.

    Raises: ValueError when one is not a column or two have the same name.
    """
    columns = tuple(Column.from_json(entry) for entry in data)
    names = [column.name for column in columns]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"columns named twice: {', '.join(repeated)}")
    return columns


def feature_matrix(rows: Sequence[Row], columns: Sequence[Column]) -> Matrix:
    """Return a float64 matrix [n rows, k columns].

    A number is itself, a category the index of its declared value, a boolean 0 or
    1. What is missing, None, not declared or not finite is NaN.
    Source: own.
    """
    matrix = np.empty((len(rows), len(columns)), dtype=np.float64)
    for index, column in enumerate(columns):
        name = column.name
        cells = [row.get(name) for row in rows]
        if column.kind == "number":
            matrix[:, index] = _numbers(cells)
        else:
            matrix[:, index] = _codes(cells, codes_of(column))
    return matrix


def codes_of(column: Column) -> Mapping[object, float]:
    """Return which matrix value stands for which value of a category or boolean."""
    if column.kind == "boolean":
        return TRUTH
    return {value: float(index) for index, value in enumerate(column.values)}


def feature_value(column: Column, number: float) -> str | float | bool | None:
    """Return the feature value that a cell of the matrix stands for; NaN is None."""
    if math.isnan(number):
        return None
    if column.kind == "boolean":
        return bool(number)
    if column.kind == "category":
        return column.values[int(number)]
    return float(number)


def _numbers(cells: list[object]) -> Matrix:
    try:
        numbers = np.array(cells, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = np.array([_number(cell) for cell in cells], dtype=np.float64)
    if numbers.ndim != 1:
        numbers = np.array([_number(cell) for cell in cells], dtype=np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _number(cell: object) -> float:
    if not isinstance(cell, int | float | str):
        return math.nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return math.nan


def _codes(cells: list[object], codes: Mapping[object, float]) -> Matrix:
    try:
        return np.array([codes.get(cell, math.nan) for cell in cells], dtype=np.float64)
    except TypeError:  # a list or an object cannot be looked up: no declared value
        hashable = [cell if isinstance(cell, str | int) else None for cell in cells]
        return _codes(cast("list[object]", hashable), codes)
