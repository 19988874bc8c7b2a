"""What wrong calls cost: of two sides, or from label to label."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import Field

from predictions.declaration_parts import Number, Part

type Cost = Annotated[Number, Field(ge=0)]
# by the true label, then by the label that was said
type Matrix = Mapping[str, Mapping[str, float]]


class Costs(Part):
    """What errors cost; `matrix` from label to label.

    With a matrix `false_positive` and `false_negative` are its dearest errors between
    the two sides: they follow from it, and need not be given.
    """

    false_positive: Number = Field(ge=0)
    false_negative: Number = Field(ge=0)
    review_minute: Number = Field(default=0, ge=0)
    currency: str = Field(default="EUR", max_length=10)
    matrix: dict[str, dict[str, Cost]] | None = None


def with_sides(data: Any) -> Any:  # noqa: ANN401 -- as it was sent
    """Fill in what the costs of the two sides are by a matrix, where they are left out.

    Of a declaration as data that nobody has checked; what is no matrix stays.
    """
    costs = data.get("costs") if isinstance(data, Mapping) else None
    if not isinstance(costs, Mapping) or not isinstance(costs.get("matrix"), Mapping):
        return data
    labels = data.get("labels")
    positives = [
        one.get("key")
        for one in (labels if isinstance(labels, list | tuple) else ())
        if isinstance(one, Mapping) and one.get("positive") is True
    ]
    return {**data, "costs": _dearest(costs["matrix"], positives) | dict(costs)}


def check_matrix(
    costs: Costs, keys: Collection[str], positives: Collection[str]
) -> None:
    """See that a matrix has a cost for every pair of labels. Raises: ValueError."""
    matrix: Matrix = costs.matrix or {}
    _check_names("costs.matrix", matrix, keys)
    for truth, row in matrix.items():
        _check_names(f"costs.matrix.{truth}", row, keys)
        if row[truth]:
            raise ValueError(
                f"costs.matrix.{truth}.{truth}: what is right costs nothing"
            )
    if not any(cost for row in matrix.values() for cost in row.values()):
        raise ValueError("costs.matrix: no error costs anything")
    for side, dearest in _dearest(matrix, positives).items():
        if getattr(costs, side) != dearest:
            raise ValueError(f"costs.{side}: it follows from the matrix, {dearest:g}")


def _check_names(where: str, row: Mapping[str, object], keys: Collection[str]) -> None:
    if missing := [key for key in keys if key not in row]:
        raise ValueError(f"{where}: no cost for {', '.join(missing)}")
    if unknown := [key for key in row if key not in keys]:
        raise ValueError(f"{where}: no label is called {', '.join(unknown)}")


def _dearest(
    matrix: Mapping[Any, Any], positives: Collection[object]
) -> dict[str, float]:
    """Return the dearest error of each side; entries that are no number count as 0."""
    sides = {"false_positive": 0.0, "false_negative": 0.0}
    for truth, row in matrix.items():
        for said, cost in row.items() if isinstance(row, Mapping) else ():
            if isinstance(cost, bool) or not isinstance(cost, int | float):
                continue
            if (said in positives) != (truth in positives):
                side = "false_positive" if said in positives else "false_negative"
                sides[side] = max(sides[side], float(cost))
    return sides
