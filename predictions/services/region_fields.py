"""Fill in boxes from the marks that a reader found, each called by the model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from predictions.declaration import Declaration
from predictions.declaration_fields import FieldSpec
from predictions.enums import ModelKind
from predictions.fields.predicted import Predicted
from predictions.fields.values import check_fields
from predictions.learning.failures import ScoringFailed
from predictions.learning.features import columns_from_json, feature_matrix
from predictions.models import ModelVersion
from predictions.services.scoring_items import ItemToScore, Region
from predictions.services.serving import served


def fields_of_regions(
    version: ModelVersion,
    items: Sequence[ItemToScore],
    specs: Sequence[FieldSpec],
    declaration: Declaration,
) -> Mapping[int, Predicted]:
    """Return by row the boxes of a measured image, for a model that is a file.

    The model is asked about each mark as if it were the only one; a mark that it calls
    by a class of the field, or positive where the field has no classes, becomes a box.
    A field's confidence is the least raw score among its boxes. A model that cannot be
    asked fills in nothing.
    """
    fields = [one for one in specs if one.type == "boxes" and one.media]
    marks = [
        (row, slot, region)
        for row, item in enumerate(items)
        for slot, regions in item.regions.items()
        for region in regions
    ]
    if version.kind != ModelKind.ARTIFACT or not fields or not marks:
        return {}
    asked = [{**items[row].features, **region.values} for row, _, region in marks]
    try:
        result = served(version).score(
            feature_matrix(asked, columns_from_json(version.columns)),
            timeout_seconds=declaration.model.time_budget_ms / 1000,
        )
    except ScoringFailed:
        return {}
    boxes: dict[int, dict[str, list[tuple[dict[str, Any], float]]]] = {}
    for place, (row, slot, region) in enumerate(marks):
        if place in result.bad_rows:
            continue
        best = int(np.argmax(result.scores[place]))
        label, score = version.label_keys[best], float(result.scores[place, best])
        for spec in fields:
            box = _box(spec, slot, region, label, declaration)
            if box is not None:
                found = boxes.setdefault(row, {}).setdefault(spec.name, [])
                found.append((box, score))
    return {row: _predicted(fields, found) for row, found in boxes.items()}


def _box(
    spec: FieldSpec, slot: str, region: Region, label: str, declaration: Declaration
) -> dict[str, Any] | None:
    if spec.media != slot:
        return None
    if not spec.classes:
        return dict(region.box) if label in declaration.positive_labels else None
    return {**region.box, "class": label} if label in spec.classes else None


def _predicted(
    fields: Sequence[FieldSpec],
    found: Mapping[str, Sequence[tuple[dict[str, Any], float]]],
) -> Predicted:
    specs = [one for one in fields if one.name in found]
    kept = {one.name: found[one.name][: one.max_regions] for one in specs}
    values = check_fields(
        specs, {name: [box for box, _ in boxes] for name, boxes in kept.items()}
    )
    confidences = {name: min(score for _, score in b) for name, b in kept.items()}
    return Predicted(values.values, confidences)
