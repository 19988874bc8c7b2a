"""Which columns a model of a workflow reads."""

from predictions.declaration import Declaration
from predictions.learning.features import Column


def model_columns(declaration: Declaration) -> tuple[Column, ...]:
    """Return the declared features that models use, in their declared order."""
    return tuple(
        Column(
            name=feature.name,
            kind="number"
            if feature.type in {"number", "integer"}
            else "boolean"
            if feature.type == "boolean"
            else "category",
            values=tuple(feature.values) if feature.type == "category" else (),
        )
        for feature in declaration.model_features
    )
