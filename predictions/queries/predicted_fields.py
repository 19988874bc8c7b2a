"""What predictions say of declared fields."""

from collections.abc import Sequence

from django.core.exceptions import ObjectDoesNotExist

from predictions.declaration_fields import FieldSpec
from predictions.fields.values import Values, check_fields
from predictions.models import PredictedFields, Prediction


def predicted_fields_of(prediction: Prediction | None) -> PredictedFields | None:
    """Return what a prediction says of fields; None where it says nothing of them.

    Asks the database unless that was read with the prediction.
    """
    try:
        return prediction.predicted_fields if prediction is not None else None
    except ObjectDoesNotExist:
        return None


def recommended_values(
    prediction: Prediction | None, specs: Sequence[FieldSpec]
) -> Values | None:
    """Return the recommended values that are still as the fields are declared.

    None where no field is recommended at all.
    """
    if not specs or (found := predicted_fields_of(prediction)) is None:
        return None
    known = {one.name: found.values.get(one.name) for one in specs}
    return check_fields(specs, known).values
