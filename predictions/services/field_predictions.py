"""What models say of declared fields: judged row by row, stored beside predictions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import orjson

from predictions.declaration import FieldError
from predictions.declaration_fields import FieldSpec
from predictions.fields.predicted import Predicted, read_predicted
from predictions.fields.values import Sizes
from predictions.learning.failures import ModelOutputWrong
from predictions.learning.score_results import ScoreResult
from predictions.models import PredictedFields
from predictions.services.copying import store_rows

_COLUMNS = ("prediction_id", "values", "confidences", "evidence", "created_at")


def judged_fields(
    result: ScoreResult,
    specs: Sequence[FieldSpec],
    *,
    features: Sequence[Mapping[str, object]],
    sizes: Sequence[Sizes],
) -> tuple[ScoreResult, Mapping[int, Predicted]]:
    """Read the fields of each row; a row whose fields are nonsense becomes a bad one.

    `features` and `sizes` of images are those of the items, row by row. Where nothing
    is declared, nothing is read.
    """
    if not specs:
        return result, {}
    predicted: dict[int, Predicted] = {}
    bad = dict(result.bad_rows)
    for row, given in result.fields.items():
        if row in bad:
            continue
        found, errors = read_predicted(
            specs, given, texts=features[row], sizes=sizes[row]
        )
        if errors:
            bad[row] = ModelOutputWrong(_told(errors[0], specs))
        else:
            predicted[row] = found
    return replace(result, bad_rows=dict(sorted(bad.items()))), predicted


def _told(error: FieldError, specs: Sequence[FieldSpec]) -> str:
    """Name field and rule; what the other side wrote is in no log."""
    name = error.field.removeprefix("fields.").partition(".")[0]
    declared = any(one.name == name for one in specs)
    return f"field {name}: {error.rule}" if declared else f"fields: {error.rule}"


def store_predicted_fields(
    rows: Iterable[tuple[UUID, Predicted]], *, now: datetime
) -> None:
    """Write what predictions say of fields, in the caller's transaction."""
    store_rows(
        PredictedFields,
        _COLUMNS,
        ((pk, *map(_json, _parts(one)), now) for pk, one in rows),
    )


def as_stored_fields(
    prediction_id: UUID, one: Predicted, *, now: datetime
) -> PredictedFields:
    """Return the row that was stored at that moment, without reading it."""
    values, confidences, evidence = _parts(one)
    return PredictedFields(
        prediction_id=prediction_id,
        values=values,
        confidences=confidences,
        evidence=evidence,
        created_at=now,
    )


def _parts(one: Predicted) -> tuple[Mapping[str, object], ...]:
    return one.values, one.confidences, one.evidence


def _json(part: Mapping[str, object]) -> str:
    return orjson.dumps(part).decode()
