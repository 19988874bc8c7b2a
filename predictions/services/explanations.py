"""Say why: how much each feature moved one prediction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

import numpy as np
from django.db import transaction

from predictions.learning.failures import ScoringFailed
from predictions.learning.features import (
    Column,
    Matrix,
    columns_from_json,
    feature_matrix,
    word_places,
)
from predictions.learning.words import words_of
from predictions.masking import masked_values
from predictions.models import Explanation, ModelVersion, Prediction
from predictions.queries.measured import known_features
from predictions.services.external_models import texts_of
from predictions.services.serving import served

TIME_BUDGET_SECONDS = 2.0


# A word that moves the log-odds by less moves a probability by a hundredth at most.
LEAST_EFFECT = 0.04
MAX_MOVED = 200


class MovedJson(TypedDict):
    """A word at characters `start` to `end` of its text, and what it did."""

    start: int
    end: int
    effect: float


class ContributionJson(TypedDict):
    feature: str
    value: object
    reference: object
    effect: float
    words: NotRequired[list[MovedJson]]
    is_exact: NotRequired[bool]


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
    version = prediction.model_version
    declaration = version.workflow.declaration
    known = masked_values(known_features(prediction.item, declaration), declaration)
    columns = columns_from_json(version.columns)
    typical = feature_matrix([version.references], columns)[0, : len(columns)]
    row = feature_matrix([known], columns)[0]
    labels = _explained_labels(prediction)
    try:
        found = served(version).explain(
            row,
            typical,
            label_indexes=labels,
            timeout_seconds=TIME_BUDGET_SECONDS,
            texts=texts_of([known], columns),
        )
        texts = _explained_texts(version, known, columns, row, labels[0])
    except ScoringFailed:
        return []
    moved: list[ContributionJson] = [
        {
            "feature": columns[one.column_index].name,
            "value": _told(known, columns[one.column_index]),
            "reference": version.references.get(columns[one.column_index].name),
            "effect": one.contribution,
        }
        for one in found
        if one.contribution
    ]
    return sorted([*moved, *texts], key=lambda one: -abs(one["effect"]))


def _told(known: Mapping[str, object], column: Column) -> object:
    """Return the value as it is kept beside its effect; a text is not."""
    return None if column.kind == "text" else known.get(column.name)


def _explained_texts(
    version: ModelVersion,
    known: Mapping[str, object],
    columns: Sequence[Column],
    row: Matrix,
    label: int,
) -> list[ContributionJson]:
    """Return what the words of each text did; the text itself is not kept."""
    places = word_places(columns)
    if not places:
        return []
    said = served(version).word_effects(
        row, places, label_index=label, timeout_seconds=TIME_BUDGET_SECONDS
    )
    if said is None:
        return []
    return [
        {
            "feature": columns[index].name,
            "value": None,
            "reference": None,
            "effect": float(np.nansum(said.effects[place])),
            "words": _moved(str(known[columns[index].name]), row, said.effects, place),
            "is_exact": said.is_exact,
        }
        for index, place in places.items()
        if not np.isnan(row[place]).all()
    ]


def _moved(text: str, row: Matrix, effects: Matrix, place: slice) -> list[MovedJson]:
    """Return the places of the words that moved the score most, in order."""
    by_code = dict(zip(row[place].tolist(), effects[place].tolist(), strict=True))
    found: list[MovedJson] = [
        {"start": start, "end": end, "effect": by_code[code]}
        for start, end, code in words_of(text)
        if abs(by_code.get(code, 0.0)) >= LEAST_EFFECT
    ]
    found = sorted(found, key=lambda one: -abs(one["effect"]))[:MAX_MOVED]
    return sorted(found, key=lambda one: one["start"])


def _explained_labels(prediction: Prediction) -> list[int]:
    """Explain the recommended label: an effect above 0 speaks for it."""
    return [prediction.model_version.label_keys.index(prediction.label)]
