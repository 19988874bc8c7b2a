"""Fill in what is personal in a text, as its finders find it, for people to correct."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from predictions.declaration import Declaration
from predictions.declaration_fields import FieldSpec
from predictions.fields.predicted import Predicted
from predictions.personal.finders import find_personal
from predictions.services.scoring_items import ItemToScore


def fields_of_spans(
    items: Sequence[ItemToScore], declaration: Declaration
) -> Mapping[UUID, Mapping[str, object]]:
    """Return by item the spans of each field that is `personal`.

    Classes are the kinds of their names; without classes every kind is a span.
    """
    specs = [one for one in declaration.fields if one.personal]
    if not specs:
        return {}
    return {
        item.id: {
            spec.name: _spans(spec, item.features.get(spec.feature), declaration)
            for spec in specs
        }
        for item in items
    }


def with_spans(
    predicted: Mapping[int, Predicted], found: Sequence[Mapping[str, object]]
) -> Mapping[int, Predicted]:
    """Add the spans of each row to what a model says of fields, which counts first."""
    if not any(found):
        return predicted
    nothing = Predicted()
    return {
        row: replace(said, values={**spans, **said.values})
        for row, spans in enumerate(found)
        if (said := predicted.get(row, nothing)) is not None
    }


def _spans(
    spec: FieldSpec, text: object, declaration: Declaration
) -> list[dict[str, Any]]:
    if not isinstance(text, str):
        return []
    found = find_personal(text, declaration.masked[spec.feature])
    spans: list[dict[str, Any]] = [
        {"start": one.start, "end": one.end}
        | ({"class": one.kind} if spec.classes else {})
        for one in found
        if not spec.classes or one.kind in spec.classes
    ]
    return spans[: spec.max_regions]
