"""Say why: how much each feature moved one prediction."""

from datetime import datetime
from typing import TypedDict

from django.db import transaction

from predictions.learning.failures import ScoringFailed
from predictions.learning.features import columns_from_json, feature_matrix
from predictions.learning.scorer import shared_scorer
from predictions.models import Explanation, Prediction
from predictions.services.artifacts import scorer_model

TIME_BUDGET_SECONDS = 2.0


class ContributionJson(TypedDict):
    feature: str
    value: object
    reference: object
    effect: float


def explain_prediction(
    prediction: Prediction, *, now: datetime
) -> list[ContributionJson]:
    """Return the contributions, largest effect first; compute and keep them once.

    A model that cannot be asked now gives an empty list: the case can be decided
    without it, and the next person to open it asks again.
    """
    stored = Explanation.objects.filter(prediction=prediction).first()
    if stored is None:
        computed = _compute(prediction)
        if not computed:
            return []
        with transaction.atomic():
            stored, _ = Explanation.objects.get_or_create(
                prediction=prediction,
                defaults={"contributions": computed, "created_at": now},
            )
    contributions: list[ContributionJson] = stored.contributions
    return contributions


def _compute(prediction: Prediction) -> list[ContributionJson]:
    version, item = prediction.model_version, prediction.item
    columns = columns_from_json(version.columns)
    typical = feature_matrix([version.references], columns)[0]
    row = feature_matrix([item.features], columns)[0]
    try:
        found = shared_scorer().explain(
            scorer_model(version),
            row,
            typical,
            label_indexes=_explained_labels(prediction),
            timeout_seconds=TIME_BUDGET_SECONDS,
        )
    except ScoringFailed:
        return []
    return [
        {
            "feature": columns[one.column_index].name,
            "value": item.features.get(columns[one.column_index].name),
            "reference": version.references.get(columns[one.column_index].name),
            "effect": one.contribution,
        }
        for one in found
        if one.contribution
    ]


def _explained_labels(prediction: Prediction) -> list[int]:
    """Explain the recommended label: an effect above 0 speaks for it."""
    return [prediction.model_version.label_keys.index(prediction.label)]
