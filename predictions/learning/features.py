"""Turn the features of items into the matrix that models read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from predictions.learning.words import (
    MAX_WORDS,
    known_codes,
    packed,
    unknown_shares,
    unpacked,
    word_cells,
)

type Matrix = NDArray[np.float64]
type Row = Mapping[str, object]
type ColumnKind = Literal["number", "category", "boolean", "text"]

KINDS: Final[tuple[str, ...]] = get_args(ColumnKind.__value__)
TRUTH: Final[Mapping[object, float]] = {False: 0.0, True: 1.0}


@dataclass(frozen=True, slots=True)
class Column:
    """One input of a model; `values` are the declared values of a category.

    `known`: the words of a text that the model met, packed; empty before it is trained.
    """

    name: str
    kind: ColumnKind
    values: tuple[str, ...] = ()
    known: str = ""

    @property
    def is_number(self) -> bool:
        """Whether its cells are amounts: of a text, a share of its words."""
        return self.kind in {"number", "text"}

    def to_json(self) -> dict[str, object]:
        """Return the column as JSON data, which `from_json` reads back."""
        said: dict[str, object] = {"name": self.name, "kind": self.kind}
        said["values"] = list(self.values)
        return {**said, "known": self.known} if self.known else said

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
        known = data.get("known", "")
        if not isinstance(known, str) or (known and kind != "text"):
            raise ValueError(f"column {name}: known is of a text, and a text itself")
        if known:
            unpacked(known)
        return cls(name, cast("ColumnKind", kind), tuple(values), known)


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


def matrix_width(columns: Sequence[Column]) -> int:
    """Return how many cells a row of `feature_matrix` has."""
    n_texts = sum(column.kind == "text" for column in columns)
    return len(columns) + n_texts * MAX_WORDS


def word_places(columns: Sequence[Column]) -> dict[int, slice]:
    """Return, by the index of each text among the columns, where its words are."""
    texts = [index for index, column in enumerate(columns) if column.kind == "text"]
    first = len(columns)
    return {
        index: slice(first + place * MAX_WORDS, first + (place + 1) * MAX_WORDS)
        for place, index in enumerate(texts)
    }


def feature_matrix(rows: Sequence[Row], columns: Sequence[Column]) -> Matrix:
    """Return a float64 matrix [n rows, k columns], wider where there are texts.

    A number is itself, a category the index of its declared value, a boolean 0 or
    1, a text the share of its words that the model does not know. What is missing,
    None, not declared or not finite is NaN. Behind the columns stand 512 cells for
    each text: codes of its words (`word_places`), then NaN.
    Source: own.
    """
    matrix = np.empty((len(rows), matrix_width(columns)), dtype=np.float64)
    for index, column in enumerate(columns):
        name = column.name
        cells = [row.get(name) for row in rows]
        if column.kind == "number":
            matrix[:, index] = _numbers(cells)
        elif column.kind != "text":
            matrix[:, index] = _codes(cells, codes_of(column))
    for index, place in word_places(columns).items():
        name = columns[index].name
        matrix[:, place] = _words([row.get(name) for row in rows])
        _fill_unknown(matrix, index, place, columns[index].known)
    return matrix


def learnt_words(
    matrix: Matrix, columns: tuple[Column, ...], fitted: NDArray[np.intp]
) -> tuple[Matrix, tuple[Column, ...]]:
    """Return the matrix and columns with the words that the `fitted` rows have.

    Words of other rows are unknown, as words to come are. Without texts both are as
    they were given.
    """
    places = word_places(columns)
    if not places:
        return matrix, columns
    matrix, learnt = matrix.copy(), list(columns)
    for index, place in places.items():
        known = packed(known_codes(matrix[fitted, place]))
        learnt[index] = replace(columns[index], known=known)
        _fill_unknown(matrix, index, place, known)
    return matrix, tuple(learnt)


def _fill_unknown(matrix: Matrix, index: int, place: slice, known: str) -> None:
    flags = unpacked(known) if known else None
    matrix[:, index] = unknown_shares(matrix[:, place], flags)


def _words(texts: Sequence[object]) -> Matrix:
    cells = np.full((len(texts), MAX_WORDS), np.nan)
    for row, text in enumerate(texts):
        codes = word_cells(text)
        cells[row, : len(codes)] = codes
    return cells


def codes_of(column: Column) -> Mapping[object, float]:
    """Return which matrix value stands for which value of a category or boolean."""
    if column.kind == "boolean":
        return TRUTH
    return {value: float(index) for index, value in enumerate(column.values)}


def feature_value(column: Column, number: float) -> str | float | bool | None:
    """Return the feature value that a cell of the matrix stands for; NaN is None.

    So is a text: no cell of it says what it was.
    """
    if math.isnan(number) or column.kind == "text":
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
