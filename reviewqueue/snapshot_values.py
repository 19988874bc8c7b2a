"""Columns of snapshots for declared values: features of items, fields of decisions."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import orjson
import pyarrow as pa

from predictions.declaration import Feature
from predictions.declaration_fields import FieldSpec

FIELD: Final = "field_"
RECOMMENDED: Final = "recommended_field_"
CORRECTED: Final = "corrected_field_"
# Columns whose text is JSON say so in their metadata.
JSON_TEXT: Final = {b"countersign": b"json"}
_INT64 = 2**63


def arrow_type(declared: Feature | FieldSpec) -> pa.DataType:
    """Return the type of the column; what has no type of its own is text."""
    kinds = {
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
    }
    return kinds.get(declared.type, pa.string())


def fitting(declared: Feature | FieldSpec, value: object) -> object:
    """Return the value in the column's type; one of an older version may not fit."""
    if declared.type == "boolean":
        return value if isinstance(value, bool) else None
    if declared.type not in {"number", "integer"}:
        return value if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if declared.type == "number":
        return float(value)
    return int(value) if value == int(value) and abs(value) < _INT64 else None


def field_columns(specs: Sequence[FieldSpec]) -> list[pa.Field]:
    """Return three columns a field: the truth, the recommended value, corrected."""
    columns = []
    for one in specs:
        kind, said = arrow_type(one), JSON_TEXT if one.is_set else None
        columns += [
            pa.field(FIELD + one.name, kind, metadata=said),
            pa.field(RECOMMENDED + one.name, kind, metadata=said),
            pa.field(CORRECTED + one.name, pa.bool_()),
        ]
    return columns


def field_cells(
    specs: Sequence[FieldSpec],
    rows: Sequence[tuple[str | None, str | None, list[str] | None]],
    corrected: Counter[str],
) -> list[list[Any]]:
    """Return the cells of `field_columns`, counting what was corrected.

    Of each row: the fields of the label and those recommended, both JSON text, and
    the names that the decision corrected, where there is one.
    """
    if not specs:
        return []
    true = [_read(row[0]) for row in rows]
    said = [_read(row[1]) for row in rows]
    wrong = [
        None if row[1] is None or row[2] is None else frozenset(row[2]) for row in rows
    ]
    cells: list[list[Any]] = []
    for one in specs:
        flags = [None if names is None else one.name in names for names in wrong]
        corrected[one.name] += sum(bool(flag) for flag in flags)
        cells += [_column(one, true), _column(one, said), flags]
    return cells


def _read(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(text) if text else {}
    return found or {}


def _column(spec: FieldSpec, rows: Sequence[dict[str, Any]]) -> list[Any]:
    values = (row.get(spec.name) for row in rows)
    if not spec.is_set:
        return [fitting(spec, value) for value in values]
    return [
        orjson.dumps(value).decode() if isinstance(value, list) else None
        for value in values
    ]
