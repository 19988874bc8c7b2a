"""Which columns a model of a workflow reads, and whether they are still declared."""

from collections.abc import Collection, Iterable
from typing import cast

from predictions.declaration import Declaration
from predictions.learning.features import Column, ColumnKind


def model_columns(declaration: Declaration) -> tuple[Column, ...]:
    """Return the declared features that models use, in their declared order."""
    return tuple(
        Column(
            name=feature.name,
            kind="number"
            if feature.type in {"number", "integer"}
            else cast("ColumnKind", feature.type),
            values=tuple(feature.values) if feature.type == "category" else (),
        )
        for feature in declaration.model_features
    )


# A moment is nothing that a model reads.
_KINDS = {
    "number": {"number"},
    "integer": {"number"},
    "boolean": {"boolean", "number"},
    "category": {"category"},
    "text": {"text"},
}


def undeclared_columns(
    declaration: Declaration, columns: Iterable[Column]
) -> list[str]:
    """Return the columns that no feature is named like, or one of another type."""
    return [
        column.name
        for column in columns
        if (feature := declaration.feature(column.name)) is None
        or column.kind not in _KINDS.get(feature.type, ())
    ]


def unfit_labels(declaration: Declaration, label_keys: Collection[str]) -> list[str]:
    """Return the labels that are not declared, or all where none is positive."""
    unknown = sorted(set(label_keys) - set(declaration.label_keys))
    if unknown or set(label_keys) & set(declaration.positive_labels):
        return unknown
    return sorted(label_keys)
